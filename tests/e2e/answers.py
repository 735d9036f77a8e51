"""Answers of APIs with log-probabilities, made up here in the shapes that the APIs give them."""
import json
import math

TEXT = ["The", " sky", " over", " Lis", "bon", " was", " blue", ",\n", "and", " the", " wind", " slept", ".\n\n", "Then", " came",
        " rain", "."]
CHANCES = [0.5, 0.3, 0.12, 0.04, 0.99, 0.8, 0.6, 0.2, 0.4, 0.7, 0.15, 0.02, 0.3, 0.25, 0.5, 0.45, 0.9]
OTHERS = [" a", " the", " of", " it", " red"]


def alternatives(token, chance, count=4):
    """(text, probability), the token among them, most probable first; they add up to less than 1."""
    others = [text for text in OTHERS if text != token][:count - 1]
    shares = [0.5, 0.3, 0.1, 0.05][:len(others)]
    return sorted([(token, chance)] + [(text, (1 - chance) * share) for text, share in zip(others, shares)], key=lambda pair: -pair[1])


def entry(token, chance, count=4):
    item = {"token": token, "logprob": math.log(chance), "bytes": list(token.encode())}
    return {**item, "top_logprobs": [{"token": text, "logprob": math.log(p), "bytes": list(text.encode())}
                                     for text, p in alternatives(token, chance, count)] if count else []}


def chat(tokens=TEXT, chances=CHANCES, choices=1, count=4, **more):
    content = [entry(token, chance, count) for token, chance in zip(tokens, chances)]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "made-up-1",
            "choices": [{"index": index, "message": {"role": "assistant", "content": "".join(tokens)},
                         "logprobs": {"content": content[index:], "refusal": None}, "finish_reason": "stop"} for index in range(choices)],
            "usage": {"total_tokens": 20}, **more}


def completions(tokens=TEXT, chances=CHANCES):
    return {"id": "cmpl-1", "object": "text_completion", "model": "made-up-1", "choices": [{
        "text": "".join(tokens), "index": 0, "finish_reason": "stop", "logprobs": {
            "tokens": tokens, "token_logprobs": [None] + [math.log(p) for p in chances[1:]],
            "top_logprobs": [None] + [{text: math.log(p) for text, p in alternatives(*pair)}
                                      for pair in list(zip(tokens, chances))[1:]],
            "text_offset": [sum(map(len, tokens[:i])) for i in range(len(tokens))]}}]}


def responses(tokens=TEXT, chances=CHANCES):
    return {"id": "resp_1", "object": "response", "model": "made-up-1", "output": [
        {"id": "rs_1", "type": "reasoning", "summary": []},
        {"id": "msg_1", "type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "".join(tokens), "annotations": [], "logprobs": [entry(*pair) for pair in zip(tokens, chances)]}]}]}


def vllm_prompt(tokens=TEXT, chances=CHANCES):
    vocabulary = {text: 100 + n for n, text in enumerate(dict.fromkeys(tokens + OTHERS))}

    def place(token, chance):
        ranked = alternatives(token, chance)
        ranks = {text: rank for rank, (text, _) in enumerate(ranked, 1)}
        ordered = [(token, chance)] + [pair for pair in ranked if pair[0] != token]
        return {str(vocabulary[text]): {"logprob": math.log(p), "rank": ranks[text], "decoded_token": text} for text, p in ordered}
    return {"id": "chatcmpl-2", "object": "chat.completion", "model": "made-up-2",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes"}, "logprobs": None}],
            "prompt_logprobs": [None] + [place(*pair) for pair in list(zip(tokens, chances))[1:]]}


def llama_cpp(tokens=TEXT, chances=CHANCES):
    return {"index": 0, "content": "".join(tokens), "model": "made-up.gguf", "stop": True, "completion_probabilities": [
        {**entry(token, chance), "id": number} for number, (token, chance) in enumerate(zip(tokens, chances))]}


def llama_cpp_sampled(tokens=TEXT, chances=CHANCES):
    return {"content": "".join(tokens), "completion_probabilities": [
        {"id": 1, "token": token, "bytes": list(token.encode()), "prob": chance,
         "top_probs": [{"id": 1, "token": text, "prob": p} for text, p in alternatives(token, chance)]}
        for token, chance in zip(tokens, chances)]}


def llama_cpp_old(tokens=TEXT, chances=CHANCES):
    return {"content": "".join(tokens), "completion_probabilities": [
        {"content": token, "probs": [{"tok_str": text, "prob": p} for text, p in alternatives(token, chance)]}
        for token, chance in zip(tokens, chances)]}


def cohere(tokens=TEXT, chances=CHANCES):
    return {"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": "".join(tokens)}]},
            "logprobs": [{"text": token, "token_ids": [7], "logprobs": [math.log(chance)]} for token, chance in zip(tokens, chances)]}


FORMS = {"chat": chat, "completions": completions, "responses": responses, "vllm_prompt": vllm_prompt, "llama_cpp": llama_cpp,
         "llama_cpp_sampled": llama_cpp_sampled, "llama_cpp_old": llama_cpp_old, "cohere": cohere}


def stream(tokens=TEXT, chances=CHANCES, choices=1, end="data: [DONE]\n\n"):
    """What a client saw of a streamed chat answer."""
    lines = [": keep-alive\n\n", "data: " + json.dumps({"id": "s1", "object": "chat.completion.chunk", "choices": [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}]}) + "\n\n"]
    for token, chance in zip(tokens, chances):
        for choice in range(choices):
            lines.append("data: " + json.dumps({"id": "s1", "object": "chat.completion.chunk", "choices": [
                {"index": choice, "delta": {"content": token}, "logprobs": {"content": [entry(token, chance)]}}]}) + "\n\n")
    return "".join(lines) + end


def explanation():
    """Aleph Alpha's, of three targets."""
    spans = [(0, 6), (6, 3), (9, 5), (14, 3)]
    scores = [[1.5, -0.5, 0.25, 0.0], [0.75, 2.0, -1.25, 0.5], [-0.125, 0.5, 1.0, 3.0]]
    told = [[], [(0, 4, 0.7)], [(0, 4, -0.4), (4, 6, 0.1)]]
    return {"model_version": "made-up-3", "prompt": [{"type": "text", "data": "Hello, my name is"}], "explanations": [
        {"target": target, "items": [
            {"type": "text", "scores": [{"start": start, "length": length, "score": score} for (start, length), score in zip(spans, row)]},
            {"type": "target", "scores": [{"start": start, "length": length, "score": score} for start, length, score in before]}]}
        for target, row, before in zip([" and", " sunny", "."], scores, told)]}

"""Probabilities of tokens from APIs: every form against Python's math, and what is said about them."""
import json
import math

import pytest

import answers


def save(program, name, content):
    path = program.cwd / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", answers.FORMS)
def test_every_form_against_python(program, form):
    path = save(program, f"{form}.json", answers.FORMS[form]())
    first = 1 if form in ("completions", "vllm_prompt") else 0  # the first token of a prompt has no probability
    info = program.json("info", path)
    assert info["sets"] == []
    (strip,) = info["strips"]
    known = [math.log(p) for p in answers.CHANCES[first:]]
    assert (strip["tokens"], strip["known"], strip["missing"], strip["floored"]) == (len(answers.TEXT), len(known), first, 0)
    assert strip["mean_logprob"] == pytest.approx(sum(known) / len(known), rel=1e-6)
    assert strip["perplexity"] == pytest.approx(math.exp(-sum(known) / len(known)), rel=1e-6)
    tokens = program.json("probe", path, "--query", ":")["tokens"]
    assert [token["position"] for token in tokens] == list(range(len(answers.TEXT)))
    assert [token["token"] for token in tokens[first:]] == answers.TEXT[first:]
    for token, text, chance in list(zip(tokens, answers.TEXT, answers.CHANCES))[first:]:
        assert token["logprob"] == pytest.approx(math.log(chance), rel=1e-6, abs=1e-7)
        assert token["probability"] == pytest.approx(chance, rel=1e-6)
        if form == "cohere":
            assert (token["alternatives"], token["entropy_least"]) == ([], None)
            continue
        expected = answers.alternatives(text, chance)
        assert [(item["token"], pytest.approx(item["probability"], rel=1e-5)) for item in token["alternatives"]] == expected
        assert token["rank"] == [name for name, _ in expected].index(text) + 1
        mass = sum(p for _, p in expected)
        assert token["mass"] == pytest.approx(mass, rel=1e-6)
        assert token["other"] == pytest.approx(1 - mass, abs=1e-6)
        plain = -sum(p * math.log(p) for _, p in expected)
        assert token["entropy_least"] == pytest.approx(plain - (1 - mass) * math.log(1 - mass), rel=1e-5)
        assert token["entropy_top"] == pytest.approx(-sum(p / mass * math.log(p / mass) for _, p in expected), rel=1e-5)


def test_a_token_for_people(program):
    answer = answers.chat()
    answer["choices"][0]["logprobs"]["content"][2]["logprob"] = -9999.0
    path = save(program, "a.json", answer)
    text = program.ok("probe", path, "--query", 3)
    assert 'token 3 " Lis"' in text and "rank 4" in text and "* p 0.04" in text
    assert "other tokens together" in text and "at least" in text and "bits" in text
    assert "very unlikely" in program.ok("probe", path, "--query", 2)
    table = program.ok("probe", path, "--query", "1:3").splitlines()
    assert table[0].split("\t")[:5] == ["position", "token", "logprob", "probability", "rank"]
    cells = table[1].split("\t")
    assert (cells[0], json.loads(cells[1])) == ("1", " sky")
    assert len(table) == 3 and json.loads(table[2].split("\t")[6])[0]["token"] == " a"
    said = program.ok("info", path)
    assert "not attention" in said and "perplexity" in said and "floored" in said


def test_several_answers_are_items(program):
    path = save(program, "two.json", answers.chat(choices=2))
    assert [strip["name"] for strip in program.json("info", path)["strips"]] == ["answer, choice 0", "answer, choice 1"]
    assert program.json("probe", path, "--query", 0, "--batch", 1)["token"] == answers.TEXT[1]
    lines = "".join(json.dumps({"custom_id": f"r{n}", "response": {"body": answers.chat()}}) + "\n" for n in range(3))
    strips = program.json("info", save(program, "batch.jsonl", lines))["strips"]
    assert [strip["name"] for strip in strips] == ["r0: answer", "r1: answer", "r2: answer"]


@pytest.mark.parametrize("end", ["data: [DONE]\n\n", "", "event: done\n\n"])
def test_a_saved_stream_is_one_answer(program, end):
    path = save(program, "stream.txt", answers.stream(choices=2, end=end))
    strips = program.json("info", path)["strips"]
    assert [(strip["tokens"], strip["known"]) for strip in strips] == [(17, 17)] * 2
    assert program.json("probe", path, "--query", 16, "--batch", 1)["token"] == "."
    assert program.json("info", "-", data=path.read_bytes())["strips"] == strips


def test_explanations_against_python(program):
    answer = answers.explanation()
    path = save(program, "explain.json", answer)
    info = program.json("info", path)
    (only,) = info["sets"]
    assert (only["name"], only["kind"], only["queries"], only["keys"]) == ("explanations", "attribution", 3, 6)
    assert not [note for note in info["notes"] if "padding" in note or "NaN" in note]
    values = program.json("probe", path, "--query", ":", "--key", ":4")["values"]
    for row, entry in zip(values, answer["explanations"]):
        assert row == pytest.approx([score["score"] for score in entry["items"][0]["scores"]])
    cell = program.json("probe", path, "--query", 2, "--key", 5)
    assert (cell["value"], cell["query_token"], cell["key_token"]) == (pytest.approx(0.1), ".", " sunny")
    assert program.json("probe", path, "--query", 0, "--key", 4)["masked"]


def test_refused_with_a_sentence(program):
    path = save(program, "a.json", answers.chat())
    assert "not attention" in program.ok("info", path)
    assert "they go from 0 to 16" in program.refused("probe", path, "--query", 17, code=1)
    assert "no layers" in program.refused("probe", path, "--query", 1, "--key", 1, code=1)
    assert "there is 1" in program.refused("probe", path, "--query", 1, "--batch", 1, code=1)
    assert "no patterns" in program.refused("convert", path, "x.safetensors")
    assert not (program.cwd / "x.safetensors").exists()
    positive = answers.chat()
    positive["choices"][0]["logprobs"]["content"][5]["logprob"] = 0.5
    assert "at most 0, found 0.5" in program.refused("info", save(program, "p.json", positive))


# ---- pictures and commands -------------------------------------------------------------------------------------------

def state_of(program, *arguments):
    return json.loads(program.ok("render", *arguments, "--exec", "state", "--size", "900x600", "-o", "state.png"))


def test_the_picture_has_the_colours_of_the_probabilities(program):
    """Every token's ground is viridis at the root of its probability."""
    image, colormaps = pytest.importorskip("matplotlib.image"), pytest.importorskip("matplotlib").colormaps
    path = save(program, "a.json", answers.chat())
    for position, chance in enumerate(answers.CHANCES):
        state = json.loads(program.ok("render", path, "--window", "--size", "1280x720", "--exec", f"token {position}; state",
                                      "-o", "x.png"))
        x, y, w, h = state["text"]["rect"]
        picture = image.imread(program.cwd / "x.png")[..., :3]
        ground = picture[int(y) + 5, int(x + w / 2)]  # above the letters
        assert ground == pytest.approx(colormaps["viridis"](math.sqrt(chance))[:3], abs=2.5 / 255), position


def test_every_kind_of_picture(program):
    path = save(program, "a.json", answers.chat(choices=2))
    for name in ("x.png", "x.svg", "x.pdf"):
        program.ok("render", path, "--token", 2, "--size", "640x480", "-o", name)
        assert (program.cwd / name).stat().st_size > 2000
    svg = (program.cwd / "x.svg").read_text()
    assert "not attention" in svg
    program.ok("render", path, "--bare", "--size", "300x200", "-o", "bare.png")
    assert "holds blocks of a pattern" in program.refused("render", path, "--level", "0,0", "-o", "x.npy")
    for verb in (("bench", path, "--frames", 2), ("record", path, "--sweep", "layers", "-o", "frames")):
        assert "probabilities of tokens" in program.refused(*verb)


def test_a_picture_opens_with_its_view_again(program):
    path = save(program, "a.json", answers.chat(choices=2))
    program.ok("render", path, "--batch", 1, "--token", 4, "--text-size", 22, "--transform", "log", "--cmap", "magma", "--range", "0:0.5",
               "--size", "900x600", "-o", "x.png")
    state = state_of(program, "--from", "x.png")
    text = state["text"]
    assert (text["item"], text["token"], text["locked"], text["size"]) == (1, 4, True, 22)
    assert (state["view"], state["transform"], state["cmap"], state["range"]) == ("probabilities", "log", "magma", [0, 0.5])


def test_commands_move_the_token(program):
    path = save(program, "a.json", answers.chat(choices=2))

    def token(script):
        return json.loads(program.ok("render", path, "--size", "900x600", "-o", "x.png", "--exec", script + "; state"))["text"]
    assert token("token last")["token"] == 16
    assert token("token 3; token +2")["token"] == 5
    assert token("token 3; token -9")["token"] == 0
    assert token("token 1; token down")["token"] in range(8, 13)  # the second line
    assert token("token 1; token down; token up")["token"] in (0, 1, 2)
    assert token("token none")["token"] is None
    assert token("batch 1; token last; token down")["token"] == 15
    assert token("zoom 2")["size"] == 30
    assert token("text-size 40; fit")["size"] == 15
    for script, word in (("token 17", "they go from 0 to 16"), ("token x", "'token' takes"), ("text-size 0", "6 to 96"),
                         ("text-top 99", "0 to 16"), ("batch 2", "there are 2"), ("layer 1", "patterns of attention"),
                         ("heads mean", "patterns of attention"), ("view matrix", "this capture has none"),
                         ("rect 0:1,0:1", "patterns of attention"), ("pool max", "patterns of attention"),
                         (f"ref {path}", "patterns of attention")):
        assert word in program.refused("render", path, "-o", "x.png", "--exec", script, code=(1, 2)), script


def test_patterns_have_no_text_of_probabilities(program, demo):
    assert "this capture has none" in program.refused("render", demo, "--view", "text", "-o", "x.png", code=(1, 2))
    assert "for probabilities of tokens" in program.refused("render", demo, "--exec", "token 1", "-o", "x.png", code=(1, 2))
    path = save(program, "a.json", answers.chat())
    assert "cannot be compared" in program.refused("render", demo, "--ref", path, "-o", "x.png")


def test_both_kinds_in_one_capture(program, demo):
    path = save(program, "a.json", answers.chat())
    info = program.json("info", demo, path)
    assert info["sets"] and info["strips"]
    assert program.json("probe", demo, path, "--query", 3)["token"] == " Lis"
    assert program.json("probe", demo, path, "--query", 3, "--key", 1)["value"] is not None


@pytest.mark.parametrize("ending, separator", [("tsv", "\t"), ("csv", ",")])
def test_tables(program, ending, separator):
    import csv
    tokens = ["a,\"b\"", "\t", "\n", " c"]
    path = save(program, "a.json", answers.chat(tokens, [0.5, 0.25, 0.125, 1 - 1e-9]))
    program.ok("render", path, "-o", "x.png", "--exec", f"export t.{ending}")
    with open(program.cwd / f"t.{ending}", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=separator, quoting=csv.QUOTE_MINIMAL if ending == "csv" else csv.QUOTE_NONE))
    assert rows[0] == ["position", "token", "logprob", "probability", "rank", "entropy_least", "alternatives"]
    assert [json.loads(row[1]) for row in rows[1:]] == tokens
    assert [float(row[3]) for row in rows[1:]] == pytest.approx([0.5, 0.25, 0.125, 1])
    assert [json.loads(row[6])[int(row[4]) - 1]["token"] for row in rows[1:]] == tokens
    assert ".tsv or .csv" in program.refused("render", path, "-o", "x.png", "--exec", "export t.npy", code=1)


def test_find(program):
    path = save(program, "a.json", answers.chat(answers.TEXT * 3, answers.CHANCES * 3, choices=2))
    def run(script):
        return json.loads(program.ok("render", path, "--size", "900x600", "-o", "x.png", "--exec", script + "; state"))
    state = run("find lisbon")  # over two tokens, whatever the case
    assert (state["find"]["count"], state["find"]["tokens"], state["text"]["token"]) == (3, [3, 5], 3)
    assert run("find lisbon; find-next; find-next")["text"]["token"] == 37
    assert run("find lisbon; find-previous")["text"]["token"] == 37
    assert run("token 20; find the sky")["text"]["token"] == 34
    assert run("find lisbon; batch 1; wait exact")["find"]["tokens"] is None
    assert run("find lisbon; batch 1; wait exact; find-next")["text"]["token"] == 2
    assert run("find no such words")["find"]["count"] == 0
    program.ok("render", path, "--find", "wind", "--size", "900x600", "-o", "y.png")
    assert state_of(program, "--from", "y.png")["find"]["query"] == "wind"

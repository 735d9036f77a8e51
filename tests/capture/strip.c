/* Probabilities of tokens: each form, what is told from it, and what is refused. Values against Python's math are in
 * tests/e2e/test_strips.py. */
#include "test_capture.h"

#define TOP(text, p) "{\"token\": \"" text "\", \"logprob\": " p ", \"bytes\": null}"

static Capture *open_text(const char *text) {
    Error err;
    Capture *capture = open_memory(text, strlen(text), "answer.json", &err);
    if (!capture) fail_msg("%s: %.60s", err.message, text);
    return capture;
}

static const StripInfo *only_strip(const Capture *capture, int64_t count) {
    assert_int_equal(capture_set_count(capture), 0);
    assert_int_equal(capture_strip_count(capture), 1);
    const StripInfo *strip = capture_strip(capture, 0);
    assert_int_equal(strip->count, count);
    return strip;
}

static void check_token(const StripInfo *strip, int64_t at, const char *raw, float logprob, int rank) {
    const StripToken *token = &strip->tokens[at];
    assert_string_equal(token->token->raw, raw);
    if (isnan(logprob))
        assert_true(isnan(token->logprob));
    else
        assert_true(token->logprob == logprob);
    assert_int_equal(token->rank, rank);
}

static const char *alternative(const StripInfo *strip, int64_t at, uint32_t n) {
    assert_true(n < strip->tokens[at].count);
    return strip->alternatives[strip->tokens[at].first + n].token->raw;
}

/* ---- forms ----------------------------------------------------------------------------------- */

static void test_chat(void **state) {
    (void)state;
    Capture *capture = open_text(
        "{\"id\": \"c1\", \"object\": \"chat.completion\", \"model\": \"m\", \"choices\": [{\"index\": 0, \"message\": "
        "{\"content\": \"Hi yo\"}, \"logprobs\": {\"content\": ["
        "{\"token\": \"Hi\", \"logprob\": -0.5, \"bytes\": [72, 105], \"top_logprobs\": [" TOP("Oh", "-2.5") ", " TOP(
            "Hi", "-0.5") "]},"
                          "{\"token\": \" yo\", \"logprob\": -9999.0, \"top_logprobs\": [" TOP(
                              " you", "-0.25") "]}"
                                               "], \"refusal\": null}}]}");
    const StripInfo *strip = only_strip(capture, 2);
    assert_string_equal(capture_model(capture), "m");
    assert_string_equal(strip->form, "OpenAI chat");
    assert_string_equal(strip->name, "answer");
    check_token(strip, 0, "Hi", -0.5f, 1);
    assert_string_equal(alternative(strip, 0, 0), "Hi"); /* sorted */
    assert_string_equal(alternative(strip, 0, 1), "Oh");
    assert_int_equal(strip->tokens[0].chosen, 0); /* its bytes are given, those of the alternative are not */
    check_token(strip, 1, " yo", -9999.0f, 0);
    assert_true(strip->tokens[1].floored);
    assert_int_equal(strip->tokens[1].chosen, -1);
    assert_int_equal(strip->known, 1);
    assert_int_equal(strip->floored, 1);
    assert_true(strip->mean_logprob == -0.5);
    assert_true(has_note(capture, "not attention"));
    assert_true(has_note(capture, "very unlikely"));
    capture_close(capture);
}

static void test_completions(void **state) {
    (void)state;
    Capture *capture = open_text(
        "{\"object\": \"text_completion\", \"choices\": [{\"text\": \"ab\", \"index\": 0, \"logprobs\": {"
        "\"text_offset\": [0, 1], \"top_logprobs\": [null, {\"b\": -1.5, \"c\": -0.5}],"
        "\"token_logprobs\": [null, -1.5], \"tokens\": [\"a\", \"b\"]}}]}");
    const StripInfo *strip = only_strip(capture, 2);
    assert_string_equal(strip->form, "OpenAI completions");
    check_token(strip, 0, "a", NAN, 0);
    check_token(strip, 1, "b", -1.5f, 2);
    assert_int_equal(strip->tokens[0].count, 0);
    assert_string_equal(alternative(strip, 1, 0), "c");
    assert_int_equal(strip->missing, 1);
    capture_close(capture);
}

static void test_responses(void **state) {
    static const char ANSWER[] = "{\"object\": \"response\", \"output\": [{\"type\": \"reasoning\"}, {\"type\": "
                                 "\"message\", \"content\": [{\"type\": \"output_text\", \"logprobs\": [{\"token\": "
                                 "\"x\", \"logprob\": -1, \"top_logprobs\": [" TOP("x", "-1") "]}]}]}]}";
    char events[2048];
    (void)state;
    Capture *capture = open_text(ANSWER);
    check_token(only_strip(capture, 1), 0, "x", -1.0f, 1);
    capture_close(capture);
    /* Streamed, everything comes once more at the end. */
    snprintf(
        events, sizeof(events),
        "event: a\ndata: {\"type\": \"response.output_text.delta\", \"item_id\": \"i\", \"logprobs\": [{\"token\": "
        "\"y\", \"logprob\": -2}]}\n\ndata: {\"type\": \"response.output_text.done\", \"item_id\": \"i\", "
        "\"logprobs\": [{\"token\": \"y\", \"logprob\": -2}]}\r\n\r\ndata: {\"type\": \"response.completed\", "
        "\"response\": %s}\n",
        ANSWER);
    capture = open_text(events);
    check_token(only_strip(capture, 1), 0, "y", -2.0f, 0);
    capture_close(capture);
    snprintf(events, sizeof(events), "data: {\"type\": \"response.completed\", \"response\": %s}\n", ANSWER);
    capture = open_text(events);
    check_token(only_strip(capture, 1), 0, "x", -1.0f, 1);
    capture_close(capture);
}

#define VLLM_PROMPT                                                                                                    \
    "\"prompt_logprobs\": [null, {\"7\": {\"logprob\": -3.0, \"rank\": 12, \"decoded_token\": \" b\"}, \"9\": "        \
    "{\"logprob\": -0.5, \"rank\": 1, \"decoded_token\": \" c\"}}, {\"9\": {\"logprob\": -0.25, \"rank\": 1}}]"

static void test_vllm(void **state) {
    (void)state;
    Capture *capture = open_text("{\"id\": \"x\", \"choices\": [], " VLLM_PROMPT "}");
    const StripInfo *strip = only_strip(capture, 3);
    assert_string_equal(strip->name, "prompt");
    check_token(strip, 0, "", NAN, 0);
    check_token(strip, 1, " b", -3.0f, 12);
    check_token(strip, 2, "#9", -0.25f, 1);
    assert_int_equal(strip->tokens[1].chosen, 1);
    assert_int_equal(strip->alternatives[strip->tokens[1].first].id, 9);
    assert_true(has_note(capture, "order in the file"));
    capture_close(capture);
    /* With the ids of the prompt nothing is guessed, whatever the order. */
    capture = open_text("{\"prompt_token_ids\": [1, 9, 9], " VLLM_PROMPT "}");
    check_token(only_strip(capture, 3), 1, " c", -0.5f, 1);
    assert_false(has_note(capture, "order in the file"));
    capture_close(capture);
    /* As Python's objects are dumped, ranks missing: the last may stand anywhere. */
    capture = open_text("[{\"prompt\": \"a\", \"prompt_logprobs\": [null, {\"3\": -2.0, \"4\": -0.5}], \"outputs\": "
                        "[{\"index\": 0, \"logprobs\": [{\"4\": -0.5, \"3\": -2.0}]}]}]");
    assert_int_equal(capture_strip_count(capture), 2);
    check_token(capture_strip(capture, 0), 1, "#3", -2.0f, 0);
    check_token(capture_strip(capture, 1), 0, "#4", -0.5f, 1);
    assert_string_equal(capture_strip(capture, 1)->name, "answer");
    capture_close(capture);
}

static void test_llama_cpp(void **state) {
    (void)state;
    Capture *capture = open_text(
        "{\"content\": \"ab\", \"completion_probabilities\": [{\"id\": 1, \"token\": \"a\", \"bytes\": [97], "
        "\"logprob\": "
        "-0.5, \"top_logprobs\": [{\"id\": 1, \"token\": \"a\", \"bytes\": [97], \"logprob\": -0.5}]}, {\"id\": 2, "
        "\"token\": \"b\", \"prob\": 0.25, \"top_probs\": [{\"id\": 3, \"token\": \"c\", \"prob\": 0.5}]}, "
        "{\"content\": "
        "\"d\", \"probs\": [{\"tok_str\": \"e\", \"prob\": 0.5}, {\"tok_str\": \"d\", \"prob\": 0.125}]}, "
        "{\"content\": "
        "\"f\", \"probs\": [{\"tok_str\": \"g\", \"prob\": 1.0}, {\"tok_str\": \"h\", \"prob\": 0.0}]}]}");
    const StripInfo *strip = only_strip(capture, 4);
    check_token(strip, 0, "a", -0.5f, 1);
    check_token(strip, 1, "b", logf(0.25f), 0); /* behind the one that is listed */
    check_token(strip, 2, "d", logf(0.125f), 2);
    check_token(strip, 3, "f", NAN, 0);
    assert_true(strip->alternatives[strip->tokens[3].first + 1].logprob == -INFINITY);
    capture_close(capture);
}

static void test_cohere(void **state) {
    (void)state;
    Capture *capture = open_text(
        "{\"message\": {\"content\": [{\"type\": \"text\", \"text\": \"no\"}]}, \"logprobs\": "
        "[{\"text\": \"Hi\", \"token_ids\": [1], \"logprobs\": [-0.5]}, {\"text\": \" there\", "
        "\"token_ids\": [2, 3], \"logprobs\": [-1, -2]}]}");
    const StripInfo *strip = only_strip(capture, 3);
    assert_string_equal(strip->form, "Cohere");
    check_token(strip, 1, " there", -1.0f, 0);
    check_token(strip, 2, "", -2.0f, 0);
    assert_true(strip->tokens[2].continues);
    capture_close(capture);
    capture = open_text(
        "{\"generations\": [{\"text\": \"ab\", \"token_likelihoods\": [{\"token\": \"a\"}, {\"token\": "
        "\"b\", \"likelihood\": -1.5}]}, {\"token_likelihoods\": [{\"token\": \"z\", \"likelihood\": -3}]}]}");
    assert_int_equal(capture_strip_count(capture), 2);
    check_token(capture_strip(capture, 0), 0, "a", NAN, 0);
    check_token(capture_strip(capture, 0), 1, "b", -1.5f, 0);
    check_token(capture_strip(capture, 1), 0, "z", -3.0f, 0);
    capture_close(capture);
}

/* ---- several --------------------------------------------------------------------------------- */

#define CHUNK(id, choice, text, p)                                                                                     \
    "{\"id\": \"" id "\", \"object\": \"chat.completion.chunk\", \"choices\": [{\"delta\": {\"content\": \"" text      \
    "\"}, \"logprobs\": {\"content\": [{\"token\": \"" text "\", \"logprob\": " p "}]}, \"index\": " choice "}]}"

static void check_chunks(const char *text) {
    Capture *capture = open_text(text);
    assert_int_equal(capture_strip_count(capture), 3);
    check_token(capture_strip(capture, 0), 0, "a", -1.0f, 0);
    check_token(capture_strip(capture, 0), 1, "c", -3.0f, 0);
    check_token(capture_strip(capture, 1), 0, "b", -2.0f, 0);
    check_token(capture_strip(capture, 2), 0, "d", -4.0f, 0);
    assert_string_equal(capture_strip(capture, 1)->name, "s1: answer, choice 1");
    assert_string_equal(capture_strip(capture, 2)->name, "s2: answer, choice 0");
    capture_close(capture);
}

static void test_streams(void **state) {
    (void)state;
    check_chunks(": comment\n\ndata: {\"id\": \"s1\", \"choices\": [{\"index\": 0, \"logprobs\": "
                 "null}]}\n\ndata: " CHUNK("s1", "0", "a", "-1") "\n\ndata:" CHUNK(
                     "s1", "1", "b",
                     "-2") "\n\nid: 3\ndata: " CHUNK("s1", "0", "c",
                                                     "-3") "\n\ndata: [DONE]\n\ndata: " CHUNK("s2", "0", "d",
                                                                                              "-4") "\n\ndata: [DONE]");
    check_chunks(CHUNK("s1", "0", "a", "-1") "\n" CHUNK("s1", "1", "b", "-2") "\n" CHUNK(
        "s1", "0", "c", "-3") "\n" CHUNK("s2", "0", "d", "-4"));
    check_chunks("[" CHUNK("s1", "0", "a", "-1") "," CHUNK("s1", "1", "b", "-2") "," CHUNK(
        "s1", "0", "c", "-3") "," CHUNK("s2", "0", "d", "-4") "]");
    Capture *capture = open_text(
        "data: {\"content\": \"a\", \"stop\": false, \"completion_probabilities\": [{\"token\": "
        "\"a\", \"logprob\": -1}]}\n\ndata: {\"content\": \"b\", \"stop\": true, "
        "\"completion_probabilities\": [{\"token\": \"b\", \"logprob\": -1}]}\n\ndata: "
        "{\"completion_probabilities\": [{\"token\": \"c\", \"logprob\": -1}]}\n");
    assert_int_equal(capture_strip_count(capture), 2);
    assert_int_equal(capture_strip(capture, 0)->count, 2);
    capture_close(capture);
}

static void test_batches(void **state) {
    (void)state;
    Capture *capture = open_text(
        "{\"id\": \"b1\", \"custom_id\": \"first\", \"response\": {\"body\": {\"id\": \"c\", \"object\": "
        "\"chat.completion\", \"choices\": [{\"index\": 0, \"logprobs\": {\"content\": [{\"token\": \"a\", "
        "\"logprob\": "
        "-1}]}}]}}}\n{\"id\": \"b2\", \"response\": null, \"error\": {\"code\": 1}}\n{\"id\": \"b3\", \"custom_id\": "
        "\"third\", \"response\": {\"body\": {\"id\": \"c\", \"choices\": [{\"index\": 0, \"logprobs\": {\"content\": "
        "[{\"token\": \"b\", \"logprob\": -1}]}}]}}}");
    assert_int_equal(capture_strip_count(capture), 2);
    assert_string_equal(capture_strip(capture, 0)->name, "first: answer");
    assert_string_equal(capture_strip(capture, 1)->name, "third: answer");
    capture_close(capture);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void check_joined(const char *text) {
    Capture *capture = open_text(text);
    const StripInfo *strip = only_strip(capture, 5);
    assert_string_equal(strip->tokens[0].token->display, "\xe2\x98\x83");
    assert_string_equal(strip->tokens[0].token->raw, "\\xe2\\x98");
    assert_true(strip->tokens[1].continues);
    assert_string_equal(strip->tokens[1].token->display, "");
    assert_string_equal(strip->tokens[1].token->raw, "\\x83");
    assert_string_equal(strip->tokens[2].token->display, "\xe2\x86\xb5"); /* a line break */
    assert_string_equal(strip->tokens[3].token->display, "\\xe2");        /* never completed */
    assert_false(strip->tokens[4].continues);
    assert_string_equal(strip->tokens[4].token->display, "z");
    capture_close(capture);
}

static void test_characters_in_pieces(void **state) {
    (void)state;
    check_joined(
        "{\"choices\": [{\"logprobs\": {\"content\": [{\"token\": \"\\\\xe2\\\\x98\", \"bytes\": [226, 152], "
        "\"logprob\": -1}, {\"token\": \"\\\\x83\", \"bytes\": [131], \"logprob\": -1}, {\"token\": \"\\n\", "
        "\"bytes\": [10], \"logprob\": -1}, {\"token\": \"?\", \"bytes\": [226], \"logprob\": -1}, {\"token\": "
        "\"z\", \"bytes\": [122], \"logprob\": -1}]}}]}");
    check_joined("{\"choices\": [{\"logprobs\": {\"tokens\": [\"bytes:\\\\xe2\\\\x98\", \"bytes:\\\\x83\", \"\\n\", "
                 "\"bytes:\\\\xe2\", \"z\"], \"token_logprobs\": [-1, -1, -1, -1, -1]}}]}");
    Capture *capture = open_text(
        "{\"completion_probabilities\": [{\"token\": \"<0xE2>\", \"logprob\": -1}, {\"token\": "
        "\"<0x98>\", \"logprob\": -1}, {\"token\": \"<0x83>\", \"logprob\": -1}, {\"token\": "
        "\"\\u0120a\", \"logprob\": -1}]}");
    const StripInfo *strip = only_strip(capture, 4);
    assert_string_equal(strip->tokens[0].token->display, "\xe2\x98\x83");
    assert_string_equal(strip->tokens[3].token->display, " a"); /* byte-level marks are undone */
    capture_close(capture);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void test_figures(void **state) {
    int64_t known;
    (void)state;
    Capture *capture = open_text(
        "{\"completion_probabilities\": [{\"token\": \"a\", \"prob\": 0.5, \"top_probs\": "
        "[{\"token\": \"a\", \"prob\": 0.5}, {\"token\": \"b\", \"prob\": 0.25}]}, {\"token\": "
        "\"c\", \"prob\": 0.125, \"top_probs\": [{\"token\": \"a\", \"prob\": 0.5}]}, "
        "{\"token\": \"x\", \"prob\": 1.0}]}");
    const StripInfo *strip = only_strip(capture, 3);
    const double bit = log(2);
    StripFigures f = capture_strip_figures(strip, 0);
    assert_int_equal(f.listed, 2);
    assert_true(fabs(f.other - 0.25) < 1e-7);
    assert_true(fabs(f.entropy_least - 1.5 * bit) < 1e-6); /* halves and quarters */
    assert_true(fabs(f.entropy_top - (log(3) - 2.0 / 3 * bit)) < 1e-6);
    f = capture_strip_figures(strip, 1); /* the token itself is listed, too */
    assert_int_equal(f.listed, 2);
    assert_true(fabs(f.mass - 0.625) < 1e-7);
    f = capture_strip_figures(strip, 2);
    assert_true(isnan(f.entropy_least));
    assert_true(fabs(capture_strip_perplexity(strip, 0, 2, &known) - 4) < 1e-6);
    assert_int_equal(known, 2);
    capture_close(capture);
}

/* ---- explanations ---------------------------------------------------------------------------- */

static void test_explanations(void **state) {
    float cells[8];
    Error err = {0};
    (void)state;
    Capture *capture = open_text(
        "{\"model_version\": \"lum\", \"prompt\": [{\"type\": \"text\", \"data\": \"H\\u00e9llo you\"}], "
        "\"explanations\": [{\"target\": \" a\", \"items\": [{\"type\": \"text\", \"scores\": [{\"start\": 6, "
        "\"length\": "
        "3, \"score\": -0.5}, {\"start\": 0, \"length\": 5, \"score\": 1.5}]}]}, {\"target\": \"b\", \"items\": "
        "[{\"type\": "
        "\"text\", \"scores\": [{\"start\": 0, \"length\": 5, \"score\": 0.25}, {\"start\": 6, \"length\": 3, "
        "\"score\": "
        "0}]}, {\"type\": \"target\", \"scores\": [{\"start\": 0, \"length\": 2, \"score\": 2}]}]}]}");
    assert_int_equal(capture_set_count(capture), 1);
    const SetInfo *set = capture_set(capture, 0);
    assert_int_equal(set->kind, SET_ATTRIBUTION);
    assert_true(set->signed_values);
    assert_string_equal(set->name, "explanations");
    assert_int_equal(set->max_queries, 2);
    assert_int_equal(set->max_keys, 3);
    SourceScratch *scratch = capture_scratch_new();
    assert_int_equal(
        capture_source_rows(capture, (PatternRef){0}, VALUES_WEIGHTS, (Block){0, 2, 0, 3}, cells, scratch, NULL, &err),
        STATUS_OK);
    capture_scratch_drop(scratch);
    const float expected[6] = {1.5f, -0.5f, CELL_MASKED, 0.25f, 0.0f, 2.0f};
    for (int i = 0; i < 6; i++)
        assert_true(cells[i] == expected[i]);
    const TokenList *keys = capture_tokens(capture, 0, 0, AXIS_KEY);
    assert_string_equal(keys->tokens[0].raw, "H\xc3\xa9llo");
    assert_string_equal(keys->tokens[1].raw, "you");
    assert_string_equal(keys->tokens[2].raw, " a");
    assert_string_equal(capture_tokens(capture, 0, 0, AXIS_QUERY)->tokens[1].raw, "b");
    capture_close(capture);
}

/* ---- what is refused ------------------------------------------------------------------------- */

#define CONTENT(token) "{\"choices\": [{\"logprobs\": {\"content\": [" token "]}}]}"

static void test_refused(void **state) {
    static const struct {
        const char *text, *word;
    } CASES[] = {
        {CONTENT("{\"token\": \"a\", \"logprob\": 0.25}"), "at most 0, found 0.25"},
        {CONTENT("{\"token\": \"a\", \"logprob\": Infinity}"), "at most 0"},
        {CONTENT("{\"token\": \"a\", \"logprob\": -1, \"top_logprobs\": [{\"token\": \"b\", \"logprob\": 2}]}"),
         "at most 0, found 2"},
        {CONTENT("{\"token\": \"a\", \"prob\": 1.5}"), "probability of 0 to 1, found 1.5"},
        {CONTENT("{\"token\": \"a\", \"prob\": -0.5}"), "probability of 0 to 1"},
        {CONTENT("{\"token\": \"a\", \"logprob\": -1, \"bytes\": [256]}"), "bytes of 0 to 255, found 256"},
        {CONTENT("{\"token\": \"a\", \"logprob\": -1, \"bytes\": [1.5]}"), "bytes of 0 to 255"},
        {CONTENT("{\"token\": \"a\", \"logprob\": -1"), "not valid JSON"},
        {CONTENT(""), "found none"},
        {"{\"choices\": [{\"logprobs\": null}]}", "found none"},
        {"{\"choices\": [{\"logprobs\": {\"tokens\": [\"a\", \"b\"], \"token_logprobs\": [-1]}}]}",
         "as many token_logprobs as tokens, found 1 and 2"},
        {"{\"choices\": [{\"logprobs\": {\"tokens\": [\"a\"], \"top_logprobs\": [null, null]}}]}",
         "as many top_logprobs as tokens, found 2 and 1"},
        {"{\"prompt_logprobs\": [null, {\"7\": {\"logprob\": 7}}]}", "at most 0, found 7"},
        {"data: {\"a\": 1}\n\ndata: [DONE]\n", "found none"},
        {"data: {\"logprobs\": [}\n", "not valid JSON"},
        {"data: {\"logprobs\": [{\"token\": \"a\", \"logprob\": -1}]}\nstray words\n", "line of events"},
        {"{\"explanations\": [{\"target\": \"a\", \"items\": [{\"type\": \"text\"}]}]}", "an item without scores"},
        {"{\"explanations\": [{\"target\": \"a\", \"items\": []}]}", "found no score"},
        {"{\"explanations\": [{\"items\": [{\"scores\": [\"x\"]}]}]}", "a score that is no number"},
        {"{\"explanations\": [{\"items\": [{\"scores\": [{\"score\": 1, \"start\": -1, \"length\": 2}]}]}]}",
         "no place in a text"},
        {"{\"explanations\": [{\"items\": [{\"scores\": [{\"score\": 1, \"start\": 1}]}]}]}", "no whole number"},
    };
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(CASES); i++)
        refuse_memory(CASES[i].text, strlen(CASES[i].text), "x.json", CASES[i].word, &err);
}

/* Attention that comes with such keys is still attention, before or after them. */
static void test_attention_wins(void **state) {
    static const char *const TEXTS[] = {
        "{\"attention\": [[1, 0], [0.5, 0.5]], \"logprobs\": [{\"token\": \"a\", \"logprob\": -1}]}",
        "{\"logprobs\": [{\"token\": \"a\", \"logprob\": -1}], \"attention\": [[1, 0], [0.5, 0.5]]}",
        "{\"top_logprobs\": 5, \"explanations\": null, \"attention\": [[1, 0], [0.5, 0.5]]}",
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(TEXTS); i++) {
        Capture *capture = open_text(TEXTS[i]);
        assert_int_equal(capture_set_count(capture), 1);
        assert_int_equal(capture_strip_count(capture), 0);
        capture_close(capture);
    }
}

static const char WHOLE[] =
    "data: {\"id\": \"s\", \"object\": \"x.chunk\", \"choices\": [{\"index\": 0, \"logprobs\": {\"content\": "
    "[{\"token\": "
    "\"a\", \"bytes\": [97], \"logprob\": -1, \"top_logprobs\": [{\"token\": \"b\", \"logprob\": -Infinity}]}]}}]}\n\n"
    "data: {\"logprobs\": {\"tokens\": [\"a\", \"<0xE2>\"], \"token_logprobs\": [null, -1e0], \"top_logprobs\": [null, "
    "{\"k\": -1}]}}\n\ndata: {\"prompt_token_ids\": [1, 2], \"prompt_logprobs\": [null, {\"2\": {\"logprob\": -1, "
    "\"rank\": 3, \"decoded_token\": \"\\u00e9\"}}]}\n\ndata: [DONE]\n";

static void test_every_truncation_and_change_of_strips(void **state) {
    static const uint8_t VALUES[] = {0,   '"', '\\', '[', ']', '{',  '}', ',', ':',
                                     '0', '-', 'e',  'N', 'I', '\n', 'd', 0xff};
    char copy[sizeof(WHOLE)];
    Error err;
    (void)state;
    for (size_t size = 1; size < sizeof(WHOLE) - 1; size++) {
        memcpy(copy, WHOLE, size);
        Capture *capture = open_memory(copy, size, "x.txt", &err);
        if (capture) look_around(capture);
        capture_close(capture);
    }
    for (size_t at = 0; at < sizeof(WHOLE) - 1; at++) {
        for (size_t i = 0; i < BASE_COUNT(VALUES); i++) {
            memcpy(copy, WHOLE, sizeof(WHOLE));
            copy[at] = (char)VALUES[i];
            Capture *capture = open_memory(copy, sizeof(WHOLE) - 1, "x.txt", &err);
            if (capture) look_around(capture);
            capture_close(capture);
        }
    }
}

static void test_memory_runs_out_of_strips(void **state) {
    static const char *const TEXTS[] = {
        WHOLE, "{\"explanations\": [{\"target\": \"a\", \"items\": [{\"scores\": [0.5, {\"score\": -1, \"start\": 0, "
               "\"length\": 2}]}]}], \"model\": \"m\"}"};
    Error err;
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(TEXTS); i++) {
        for (uint64_t n = 1;; n++) {
            mem_fail_after(n, true);
            Capture *capture = open_memory(TEXTS[i], strlen(TEXTS[i]), "x.json", &err);
            mem_fail_after(0, false);
            bool opened = capture != NULL;
            capture_close(capture);
            if (opened) break;
            assert_int_equal(err.status, STATUS_MEMORY);
        }
    }
}

/* A vocabulary's worth of alternatives, unsorted, and levels without end. */
static void test_many_alternatives(void **state) {
    Bytes text = {0};
    char item[96];
    Error err;
    (void)state;
    bytes_text(&text, "{\"completion_probabilities\": [{\"token\": \"t7\", \"logprob\": -8, \"top_logprobs\": [");
    for (int i = 0; i < 50000; i++) {
        snprintf(item, sizeof(item), "%s{\"token\": \"t%d\", \"logprob\": -%d}", i ? "," : "", i,
                 50000 - (i * 7919) % 49999);
        bytes_text(&text, item);
    }
    bytes_text(&text, "]}]}");
    Capture *capture = open_memory(text.data, text.size, "x.json", &err);
    assert_non_null(capture);
    const StripInfo *strip = only_strip(capture, 1);
    assert_int_equal(strip->most_alternatives, 50000);
    for (uint32_t i = 1; i < 50000; i++)
        assert_true(strip->alternatives[i].logprob <= strip->alternatives[i - 1].logprob);
    capture_close(capture);
    text.size = 0;
    bytes_text(&text, "{\"logprobs\": ");
    for (int i = 0; i < 1000; i++)
        bytes_text(&text, "[");
    refuse_memory(text.data, text.size, "x.json", "64 levels", &err);
    bytes_free(&text);
}

int test_strip_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chat),
        cmocka_unit_test(test_completions),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_vllm),
        cmocka_unit_test(test_llama_cpp),
        cmocka_unit_test(test_cohere),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_characters_in_pieces),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_attention_wins),
        cmocka_unit_test(test_every_truncation_and_change_of_strips),
        cmocka_unit_test(test_memory_runs_out_of_strips),
        cmocka_unit_test(test_many_alternatives),
    };
    return cmocka_run_group_tests_name("strips", tests, NULL, NULL);
}

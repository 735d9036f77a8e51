#include "test_capture.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURES ATTNSCOPE_BINARY_DIR "/capture-fixtures"

bool make_fixtures(void) {
    static const char *const PYTHONS[] = {ATTNSCOPE_SOURCE_DIR "/.venv/bin/python", "python3", "python"};
    char command[2048];
    for (size_t i = 0; i < BASE_COUNT(PYTHONS); i++) {
        snprintf(command, sizeof(command), "'%s' -c 'import numpy' 2>/dev/null", PYTHONS[i]);
        if (system(command) != 0) continue;
        snprintf(command, sizeof(command), "'%s' '%s' '%s'", PYTHONS[i],
                 ATTNSCOPE_SOURCE_DIR "/tests/capture/make_fixtures.py", FIXTURES);
        if (system(command) == 0) return true;
        print_message("make_fixtures.py failed\n");
        exit(1);
    }
    print_message("SKIPPED: the fixtures of capture need a Python with NumPy (tools/test makes one)\n");
    return false;
}

const char *fixture(const char *name) {
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", FIXTURES, name);
    return path;
}

Capture *open_path(const char *path) {
    Capture *capture = NULL;
    Error err = {0};
    CaptureOpenParams params = {.paths = &path, .path_count = 1};
    if (capture_open(&params, &capture, &err) != STATUS_OK) fail_msg("%s: %s", path, err.message);
    return capture;
}

Capture *open_fixture(const char *name) {
    return open_path(fixture(name));
}

Capture *open_fixtures(const char *names) {
    char copy[160];
    const char *paths[4];
    size_t count = 0;
    Capture *capture = NULL;
    Error err = {0};
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *name = strtok(copy, "+"); name; name = strtok(NULL, "+"))
        paths[count++] = fixture(name);
    CaptureOpenParams params = {.paths = paths, .path_count = count};
    if (capture_open(&params, &capture, &err) != STATUS_OK) fail_msg("%s: %s", names, err.message);
    return capture;
}

void open_without_memory(const char *path) {
    CaptureOpenParams params = {.paths = &path, .path_count = 1};
    for (uint64_t n = 1;; n++) {
        Capture *capture = NULL;
        Error err = {0};
        mem_fail_after(n, true);
        Status status = capture_open(&params, &capture, &err);
        mem_fail_after(0, false);
        capture_close(capture);
        if (status == STATUS_OK) return;
        assert_int_equal(status, STATUS_MEMORY);
        assert_null(capture);
    }
}

Capture *open_memory(const void *data, size_t size, const char *name, Error *err) {
    Capture *capture = NULL;
    CaptureOpenParams params = {.memory = data, .memory_size = size, .memory_name = name};
    memset(err, 0, sizeof(*err));
    Status status = capture_open(&params, &capture, err);
    assert_int_equal(status == STATUS_OK, capture != NULL);
    if (status != STATUS_OK) { /* one sentence, without its full stop, and where */
        assert_int_equal(err->status, status);
        assert_true(strlen(err->message) > 10);
        assert_true(err->message[strlen(err->message) - 1] != '.');
        assert_null(strchr(err->message, '\n'));
    }
    return capture;
}

static Status refused(Capture *capture, const char *word, const Error *err) {
    if (capture) {
        capture_close(capture);
        fail_msg("opened, but should be refused with '%s'", word);
    }
    if (!strstr(err->message, word)) fail_msg("expected '%s' in: %s", word, err->message);
    return err->status;
}

Status refuse_memory(const void *data, size_t size, const char *name, const char *word, Error *err) {
    return refused(open_memory(data, size, name, err), word, err);
}

Status refuse_path(const char *path, const char *word, Error *err) {
    Capture *capture = NULL;
    CaptureOpenParams params = {.paths = &path, .path_count = 1};
    memset(err, 0, sizeof(*err));
    (void)capture_open(&params, &capture, err);
    if (!err->file[0]) fail_msg("%s: the file is not named: %s", path, err->message);
    return refused(capture, word, err);
}

static void look_at_pattern(const Capture *capture, PatternRef ref, SourceScratch *scratch) {
    enum { SIDE = 24 };
    float cells[SIDE * SIDE];
    int64_t queries, keys;
    Error err = {0};
    assert_int_equal(capture_pattern_size(capture, ref, &queries, &keys, &err), STATUS_OK);
    int64_t q0 = i64_max(queries - SIDE, 0), k0 = i64_max(keys - SIDE, 0);
    Probed probed = {0};
    (void)capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){0, i64_min(SIDE, queries), 0, i64_min(SIDE, keys)},
                              cells, scratch, NULL, &err);
    (void)capture_source_rows(capture, ref, VALUES_WEIGHTS, (Block){q0, queries, k0, keys}, cells, scratch, NULL, &err);
    (void)capture_source_rows(capture, ref, VALUES_SCORES, (Block){q0, queries, 0, i64_min(SIDE, keys)}, cells, scratch,
                              NULL, &err);
    (void)capture_probe(capture, ref, VALUES_WEIGHTS, queries - 1, 0, &probed, scratch, &err);
}

static void look_at_strip(const StripInfo *strip) {
    int64_t known = 0;
    assert_true(strip->count > 0);
    assert_int_equal(strip->known + strip->missing + strip->floored, strip->count);
    for (int64_t i = 0; i < strip->count; i++) {
        const StripToken *token = &strip->tokens[i];
        assert_true(utf8_valid(token->token->display, strlen(token->token->display)));
        assert_true(!(token->logprob > 0));
        assert_true(token->chosen < (int32_t)token->count);
        const StripFigures figures = capture_strip_figures(strip, i);
        assert_true(figures.other >= 0 && !(figures.entropy_least < 0));
        for (uint32_t a = 1; a < token->count; a++)
            assert_true(
                !(strip->alternatives[token->first + a].logprob > strip->alternatives[token->first + a - 1].logprob));
    }
    (void)capture_strip_perplexity(strip, 0, strip->count, &known);
    assert_int_equal(known, strip->known);
}

void look_around(const Capture *capture) {
    SourceScratch *scratch = capture_scratch_new();
    assert_non_null(scratch);
    for (int set = 0; set < capture_set_count(capture); set++) {
        const SetInfo *info = capture_set(capture, set);
        for (int layer = 0; layer < info->layer_count; layer++)
            for (int head = 0; head < info->layers[layer].head_count && head < 4; head++)
                look_at_pattern(
                    capture,
                    (PatternRef){.set = set, .layer = layer, .head = head, .item = info->layers[layer].item_count - 1},
                    scratch);
    }
    capture_scratch_drop(scratch);
    for (int i = 0; i < capture_strip_count(capture); i++)
        look_at_strip(capture_strip(capture, i));
}

bool has_note(const Capture *capture, const char *word) {
    for (int i = 0; i < capture_note_count(capture); i++)
        if (strstr(capture_note(capture, i), word)) return true;
    return false;
}

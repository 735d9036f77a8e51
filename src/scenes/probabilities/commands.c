/* Commands of the text of probabilities, and its tokens as tables. */
#include "scenes/probabilities/probabilities.h"
#include "session/property.h"
#include "session/strip_text.h"

#include <string.h>

static const StripInfo *need_strip(const App *app, Error *err) {
    const StripInfo *strip = probabilities_strip(app);
    if (!strip) error_set(err, STATUS_NOT_FOUND, "there are no probabilities of tokens in this capture");
    return strip;
}

static bool set_token(App *app, const char *args, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    const TextState *state = &probabilities_of(app)->state;
    int64_t n;
    if (!strip) return false;
    if (!strcmp(args, "none")) {
        (void)probabilities_escape(app);
        return true;
    }
    if (!strcmp(args, "up") || !strcmp(args, "down")) {
        probabilities_lines(app, args[0] == 'u' ? -1 : 1);
        return true;
    }
    if (!strcmp(args, "first") || !strcmp(args, "last")) {
        probabilities_go(app, args[0] == 'f' ? 0 : strip->count - 1);
        return true;
    }
    if (!text_parse_i64(args[0] == '+' ? args + 1 : args, &n)) {
        error_set(err, STATUS_USAGE, "'token' takes a number, +N, -N, up, down, first, last or none, not '%.60s'",
                  args);
        return false;
    }
    if (args[0] == '+' || args[0] == '-') {
        n = i64_clamp(n, -strip->count, strip->count);
        if (state->token_on)
            probabilities_go(app, state->token + n);
        else
            probabilities_lines(app, 0); /* the first on screen */
        return true;
    }
    if (n >= strip->count) {
        error_set(err, STATUS_RANGE, "there is no token %lld: they go from 0 to %lld", (long long)n,
                  (long long)strip->count - 1);
        return false;
    }
    probabilities_go(app, n);
    return true;
}

static bool set_text_top(App *app, const char *args, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    int64_t n;
    if (!strip) return false;
    if (!text_parse_i64(args, &n) || n < 0 || n >= strip->count) {
        error_set(err, STATUS_USAGE, "'text-top' takes a token of 0 to %lld, not '%.60s'", (long long)strip->count - 1,
                  args);
        return false;
    }
    probabilities_of(app)->state.top = n;
    return true;
}

static bool set_text_size(App *app, const char *args, Error *err) {
    double size;
    if (!text_parse_f64(args, &size) || !(size >= (double)TEXT_SIZE_MIN && size <= (double)TEXT_SIZE_MAX)) {
        error_set(err, STATUS_USAGE, "'text-size' takes %g to %g points, not '%.60s'", (double)TEXT_SIZE_MIN,
                  (double)TEXT_SIZE_MAX, args);
        return false;
    }
    probabilities_resize(app, (float)size);
    return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

Status probabilities_copy(App *app, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    const TextState *state = &probabilities_of(app)->state;
    TextBuffer table = {0};
    if (!strip) return STATUS_NOT_FOUND;
    const bool one = state->token_on && state->locked;
    const int64_t from = one ? state->token : 0, to = one ? state->token + 1 : strip->count;
    strip_append_table(&table, strip, from, to, '\t');
    const Status status = table.failed ? error_set(err, STATUS_MEMORY, "not enough memory for the table of %lld tokens",
                                                   (long long)(to - from))
                                       : STATUS_OK;
    if (status == STATUS_OK) {
        platform_set_clipboard(app->machine.platform, table.text);
        app_say(app, SAY_INFO, "copied %lld token%s", (long long)(to - from), to - from == 1 ? "" : "s");
    }
    text_buffer_free(&table);
    return status;
}

Status probabilities_export(App *app, const char *path, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    const bool csv = text_ends_with(path, ".csv");
    FileWriter *file = NULL;
    TextBuffer text = {0};
    if (!strip) return STATUS_NOT_FOUND;
    if (!csv && !text_ends_with(path, ".tsv"))
        return error_set(err, STATUS_USAGE,
                         "probabilities of tokens go to a name that ends in .tsv or .csv, not '%.200s'", path);
    Status status = file_writer_open(path, &file, err);
    if (status != STATUS_OK) return status;
    strip_append_table_head(&text, csv ? ',' : '\t');
    for (int64_t i = 0; i < strip->count && status == STATUS_OK; i++) {
        strip_append_table_row(&text, strip, i, csv ? ',' : '\t');
        if (text.failed)
            status = error_set(err, STATUS_MEMORY, "not enough memory for the table");
        else
            status = file_writer_write(file, text.text, text.length, err);
        text.length = 0;
    }
    text_buffer_free(&text);
    if (status != STATUS_OK) {
        file_writer_discard(file);
        return status;
    }
    status = file_writer_commit(file, err);
    if (status == STATUS_OK) app_say(app, SAY_INFO, "wrote %lld tokens to %s", (long long)strip->count, path);
    return status;
}

/* ---- properties ------------------------------------------------------------------------------ */

static bool get_token(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%lld", (long long)probabilities_of(app)->state.token);
    return probabilities_of(app)->state.token_on;
}

static bool get_text_top(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%lld", (long long)probabilities_of(app)->state.top);
    return probabilities_of(app)->state.top > 0;
}

static bool get_text_size(const App *app, char *out, size_t out_size) {
    snprintf(out, out_size, "%.6g", (double)probabilities_of(app)->state.size);
    return probabilities_of(app)->state.size != TEXT_SIZE_START;
}

// clang-format off
const Property PROBABILITIES_PROPERTIES[] = {
    {.command = {"text-size", "POINTS", NULL, NULL, "Probabilities of tokens", "size of the text; + and -, and Ctrl+wheel, too", NULL, .needs = 0},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE, .set = set_text_size, .get = get_text_size,
     .option = {.arg = "POINTS", .help = "probabilities: size of the text", .order = PROPERTY_OF_SCENE}},
    {.command = {"token", "N|+N|-N|up|down|first|last|none", NULL, "Left=-1 Right=+1 Up=up Down=down Home=first End=last", "Probabilities of tokens", "go to a token", "arrows  Home End", .repeats = true},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE, .set = set_token, .get = get_token,
     .option = {.arg = "N", .help = "probabilities: this token is marked, with its alternatives", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {"text-top", "N", NULL, NULL, "Probabilities of tokens", "the line of this token comes first; the wheel scrolls", NULL, .needs = 0},
     .kind = PROPERTY_TEXT, .where = PROPERTY_OPTION | PROPERTY_PICTURE, .set = set_text_top, .get = get_text_top,
     .option = {.arg = "N", .help = "probabilities: the line of this token comes first", .order = PROPERTY_WITH_LAYOUT}},
    {.command = {.name = NULL}},
};
// clang-format on

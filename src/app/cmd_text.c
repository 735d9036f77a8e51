/* Commands of the text of probabilities, and its tokens as tables. */
#include "app/app.h"
#include "app/strip_text.h"

#include <string.h>

static const StripInfo *need_strip(const App *app, Error *err) {
    const StripInfo *strip = view_text_strip(app);
    if (!strip) error_set(err, STATUS_NOT_FOUND, "there are no probabilities of tokens in this capture");
    return strip;
}

bool cmd_token(App *app, const char *args, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    const TextState *state = &app->look.text;
    int64_t n;
    if (!strip) return false;
    if (!strcmp(args, "none")) {
        (void)view_text_escape(app);
        return true;
    }
    if (!strcmp(args, "up") || !strcmp(args, "down")) {
        view_text_lines(app, args[0] == 'u' ? -1 : 1);
        return true;
    }
    if (!strcmp(args, "first") || !strcmp(args, "last")) {
        view_text_go(app, args[0] == 'f' ? 0 : strip->count - 1);
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
            view_text_go(app, state->token + n);
        else
            view_text_lines(app, 0); /* the first on screen */
        return true;
    }
    if (n >= strip->count) {
        error_set(err, STATUS_RANGE, "there is no token %lld: they go from 0 to %lld", (long long)n,
                  (long long)strip->count - 1);
        return false;
    }
    view_text_go(app, n);
    return true;
}

bool cmd_text_top(App *app, const char *args, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    int64_t n;
    if (!strip) return false;
    if (!text_parse_i64(args, &n) || n < 0 || n >= strip->count) {
        error_set(err, STATUS_USAGE, "'text-top' takes a token of 0 to %lld, not '%.60s'", (long long)strip->count - 1,
                  args);
        return false;
    }
    app->look.text.top = n;
    return true;
}

bool cmd_text_size(App *app, const char *args, Error *err) {
    double size;
    if (!text_parse_f64(args, &size) || !(size >= (double)TEXT_SIZE_MIN && size <= (double)TEXT_SIZE_MAX)) {
        error_set(err, STATUS_USAGE, "'text-size' takes %g to %g points, not '%.60s'", (double)TEXT_SIZE_MIN,
                  (double)TEXT_SIZE_MAX, args);
        return false;
    }
    view_text_resize(app, (float)size);
    return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

Status view_text_copy(App *app, Error *err) {
    const StripInfo *strip = need_strip(app, err);
    const TextState *state = &app->look.text;
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

Status view_text_export(App *app, const char *path, Error *err) {
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

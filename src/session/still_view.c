/* What a picture says about itself, and how it is believed.
 *
 * A PNG carries the command line that shows its view (ISO 15948 text chunks). Pictures come from anywhere, so
 * reading it back takes words apart the way state.c put them together and nothing more, and gives them to the parser
 * of the command line with a table that holds only options which change what is looked at: no --exec, no budgets, no
 * output. */
#include "export/export.h"
#include "session/demo.h"
#include "session/still.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64
#define TEXT_SIZE 16384

void still_title(const App *app, char *out, size_t out_size) {
    Pattern pattern;
    char view[256];
    out[0] = 0;
    const bool strips = scene_has(app, SCENE_STRIPS);
    if (!strips && !app_pattern(app, &pattern)) return;
    app->shown.scene->words.title(app, view, sizeof view);
    if (strips) {
        snprintf(out, out_size, "%s, %s", app_capture_name(app, 0), view);
        return;
    }
    snprintf(out, out_size, "%s, %s, %s",
             app->opened.captures[0].is_demo ? app->opened.captures[0].demo_name : capture_name(app_capture(app)),
             pattern.set->name, view);
}

void still_capture_path(const App *app, int which, char *out, size_t out_size) {
    char absolute[PATH_MAX];
    const OpenCapture *open = &app->opened.captures[which];
    if (open->is_demo)
        snprintf(out, out_size, "demo:%s", open->demo_name);
    else
        snprintf(out, out_size, "%s", realpath(open->path, absolute) ? absolute : open->path);
}

/* ---- reading it back ------------------------------------------------------------------------- */

/* Splits in place what state.c wrote: words between single spaces; within ' ' everything is itself, and \' stands
 * for a quote between two such parts. Returns the number of words, -1 for anything else. */
static int split_words(char *text, char *words[WORDS_MAX]) {
    int count = 0;
    char *to = text;
    for (const char *at = text; *at;) {
        if (count == WORDS_MAX) return -1;
        words[count++] = to;
        bool any = false;
        while (*at && *at != ' ') {
            any = true;
            if (*at == '\'') {
                const char *end = strchr(at + 1, '\'');
                if (!end) return -1;
                memmove(to, at + 1, (size_t)(end - at - 1));
                to += end - at - 1;
                at = end + 1;
            } else if (at[0] == '\\' && at[1] == '\'') {
                *to++ = '\'';
                at += 2;
            } else if (strchr("\\\"$`;&|<>(){}*?#~!\n\t", *at)) {
                return -1;
            } else {
                *to++ = *at++;
            }
        }
        if (!any) return -1;
        const bool more = *at == ' ';
        if (more) at++;
        *to++ = 0;
        if (!more) break;
    }
    return count;
}

static Status parse_view(char *text, const char *picture, ViewOptions *options, const char **file, Error *err) {
    char *words[WORDS_MAX];
    Option table[VIEW_OPTIONS_MAX];
    ViewOptions found;
    Error why = {0};
    int count = split_words(text, words), first = 1;
    bool demo = false;
    if (count < 2 || strcmp(words[0], "attnscope")) goto refused;
    demo = count >= 3 && !strcmp(words[1], "demo");
    if (demo) first = 2;
    size_t files = 0;
    view_options_begin(&found, options->catalog);
    const size_t options_count = view_options_table(&found, true, table);
    if (options_parse(table, options_count, count - first, words + first, file, 1, &files, &why) != STATUS_OK ||
        files != 1)
        goto refused;
    if (demo && !demo_find(*file)) {
        error_set(&why, STATUS_NOT_FOUND, "there is no demo called '%.60s'", *file);
        goto refused;
    }
    view_options_merge(options, &found);
    options->from_read = true;
    return STATUS_OK;
refused:
    return error_set_at(err, STATUS_FORMAT, picture, -1, "the view in this picture cannot be used%s%s",
                        why.message[0] ? ": " : "", why.message);
}

/* The capture where it was, or beside the picture under the same name. */
static const char *find_capture(const char *picture, const char *known, const char *written) {
    static char beside[PATH_MAX];
    const size_t folder = (size_t)(file_base_name(picture) - picture);
    if (known[0] == '/' && file_exists(known)) return known;
    snprintf(beside, sizeof beside, "%.*s%s", (int)folder, picture, file_base_name(known[0] ? known : written));
    if (file_exists(beside)) return beside;
    return NULL;
}

/* The same for the reference that the picture names, unless another one was given. */
static Status find_reference(const char *picture, const char *given, ViewOptions *options, Error *err) {
    static char path[PATH_MAX];
    char *known = NULL;
    const char *ref = view_options_value(options, "ref");
    if (!ref || ref == given || text_starts_with(ref, "demo:")) return STATUS_OK;
    if (export_png_text(picture, "attnscope.reference", &known, NULL) != STATUS_OK) known = NULL;
    const char *found = find_capture(picture, known ? known : "", ref);
    if (found) snprintf(path, sizeof path, "%s", found);
    mem_free(known);
    if (!found) {
        return error_set_at(err, STATUS_NOT_FOUND, picture, -1,
                            "the reference that this picture compares with, %.300s, is not there; name it with --ref",
                            ref);
    }
    view_options_give(options, "ref", path);
    return STATUS_OK;
}

Status still_read_view(const char *picture, ViewOptions *options, const char **capture, bool find, Error *err) {
    static char command[TEXT_SIZE], known[PATH_MAX + 8];
    char *text = NULL, *path = NULL;
    const char *file = NULL, *given = view_options_value(options, "ref");
    Status status = export_png_text(picture, "attnscope.command", &text, err);
    if (status == STATUS_OK && export_png_text(picture, "attnscope.capture", &path, NULL) != STATUS_OK) path = NULL;
    if (status != STATUS_OK) goto done;
    if (strlen(text) >= sizeof command || (path && strlen(path) >= sizeof known)) {
        status = error_set_at(err, STATUS_FORMAT, picture, -1,
                              "the view in this picture cannot be used: it is longer than any of ours");
        goto done;
    }
    snprintf(command, sizeof command, "%s", text);
    snprintf(known, sizeof known, "%s", path ? path : "");
    if ((status = parse_view(command, picture, options, &file, err)) != STATUS_OK) goto done;
    if ((status = find_reference(picture, given, options, err)) != STATUS_OK) goto done;
    if (!find) goto done;
    if (text_starts_with(text, "attnscope demo ")) {
        snprintf(known, sizeof known, "demo:%s", demo_find(file)->name);
        *capture = known;
        goto done;
    }
    *capture = find_capture(picture, known, file);
    if (!*capture) {
        status = error_set_at(
            err, STATUS_NOT_FOUND, picture, -1,
            "the capture that this picture shows, %.300s, is not there; name it: attnscope --from PICTURE FILE",
            known[0] ? known : file);
    }
done:
    mem_free(text);
    mem_free(path);
    return status;
}

Status still_open_picture(App *app, const char *picture, Error *err) {
    ViewOptions options;
    const char *capture = NULL;
    view_options_begin(&options, app->catalog);
    Status status = still_read_view(picture, &options, &capture, true, err);
    if (status != STATUS_OK) return status;
    char axes[sizeof app->opened.axes];
    memcpy(axes, app->opened.axes, sizeof axes);
    snprintf(app->opened.axes, sizeof app->opened.axes, "%s", options.axes ? options.axes : "");
    if ((status = captures_open(app, &capture, 1, err)) != STATUS_OK) {
        memcpy(app->opened.axes, axes, sizeof axes);
        return status;
    }
    /* What a command line leaves out is what the program starts with. */
    if (!view_options_value(&options, "ref") && (status = captures_open_reference(app, NULL, err)) != STATUS_OK)
        return status;
    views_look_init(&app->look);
    const char *theme = view_options_value(&options, "theme");
    app->ui.light = theme && !strcmp(theme, "light");
    const FrameParams frame = frame_window_params(app);
    frame_build(app, &frame);
    return view_options_apply(&options, app, &frame, err);
}

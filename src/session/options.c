#include "session/options.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_SIDE_MAX 16384

static const Option *find(const Option *options, size_t count, const char *name, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == length && !memcmp(options[i].name, name, length)) return &options[i];
    }
    return NULL;
}

static const Option *find_letter(const Option *options, size_t count, char letter) {
    for (size_t i = 0; i < count; i++) {
        if (options[i].letter == letter) return &options[i];
    }
    return NULL;
}

/* One argument that starts with a dash; may take the next one as its value. */
static Status take(const Option *options, size_t count, int argc, char **argv, int *at, Error *err) {
    const char *text = argv[*at];
    const Option *option;
    const char *value = NULL;
    if (text[1] == '-') {
        const size_t length = strcspn(text + 2, "=");
        option = find(options, count, text + 2, length);
        if (text[2 + length] == '=') value = text + 3 + length;
    } else {
        option = find_letter(options, count, text[1]);
        if (text[2]) value = text + 2;
    }
    if (!option) return error_set(err, STATUS_USAGE, "there is no option '%.60s'; --help lists them", text);
    if (!option->arg) {
        if (value) return error_set(err, STATUS_USAGE, "the option --%s takes no value", option->name);
        *option->flag = true;
        return STATUS_OK;
    }
    if (!value) {
        if (*at + 1 >= argc) return error_set(err, STATUS_USAGE, "the option --%s needs %s", option->name, option->arg);
        value = argv[++*at];
    }
    *option->value = value;
    return STATUS_OK;
}

Status options_parse(const Option *options, size_t option_count, int argc, char **argv, const char **rest,
                     size_t rest_max, size_t *rest_count, Error *err) {
    bool only_rest = false;
    *rest_count = 0;
    for (int i = 0; i < argc; i++) {
        if (!only_rest && !strcmp(argv[i], "--")) {
            only_rest = true;
        } else if (!only_rest && argv[i][0] == '-' && argv[i][1]) {
            const Status status = take(options, option_count, argc, argv, &i, err);
            if (status != STATUS_OK) return status;
        } else {
            if (*rest_count == rest_max)
                return error_set(err, STATUS_USAGE, "'%.200s' is one argument too many", argv[i]);
            rest[(*rest_count)++] = argv[i];
        }
    }
    return STATUS_OK;
}

void options_print(const Option *options, size_t option_count, FILE *out) {
    for (size_t i = 0; i < option_count; i++) {
        char left[64];
        const Option *o = &options[i];
        snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : "", o->letter ? o->letter : ' ',
                 o->letter ? ", " : "   ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(out, "  %-34s %s\n", left, o->help);
    }
}

Status options_i64(const char *option, const char *text, int64_t least, int64_t most, int64_t *out, Error *err) {
    if (text_parse_i64(text, out) && *out >= least && *out <= most) return STATUS_OK;
    return error_set(err, STATUS_USAGE, "--%s takes a whole number from %lld to %lld, not '%.60s'", option,
                     (long long)least, (long long)most, text);
}

Status options_bytes(const char *option, const char *text, size_t *out, Error *err) {
    static const struct {
        const char *suffix;
        double factor;
    } UNITS[] = {{"", 1},     {"K", 1024},      {"KB", 1000},      {"KiB", 1024}, {"M", 1048576},
                 {"MB", 1e6}, {"MiB", 1048576}, {"G", 1073741824}, {"GB", 1e9},   {"GiB", 1073741824}};
    char *end = NULL;
    const double number = strtod(text, &end);
    for (size_t i = 0; end != text && i < BASE_COUNT(UNITS); i++) {
        if (!text_equal_nocase(end, UNITS[i].suffix)) continue;
        const double bytes = number * UNITS[i].factor;
        if (!(bytes >= 1 && bytes < 1e15)) break;
        *out = (size_t)bytes;
        return STATUS_OK;
    }
    return error_set(err, STATUS_USAGE, "--%s takes a size such as 512M or 1G, not '%.60s'", option, text);
}

Status options_size(const char *option, const char *text, int *width, int *height, Error *err) {
    return options_size_within(option, text, WINDOW_SIDE_MAX, width, height, err);
}

Status options_size_within(const char *option, const char *text, int most, int *width, int *height, Error *err) {
    char copy[48];
    int64_t w, h;
    snprintf(copy, sizeof copy, "%s", text);
    char *x = strchr(copy, 'x');
    if (x) {
        *x = 0;
        if (text_parse_i64(copy, &w) && text_parse_i64(x + 1, &h) && w >= 1 && h >= 1 && w <= most && h <= most) {
            *width = (int)w;
            *height = (int)h;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_USAGE, "--%s takes WIDTHxHEIGHT, 1x1 to %dx%d, not '%.40s'", option, most, most, text);
}

int options_fail(const Error *err) {
    char text[ERROR_MESSAGE_SIZE + ERROR_FILE_SIZE + 64];
    error_format(err, text, sizeof text);
    fprintf(stderr, "attnscope: %s\n", text);
    const bool file = err->status == STATUS_IO || err->status == STATUS_FORMAT || err->status == STATUS_UNSUPPORTED ||
                      err->status == STATUS_MEMORY || (err->status == STATUS_NOT_FOUND && err->file[0]);
    return file ? EXIT_FILE : EXIT_USAGE;
}

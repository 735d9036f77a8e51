/* `convert`: any readable capture to the form that opens without a question. */
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "export/export.h"

#include <string.h>

enum { CONVERT_FILES_MAX = 1024 };

static Status convert(const char *const *files, size_t count, const char *axes, const char *out, Error *err) {
    const ExportWriter *writer = export_writer(NULL, out, EXPORT_CAPTURE);
    if (!writer) {
        char endings[128];
        return error_set(err, STATUS_USAGE, "`convert` writes OUT%s, not '%.100s'",
                         export_endings(NULL, EXPORT_CAPTURE, endings, sizeof endings), out);
    }
    Capture *capture = NULL;
    Progress progress = cli_progress();
    Status status = cli_open(files, count, axes, &capture, err);
    if (status == STATUS_OK && capture_set_count(capture) == 0)
        status = error_set(err, STATUS_UNSUPPORTED,
                           "probabilities of tokens have no patterns to convert; `probe --query :` writes them as a "
                           "table");
    if (status == STATUS_OK) status = writer->capture(capture, out, &progress, err);
    cli_progress_end();
    for (int i = 0; status == STATUS_OK && i < capture_note_count(capture); i++)
        if (capture_note_is_warning(capture, i)) fprintf(stderr, "attnscope: warning: %s\n", capture_note(capture, i));
    capture_close(capture);
    return status;
}

int cli_convert(int argc, char **argv) {
    bool help = false;
    const char *axes = NULL, *files[CONVERT_FILES_MAX];
    size_t count = 0;
    Error err = {0};
    const Option options[] = {
        {"axes", 0, "LETTERS", "how to read an array without layer names, for example lhqk", &axes, NULL},
        {"help", 'h', NULL, "print this", NULL, &help},
    };
    Status status = options_parse(options, BASE_COUNT(options), argc, argv, files, CONVERT_FILES_MAX, &count, &err);
    if (status == STATUS_OK && help) {
        printf(
            "usage: attnscope convert FILE... OUT.safetensors\n\n"
            "Writes all sets, layers and heads with their tokens under names that are read without a question. "
            "Numbers\n"
            "keep their type; queries and keys stay queries and keys. OUT is replaced when everything is written.\n\n");
        options_print(options, BASE_COUNT(options), stdout);
        return EXIT_OK;
    }
    if (status == STATUS_OK && count < 2)
        status = error_set(&err, STATUS_USAGE,
                           "`convert` needs a file and OUT.safetensors; `attnscope convert --help` says more");
    if (status == STATUS_OK) status = convert(files, count - 1, axes, files[count - 1], &err);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}

/* Which verb? And the window itself, which is what happens without one. */
#include "app/window.h"
#include "cli/cli.h"
#include "export/export.h"
#include "features/card.h"
#include "formats/formats.h"
#include "session/demo.h"
#include "session/settings.h"
#include "session/still.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64
#define NO_DISPLAY_PICTURE "attnscope.png"

typedef struct Verb {
    const char *name, *args, *help;
    int (*run)(int argc, char **argv);
} Verb;

static const Verb VERBS[] = {
    {"info", "FILE [--json]", "sets, layers, heads, tokens, how it was read, row sums", cli_info},
    {"probe", "FILE --layer L --head SET --query I --key J", "exact weights; ranges I0:I1 give a table", cli_probe},
    {"stats", "FILE [--set S] [--layer N] [--head N] [--json]", "entropy, distance ... of each head", cli_stats},
    {"render", "FILE [view options] -o OUT.png|.svg|.pdf|.npy", "a picture or its numbers, with no display",
     cli_render},
    {"record", "FILE --sweep layers|heads|tokens|steps|TOUR.txt -o OUT",
     "a movie of all layers, heads, query rows or steps, or of a tour", cli_record},
    {"convert", "FILE... OUT.safetensors", "any readable capture to the form that opens without a question",
     cli_convert},
    {"demo", "NAME | --list", "built-in captures", cli_demo},
    {"bench", "FILE [--tour pan|zoom] [--json]", "frame times of a tour", cli_bench},
    {"synth", "--tokens T --layers L --heads H -o FILE", "a made-up capture of any size", cli_synth},
};

/* What may be opened, broken between words. */
static void print_files(FILE *out) {
    enum { COLUMNS = 110 };
    char formats[FORMATS_TEXT_SIZE], text[FORMATS_TEXT_SIZE + 256];
    snprintf(text, sizeof text,
             "FILE is %s, or a folder of them, with attention weights, or Q and K; or the JSON of an API's answer with "
             "log-probabilities of its tokens.",
             formats_help(NULL, formats, sizeof formats));
    size_t column = 0;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        const size_t length = strlen(word);
        const bool fits = column > 0 && column + 1 + length <= COLUMNS;
        fprintf(out, "%s%s", fits ? " " : "\n", word);
        column = fits ? column + 1 + length : length;
    }
    fprintf(out, "\n");
}

static void print_usage(FILE *out) {
    fprintf(out, "attnscope shows what a Transformer attends to.\n\n"
                 "usage: attnscope [FILE...] [view options]      a window; without FILE the built-in demo\n");
    for (size_t i = 0; i < BASE_COUNT(VERBS); i++)
        fprintf(out, "       attnscope %s %s\n", VERBS[i].name, VERBS[i].args);
    print_files(out);
    fprintf(out, "\nview options:\n");
    ViewOptions options;
    view_options_begin(&options, &CATALOG);
    Option table[VIEW_OPTIONS_MAX];
    options_print(table, view_options_table(&options, false, table), out);
    fprintf(out, "      %-28s %s\n", "--version", "print the version");
    fprintf(out, "\nverbs:\n");
    for (size_t i = 0; i < BASE_COUNT(VERBS); i++)
        fprintf(out, "  %-34s %s\n", VERBS[i].name, VERBS[i].help);
    fprintf(out, "\nIn the window, ? lists the keys. Attention describes what a head looked at; it does not explain a "
                 "prediction.\n"
                 "exit codes: 0 ok, 1 usage or start-up, 2 a file failed, 3 some of several files failed\n");
}

static Status open_files(App *app, const ViewOptions *options, const char *const *files, size_t count, Error *err) {
    if (options->axes) snprintf(app->opened.axes, sizeof app->opened.axes, "%s", options->axes);
    if (count > 0) return captures_open(app, files, count, err);
    if (demo_count() == 0) return STATUS_OK;
    char name[80];
    snprintf(name, sizeof name, "demo:%s", demo_at(0)->name);
    const char *demo[1] = {name};
    return captures_open(app, demo, 1, err);
}

typedef struct Start {
    AppParams params;
    Settings settings;
    char said[512];     /* about them */
    bool others_choose; /* the view comes from a picture: colours are not ours */
    const ViewOptions *options;
    const char *const *files;
    size_t file_count;
} Start;

static Status open_view(App *app, const Start *start, Error *err) {
    Status status = open_files(app, start->options, start->files, start->file_count, err);
    if (status != STATUS_OK) return status;
    const FrameParams frame = frame_window_params(app);
    frame_build(app, &frame); /* commands that move the camera need a layout */
    return view_options_apply(start->options, app, &frame, err);
}

static Status show_window(App *app, const Start *start, Error *err) {
    if (start->file_count == 0) card_show(app);
    return app_run(app, err);
}

/* --exec: everything happens off screen, and the program ends. */
static Status run_script(App *app, const Start *start, Error *err) {
    return commands_run_script(app, start->options->exec, err);
}

/* No display: the picture goes to a file, and the person is told. */
static Status draw_picture(App *app, const Start *start, Error *err) {
    (void)start;
    const FrameParams frame = frame_window_params(app);
    app->message.text[0] = 0;
    const StillParams still = {.frame = frame, .exact = true};
    return still_write(app, NO_DISPLAY_PICTURE, &still, err);
}

static Status run_app(const Start *start, Status (*act)(App *, const Start *, Error *), bool *no_display, Error *err) {
    App *app = mem_alloc_zeroed(1, sizeof *app);
    if (!app) return error_set(err, STATUS_MEMORY, "not enough memory to start");
    Status status = program_open(app, &CATALOG, &start->params, err);
    *no_display = status == STATUS_NOT_FOUND && text_starts_with(err->message, "no display");
    if (status == STATUS_OK) settings_apply(&start->settings, app, start->others_choose);
    if (status == STATUS_OK) status = open_view(app, start, err);
    if (status == STATUS_OK && start->said[0]) app_say(app, SAY_WARNING, "%s", start->said);
    if (status == STATUS_OK) status = act(app, start, err);
    program_close(app);
    mem_free(app);
    return status;
}

static int run_start(Start *start) {
    Error err = {0};
    bool no_display = false;
    if (start->options->exec) start->params.mode = PLATFORM_OFFSCREEN;
    Status status = run_app(start, start->options->exec ? run_script : show_window, &no_display, &err);
    if (no_display && start->params.mode == PLATFORM_WINDOW) {
        const Error why = err;
        start->params.mode = PLATFORM_OFFSCREEN;
        status = run_app(start, draw_picture, &no_display, &err);
        if (status == STATUS_OK) {
            fprintf(stderr, "attnscope: %s; the picture is in %s (`attnscope render` makes others)\n", why.message,
                    NO_DISPLAY_PICTURE);
        }
    }
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}

static int run_window(int argc, char **argv) {
    ViewOptions options;
    view_options_begin(&options, &CATALOG);
    Option table[VIEW_OPTIONS_MAX];
    const char *files[FILES_MAX];
    Error err = {0};
    Start start = {.params = {.mode = PLATFORM_WINDOW, .disk_cache = true}, .options = &options, .files = files};
    settings_load(&CATALOG, &start.settings, start.said, sizeof start.said);
    settings_start(&CATALOG, &start.settings, &start.params);
    if (options_parse(table, view_options_table(&options, false, table), argc, argv, files, FILES_MAX,
                      &start.file_count, &err) != STATUS_OK ||
        (!options.help && view_options_start(&options, &start.params, &err) != STATUS_OK)) {
        return options_fail(&err);
    }
    if (options.help) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (start.file_count == 1 && !options.from && export_is_png(files[0])) {
        options.from = files[0];
        start.file_count = 0;
    }
    if (options.from) {
        start.others_choose = true;
        start.params.light = false;
        const char *capture = NULL;
        if (still_read_view(options.from, &options, &capture, start.file_count == 0, &err) != STATUS_OK ||
            view_options_start(&options, &start.params, &err) != STATUS_OK) {
            return options_fail(&err);
        }
        if (start.file_count == 0) files[start.file_count++] = capture;
    }
    return run_start(&start);
}

int cli_demo(int argc, char **argv) {
    if (argc >= 1 && !strcmp(argv[0], "--list")) {
        for (int i = 0; i < demo_count(); i++)
            printf("%-14s %s: %s\n", demo_at(i)->name, demo_at(i)->title, demo_at(i)->description);
        return EXIT_OK;
    }
    if (argc >= 1 && !strcmp(argv[0], "--help")) {
        printf("usage: attnscope demo NAME [view options]\n       attnscope demo --list\n");
        return EXIT_OK;
    }
    if (argc < 1 || !demo_find(argv[0])) {
        fprintf(stderr,
                argc < 1 ? "attnscope: `demo` needs a name; `attnscope demo --list` shows them%s\n"
                         : "attnscope: there is no demo called '%s'; `attnscope demo --list` shows them\n",
                argc < 1 ? "" : argv[0]);
        return EXIT_USAGE;
    }
    char name[80];
    snprintf(name, sizeof name, "demo:%s", argv[0]);
    argv[0] = name;
    return run_window(argc, argv);
}

int cli_main(int argc, char **argv) {
    if (argc >= 2) {
        if (!strcmp(argv[1], "--version")) {
            printf("attnscope %s\n", ATTNSCOPE_VERSION);
            return EXIT_OK;
        }
        for (size_t i = 0; i < BASE_COUNT(VERBS); i++) {
            if (!strcmp(argv[1], VERBS[i].name)) return VERBS[i].run(argc - 2, argv + 2);
        }
    }
    return run_window(argc - 1, argv + 1);
}

/* A guest: a scene, a part, a command, properties, a statistic and a file format that the program has never heard of, in
 * one file, with a catalog of their own that extends the program's. What comes of a row in the program (key, option,
 * setting, state, command line, palette, tour, help) must come of the guest's, and nothing in src/ may know it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/analysis.h"
#include "features/palette/palette.h"
#include "features/record/record.h"
#include "formats/formats.h"
#include "session/files.h"
#include "session/settings.h"
#include "session/still.h"
#include "test_app.h"
#include "ui/ui.h"

/* ---- a format: "guest LAYERS TOKENS" and the weights of one head a layer, in words ----------------------------------- */

enum { TEXT_MOST = 1 << 16, LAYERS_MOST = 16, TOKENS_MOST = 64 };

static bool looks_like_guest(const FormatHead *head) {
    return head->size >= 6 && !memcmp(head->bytes, "guest ", 6);
}

/* The numbers that follow become a source that the container owns. */
static Status open_cells(Container *container, Tensor *tensor, const char *text, Error *err) {
    const size_t size = (size_t)tensor->count * sizeof(float);
    float *cells = arena_alloc(&container->arena, size);
    if (!cells || !mem_grow((void **)&container->owned, &container->owned_capacity, 1, sizeof(ByteSource *)))
        return error_set(err, STATUS_MEMORY, "not enough memory for a guest");
    for (int i = 0; i < tensor->count; i++) {
        char *end;
        cells[i] = strtof(text, &end);
        if (end == text) return error_set(err, STATUS_FORMAT, "expected %d weights, found %d", (int)tensor->count, i);
        text = end;
    }
    const Status status = bytes_open_memory(cells, size, container->name, &tensor->source, err);
    if (status == STATUS_OK) container->owned[container->owned_count++] = tensor->source;
    return status;
}

static Status open_guest(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    const uint64_t size = bytes_size(container->source);
    char *text = size < TEXT_MOST ? arena_alloc(&container->arena, (size_t)size + 1) : NULL;
    Tensor *tensor = container_add(container);
    if (!text || !tensor) return error_set(err, STATUS_MEMORY, "a guest is smaller than this");
    const Status status = bytes_read(container->source, 0, text, (size_t)size, err);
    if (status != STATUS_OK) return status;
    const long layers = strtol(text + 6, &text, 10), tokens = strtol(text, &text, 10);
    if (layers < 1 || layers > LAYERS_MOST || tokens < 1 || tokens > TOKENS_MOST)
        return error_set_at(err, STATUS_FORMAT, container->name, 6, "expected LAYERS and TOKENS of a guest");
    tensor->name = "attentions";
    tensor->dtype = DTYPE_F32;
    tensor->item_size = dtype_size(DTYPE_F32);
    tensor->ndim = 4;
    tensor->shape[0] = layers;
    tensor->shape[1] = 1;
    tensor->shape[2] = tensor->shape[3] = tokens;
    return tensor_strides(tensor, false) ? open_cells(container, tensor, text, err) : STATUS_FORMAT;
}

static const Format GUEST_FORMAT = {.name = "guest",
                                    .endings = {".guest"},
                                    .folder_endings = 1,
                                    .place = 100,
                                    .misnamed = "\"guest LAYERS TOKENS\" at the start of a .guest file",
                                    .looks_like = looks_like_guest,
                                    .open = open_guest};

/* ---- a statistic: the weights that tokens give themselves ------------------------------------------------------------ */

static void take_trace(void *state, const StatisticRows *rows) {
    for (int64_t r = 0; r < rows->count; r++) {
        if (rows->left_out[r] || rows->first + r >= rows->keys) continue;
        const float weight = rows->cells[r * rows->keys + rows->first + r];
        *(double *)state += weight == CELL_MASKED ? 0 : (double)weight;
    }
}

static double finish_trace(const void *state) {
    return *(const double *)state;
}

static const Statistic TRACE = {.name = "trace",
                                .unit = "",
                                .help = "sum of w_ii",
                                .size = sizeof(double),
                                .take = take_trace,
                                .finish = finish_trace};

/* ---- a scene: a bar a token, as wide as the token's own weight, or as what it receives -------------------------------- */

typedef enum Bar { BAR_DIAGONAL, BAR_RECEIVED } Bar;
typedef struct Bars {
    Bar bar;
    bool mirrored;
    int count; /* of the last frame */
    float values[TOKENS_MOST];
} Bars;

static const StateKey BARS_STATE = {.size = sizeof(Bars)};
static const char *const BAR_NAMES[] = {"diagonal", "received", NULL};
static const Color BAR_COLOR = {224, 64, 251, 255}, PANEL_COLOR = {12, 90, 40, 255};

static void *bars_of(const App *app) {
    return app_state(app, &BARS_STATE);
}

static void bars_title(const App *app, char *out, size_t out_size) {
    const Bars *bars = bars_of(app);
    snprintf(out, out_size, "%s of layer %d", BAR_NAMES[bars->bar], app->look.subject.layer);
}

static float bars_value(const Bars *bars, const float *cells, int k) {
    float received = 0;
    for (int q = 0; q < bars->count; q++)
        received += cells[q * bars->count + k] / (float)bars->count;
    return bars->bar == BAR_RECEIVED ? received : cells[k * bars->count + k];
}

static void bars_draw(App *app, Frame *frame, const FrameParams *params) {
    Bars *bars = bars_of(app);
    const Rect view = app->picture.layout.view;
    TileKey key = views_row_key(frame, &app->look, 0);
    (void)params;
    key.rows = key.columns = bars->count = (int)i64_min(key.columns, TOKENS_MOST);
    const TileData *data = views_readout_find(&app->work.readouts, &key);
    app->picture.result = (ViewResult){.plot = view, .exactness = EXACT, .missing = !data, .pending = !data};
    if (!data) {
        TileWant *want = views_want(&app->work.wants, JOB_CELLS, &key, frame->capture);
        if (want) want->heads = app->look.subject.heads;
        return;
    }
    for (int k = 0; k < bars->count; k++) {
        bars->values[k] = bars_value(bars, data->texels, k);
        const float w = view.w * bars->values[k], h = view.h / (float)bars->count;
        const Rect bar = {bars->mirrored ? view.x + view.w - w : view.x, view.y + (float)k * h, w, h};
        draw_rect(&app->picture.list, bar, 0, BAR_COLOR);
    }
}

static void bars_panel(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    draw_rect(pen.list, rect, 0, PANEL_COLOR);
    (void)ui_button(&pen, rect.x + 16 * frame->scale, rect.y + 16 * frame->scale, "mirror", false,
                    "the other way round", "mirror");
}

static void bars_json(const App *app, TextBuffer *out) {
    const Bars *bars = bars_of(app);
    words_append_bool(out, "mirrored", bars->mirrored);
    text_append(out, "\"shown\":[");
    for (int k = 0; k < bars->count; k++)
        text_appendf(out, "%s%g", k ? "," : "", (double)bars->values[k]);
    text_append(out, "],");
}

static bool cmd_mirror(App *app, const char *args, Error *err) {
    Bars *bars = bars_of(app);
    (void)args;
    (void)err;
    bars->mirrored = !bars->mirrored;
    return true;
}

#define EVERYWHERE (PROPERTY_OPTION | PROPERTY_PICTURE | PROPERTY_SETTING | PROPERTY_STATE | PROPERTY_TOUR)
// clang-format off
static const Command BARS_COMMANDS[] = {
    {"mirror", "", cmd_mirror, "Ctrl+M=", "Guest", "turn the bars round", NULL, .needs = 0},
    {.name = NULL},
};

static const Property BARS_PROPERTIES[] = {
    {.command = {"bars", "diagonal|received|next", NULL, "Ctrl+B=next", "Guest", "what bars show", NULL, .needs = 0},
     .kind = PROPERTY_CHOICE, .where = EVERYWHERE, .initial = "diagonal",
     .owner = bars_of, .offset = PROPERTY_ENUM_AT(Bars, bar), .choices = BAR_NAMES,
     .option = {.arg = "WHAT", .help = "bars: diagonal or received", .order = PROPERTY_OF_SCENE}},
    {.command = {.name = NULL}},
};
// clang-format on

static const Scene BARS = {
    .name = "bars",
    .traits = SCENE_PATTERNS | SCENE_HEADS,
    .state = &BARS_STATE,
    .json = bars_json,
    .words = {.hint = "a bar a token", .where = "for the bars: Tab shows them", .title = bars_title},
    .drawing = {.draw = bars_draw, .panel = bars_panel},
    .commands = BARS_COMMANDS,
    .properties = BARS_PROPERTIES,
};

/* ---- a part: a lamp in the corner that knows which layer is looked at ------------------------------------------------- */

typedef struct Lamp {
    int told, layer;
    float size; /* points */
} Lamp;

static const StateKey LAMP_STATE = {.size = sizeof(Lamp)};
static const Color LAMP_COLOR = {250, 180, 20, 255};

static void *lamp_of(const App *app) {
    return app_state(app, &LAMP_STATE);
}

static Status lamp_open(App *app, Error *err) {
    Lamp *lamp = lamp_of(app);
    (void)err;
    lamp->size = 8;
    return STATUS_OK;
}

static void lamp_look_changed(App *app) {
    Lamp *lamp = lamp_of(app);
    lamp->told++;
    lamp->layer = app->look.subject.layer;
}

static void lamp_over(App *app, Frame *frame) {
    const Lamp *lamp = lamp_of(app);
    const float side = lamp->size * frame->scale;
    draw_rect(&app->picture.list, (Rect){app->picture.layout.window.w - side, 0, side, side}, 0, LAMP_COLOR);
}

static void lamp_json(const App *app, TextBuffer *out) {
    const Lamp *lamp = lamp_of(app);
    text_appendf(out, "\"lamp_told\":%d,\"lamp_layer\":%d,", lamp->told, lamp->layer);
}

// clang-format off
static const Property LAMP_PROPERTIES[] = {
    {.command = {"lamp-size", "POINTS|up|down", NULL, "Ctrl+U=up", "Guest", "size of the lamp", NULL, .needs = 0},
     .kind = PROPERTY_NUMBER, .where = EVERYWHERE, .initial = "8",
     .owner = lamp_of, .offset = PROPERTY_FLOAT_AT(Lamp, size), .least = 4, .most = 64, .step = 2,
     .option = {.arg = "POINTS", .help = "size of the lamp"}},
    {.command = {.name = NULL}},
};
// clang-format on

static const Part LAMP = {.name = "lamp",
                          .state = &LAMP_STATE,
                          .open = lamp_open,
                          .look_changed = lamp_look_changed,
                          .drawing = {.over = lamp_over},
                          .json = lamp_json,
                          .properties = LAMP_PROPERTIES};

/* ---- a command of nobody's state: says the statistic of what is looked at --------------------------------------------- */

static bool cmd_trace(App *app, const char *args, Error *err) {
    static const Statistic *const ONE[] = {&TRACE, NULL};
    double trace;
    const AnalysisParams params = {
        .capture = app_capture(app), .ref.layer = app->look.subject.layer, .statistics = ONE};
    (void)args;
    if (analysis_run(&params, &trace, err) != STATUS_OK) return false;
    app_say(app, SAY_INFO, "trace %g", trace);
    return true;
}

static const Command GUEST_COMMANDS[] = {
    {"trace", "", cmd_trace, "Ctrl+Y=", "Guest", "what tokens give themselves", NULL, .needs = SCENE_PATTERNS},
    {.name = NULL},
};

/* ---- the catalog: the program's lists, and a row more in each ---------------------------------------------------------- */

#define EXTEND(out, list, own)                                                                                         \
    do {                                                                                                               \
        size_t n = 0;                                                                                                  \
        for (; (list)[n]; n++)                                                                                         \
            (out)[n] = (list)[n];                                                                                      \
        assert_true(n + 1 < BASE_COUNT(out));                                                                          \
        (out)[n] = (own);                                                                                              \
    } while (0)

static const Catalog *guest_catalog(void) {
    static const Part *parts[64];
    static const Scene *scenes[16];
    static const Command *commands[32];
    static const Format *formats[16];
    static const char *groups[32];
    static Catalog catalog;
    EXTEND(parts, CATALOG.parts, &LAMP);
    EXTEND(scenes, CATALOG.scenes, &BARS);
    EXTEND(commands, CATALOG.commands, GUEST_COMMANDS);
    EXTEND(formats, formats_all(), &GUEST_FORMAT);
    EXTEND(groups, CATALOG.groups, "Guest");
    catalog = CATALOG;
    catalog.parts = parts;
    catalog.scenes = scenes;
    catalog.commands = commands;
    catalog.formats = formats;
    catalog.groups = groups;
    return &catalog;
}

/* ---- driving it -------------------------------------------------------------------------------------------------------- */

enum { WIDTH = 1000, HEIGHT = 600 };
static const char GUEST_TEXT[] = "guest 2 4\n"
                                 "1 0 0 0  .5 .5 0 0  .5 .25 .25 0  0 .25 .25 .5\n"
                                 ".25 .25 .25 .25  .25 .25 .25 .25  .25 .25 .25 .25  .25 .25 .25 .25\n";

typedef struct Guest {
    App *app; /* the last one that was opened */
    char folder[64], name[128];
} Guest;

static const char *in(Guest *guest, const char *name) {
    snprintf(guest->name, sizeof guest->name, "%s/%s", guest->folder, name);
    return guest->name;
}

static void put(Guest *guest, const char *name, const char *text) {
    assert_int_equal(file_write_all(in(guest, name), text, strlen(text), NULL), STATUS_OK);
}

static int make_guest(void **state) {
    Guest *guest = calloc(1, sizeof *guest);
    snprintf(guest->folder, sizeof guest->folder, "/tmp/attnscope-guest-XXXXXX");
    if (!mkdtemp(guest->folder)) return -1;
    setenv("XDG_CONFIG_HOME", guest->folder, 1);
    put(guest, "x.guest", GUEST_TEXT);
    *state = guest;
    return 0;
}

static void close_app(Guest *guest) {
    if (guest->app) program_close(guest->app);
    mem_free(guest->app);
    guest->app = NULL;
}

static int remove_guest(void **state) {
    Guest *guest = *state;
    char command[128];
    close_app(guest);
    snprintf(command, sizeof command, "rm -rf %s", guest->folder);
    free(guest);
    return system(command);
}

/* A program of the guest's catalog as it starts, with the guest's file open. */
static App *open_app(Guest *guest) {
    Error err = {0};
    const AppParams params = {.width = WIDTH, .height = HEIGHT, .mode = PLATFORM_OFFSCREEN, .workers = 1};
    const char *paths[] = {in(guest, "x.guest")};
    close_app(guest);
    guest->app = mem_alloc_zeroed(1, sizeof *guest->app);
    assert_non_null(guest->app);
    test_must(program_open(guest->app, guest_catalog(), &params, &err), &err);
    test_must(captures_open(guest->app, paths, 1, &err), &err);
    test_settle(guest->app);
    return guest->app;
}

/* The program with bars of what tokens receive and a large lamp, by keys alone; and what its state tells then. */
static const char USED[] = "view=bars bars=received lamp_size=16 shown=[0.5,0.25,0.125,0.125]";
static App *open_used(Guest *guest) {
    static const char *const KEYS[] = {"Tab", "Tab", "Ctrl+B", "Ctrl+U"};
    App *app = open_app(guest);
    for (size_t i = 0; i < BASE_COUNT(KEYS); i++)
        test_press(app, KEYS[i]);
    test_tells(app, USED);
    return app;
}

/* ---- keys, mouse, state ------------------------------------------------------------------------------------------------- */

static void test_keys_become_state(void **state) {
    App *app = open_app(*state);
    test_tells(app, "view=matrix bars=diagonal lamp_size=8 lamp_told=1 lamp_layer=0");
    test_press(app, "Ctrl+B"); /* the matrix has no bars */
    assert_string_equal(app->message.text, "'bars' is for the bars: Tab shows them");
    test_press(app, "Tab");
    test_tells(app, "view=grid bars=diagonal");
    test_press(app, "Tab");
    test_tells(app, "view=bars shown=[1,0.5,0.25,0.5] mirrored=false");
    test_press(app, "Ctrl+B");
    test_press(app, "Ctrl+M");
    test_press(app, "Ctrl+U");
    test_tells(app, USED);
    test_tells(app, "mirrored=true");
    test_press(app, "Ctrl+Y");
    assert_string_equal(app->message.text, "trace 2.25");
    test_press(app, "Down"); /* a key of the program: the part is told, the scene follows */
    test_tells(app, "lamp_told=2 lamp_layer=1 shown=[0.25,0.25,0.25,0.25]");
    test_press(app, "Ctrl+Y");
    assert_string_equal(app->message.text, "trace 1");
    test_press(app, "Tab");
    test_tells(app, "view=matrix bars=received");
    char keys[64];
    keys_of(app, commands_find(app, "mirror", 6), keys, sizeof keys);
    assert_string_equal(keys, "Ctrl+M");
}

static void test_the_mouse(void **state) {
    App *app = open_used(*state);
    const Hit *hit = app->ui.hits.items;
    const Rect view = app->picture.layout.view;
    while (hit < app->ui.hits.items + app->ui.hits.count && strcmp(hit->command, "mirror") != 0)
        hit++;
    assert_string_equal(hit->hint, "the other way round");
    const float x = hit->rect.x + hit->rect.w / 2, y = hit->rect.y + hit->rect.h / 2;
    test_mouse(app, EVENT_MOUSE_DOWN, x, y);
    test_mouse(app, EVENT_MOUSE_UP, x, y);
    test_tells(app, "mirrored=true");
    /* The scene leaves out what the mouse does in the view, and has no camera. */
    for (int kind = EVENT_MOUSE_MOVE; kind <= EVENT_WHEEL; kind++)
        test_mouse(app, (EventType)kind, view.x + view.w / 2, view.y + view.h / 2);
    static const char *const LINES[] = {"zoom 2", "pan 1,1", "one-to-one", "fit"};
    for (size_t i = 0; i < BASE_COUNT(LINES); i++)
        test_run(app, LINES[i]);
    test_tells(app, USED);
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------ */

static bool is_color(const uint8_t *pixels, int width, float x, float y, Color color) {
    const uint8_t *p = pixels + ((size_t)y * (size_t)width + (size_t)x) * 4;
    return p[0] == color.r && p[1] == color.g && p[2] == color.b;
}

/* Writes the picture and reads it; the pixels live until the next call. */
static const uint8_t *still(App *app, const char *path, const FrameParams *frame) {
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    const StillParams params = {.frame = *frame, .exact = true};
    png_image image = {.version = PNG_IMAGE_VERSION};
    Error err = {0};
    test_must(still_write(app, path, &params, &err), &err);
    if (!png_image_begin_read_from_file(&image, path)) fail_msg("%s: %s", path, image.message);
    image.format = PNG_FORMAT_RGBA;
    assert_true((int)image.width == frame->width && (int)image.height == frame->height);
    if (!png_image_finish_read(&image, NULL, pixels, 0, NULL)) fail_msg("%s: %s", path, image.message);
    return pixels;
}

/* Bars begin at the left, have these lengths, and nothing of them is beyond. */
static void check_bars(App *app, const char *path, const int lengths[4]) {
    const FrameParams frame = {.width = 200, .height = 120, .scale = 1, .bare = true};
    const uint8_t *pixels = still(app, path, &frame);
    for (int x = 0; x < 4 * 200; x++) {
        const bool painted = is_color(pixels, 200, (float)(x % 200), (float)(x / 200 * 30 + 15), BAR_COLOR);
        if (painted != (x % 200 < lengths[x / 200])) fail_msg("bar %d, pixel %d: %d", x / 200, x % 200, painted);
    }
}

static void test_pictures_of_view_and_window(void **state) {
    Guest *guest = *state;
    App *app = open_used(guest);
    check_bars(app, in(guest, "received.png"), (const int[4]){100, 50, 25, 25});
    test_press(app, "Ctrl+B");
    check_bars(app, in(guest, "diagonal.png"), (const int[4]){200, 100, 50, 100});
    test_press(app, "Ctrl+B");
    const FrameParams frame = frame_window_params(app);
    const uint8_t *pixels = still(app, in(guest, "window.png"), &frame);
    assert_true(is_color(pixels, WIDTH, WIDTH - 16, 15, LAMP_COLOR)); /* 16 points, over the top bar */
    assert_false(is_color(pixels, WIDTH, WIDTH - 17, 15, LAMP_COLOR) ||
                 is_color(pixels, WIDTH, WIDTH - 16, 16, LAMP_COLOR));
    const Rect right = app->picture.layout.right, view = app->picture.layout.view;
    assert_true(is_color(pixels, WIDTH, right.x + right.w - 2, right.y + right.h - 2, PANEL_COLOR));
    assert_true(is_color(pixels, WIDTH, view.x + view.w / 2 - 2, view.y + view.h / 8, BAR_COLOR));
    assert_false(is_color(pixels, WIDTH, view.x + view.w / 2 + 2, view.y + view.h / 8, BAR_COLOR));
}

/* ---- the command line that reproduces it ----------------------------------------------------------------------------------- */

static Status apply(App *app, const ViewOptions *options, Error *err) {
    const FrameParams params = frame_window_params(app);
    const Status status = view_options_apply(options, app, &params, err);
    test_settle(app);
    return status;
}

static void check_command_line(Guest *guest, const char *options) {
    TextBuffer line = {0};
    char wanted[256];
    snprintf(wanted, sizeof wanted, "attnscope %s --set encoder --layer 0 --head mean%s", in(guest, "x.guest"),
             options);
    state_command_line(guest->app, &line);
    assert_string_equal(line.text, wanted);
    text_buffer_free(&line);
}

static void test_a_picture_reproduces_its_view(void **state) {
    Guest *guest = *state;
    App *app = open_used(guest);
    ViewOptions options;
    const char *capture = NULL;
    Error err = {0};
    check_command_line(guest, " --view bars --bars received --lamp-size 16");
    check_bars(app, in(guest, "view.png"), (const int[4]){100, 50, 25, 25});
    view_options_begin(&options, guest_catalog());
    test_must(still_read_view(guest->name, &options, &capture, true, &err), &err);
    assert_string_equal(capture, in(guest, "x.guest"));
    app = open_app(guest);
    test_tells(app, "view=matrix bars=diagonal lamp_size=8");
    test_must(apply(app, &options, &err), &err);
    test_tells(app, USED);
    /* The program alone says what it does not know. */
    view_options_begin(&options, &CATALOG);
    assert_int_equal(still_read_view(in(guest, "view.png"), &options, &capture, true, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "there is no option '--bars"));
    /* What is as it begins is not spelled out; nor is what the matrix has not. */
    test_run(app, "bars diagonal");
    test_run(app, "lamp-size 8");
    check_command_line(guest, " --view bars");
    test_run(app, "bars received");
    test_run(app, "view matrix");
    check_command_line(guest, "");
}

static void test_options_are_parsed(void **state) {
    App *app = open_app(*state);
    ViewOptions options;
    Option table[VIEW_OPTIONS_MAX];
    const char *rest[1];
    size_t count;
    Error err = {0};
    char *argv[] = {"--bars=received", "x.guest", "--lamp-size", "16", "--view", "bars"};
    view_options_begin(&options, guest_catalog());
    const size_t rows = view_options_table(&options, false, table);
    test_must(options_parse(table, rows, 6, argv, rest, 1, &count, &err), &err);
    test_must(apply(app, &options, &err), &err);
    test_tells(app, USED);
    view_options_give(&options, "bars", "loud");
    assert_int_equal(apply(app, &options, &err), STATUS_USAGE);
    assert_string_equal(err.message, "'bars' takes diagonal, received or next, not 'loud'");
}

/* ---- tours, settings, palette ------------------------------------------------------------------------------------------------ */

/* Notes a tour while `key` is pressed; returns its text, and plays it in a program that has just begun. */
static char *tour(Guest *guest, const char *key) {
    char line[160], *text;
    size_t size;
    RecordTour *tour;
    Error err = {0};
    snprintf(line, sizeof line, "tour-record %s", in(guest, "tour.txt"));
    test_run(guest->app, line);
    test_press(guest->app, key);
    test_run(guest->app, "tour-record");
    test_must(file_read_all(in(guest, "tour.txt"), 4096, &text, &size, &err), &err);
    App *app = open_app(guest);
    test_must(record_tour_load(app, in(guest, "tour.txt"), &tour, &err), &err);
    RecordTourPlayer *player = record_tour_player_new(tour);
    test_must(record_tour_play(app, player, record_tour_seconds(tour), &err), &err);
    record_tour_player_drop(player);
    record_tour_drop(tour);
    unlink(in(guest, "tour.txt"));
    test_settle(app);
    return text;
}

static void test_a_tour_begins_where_the_guest_is(void **state) {
    Guest *guest = *state;
    (void)open_used(guest);
    char *text = tour(guest, "Ctrl+M");
    assert_non_null(strstr(text, "\n0 view bars\n"));
    assert_non_null(strstr(text, "\n0 bars received\n"));
    assert_non_null(strstr(text, "\n0 lamp-size 16\n"));
    assert_non_null(strstr(text, " mirror\n"));
    mem_free(text);
    test_tells(guest->app, USED);
    test_tells(guest->app, "mirrored=true");
    /* A tour of the matrix says nothing that only the bars can be told. */
    test_run(guest->app, "view matrix");
    text = tour(guest, "Ctrl+U");
    assert_null(strstr(text, "0 bars"));
    assert_non_null(strstr(text, " lamp-size up\n"));
    mem_free(text);
    test_tells(guest->app, "view=matrix bars=diagonal lamp_size=32");
}

static void test_settings_are_kept(void **state) {
    Guest *guest = *state;
    App *app = open_used(guest);
    char path[APP_PATH_SIZE], said[320], *text;
    size_t size;
    Settings settings;
    Error err = {0};
    test_must(settings_save(app, path, sizeof path, &err), &err);
    test_must(file_read_all(path, 1000, &text, &size, &err), &err);
    assert_string_equal(text, "bars = received\nlamp-size = 16\n");
    mem_free(text);
    settings_load(guest_catalog(), &settings, said, sizeof said);
    assert_string_equal(said, "");
    app = open_app(guest);
    settings_apply(&settings, app, false); /* in the matrix, as at each start */
    test_tells(app, "view=matrix");
    test_run(app, "view bars");
    test_tells(app, USED);
    settings_load(&CATALOG, &settings, said, sizeof said);
    assert_string_equal(said, "settings, line 1: there is no setting 'bars'; and 1 more");
    put(guest, "attnscope/config", "bars = loud\nlamp-size = 65\nlamp-size = 9\n[keys]\nF12 = mirror\n");
    settings_load(guest_catalog(), &settings, said, sizeof said);
    assert_string_equal(said, "settings, line 1: 'bars' takes diagonal|received, not 'loud'; and 1 more");
    settings_apply(&settings, app, false);
    test_press(app, "F12");
    test_tells(app, "lamp_size=9 mirrored=true");
}

/* What the palette lists first, or as number `item`, when this is typed. */
static const PaletteItem *palette_item(App *app, const char *typed, int item) {
    palette_open(app, typed);
    if (item >= palette_of(app)->count) fail_msg("'%s' finds %d items", typed, palette_of(app)->count);
    return &palette_of(app)->items[item];
}

static void test_the_palette_finds_and_runs(void **state) {
    App *app = open_used(*state);
    assert_string_equal(palette_item(app, "trac", 0)->detail, "what tokens give themselves");
    test_press(app, "Enter");
    assert_string_equal(app->message.text, "trace 2.25");
    assert_false(palette_is_open(app));
    assert_string_equal(palette_item(app, "receiv", 0)->text, "bars received"); /* a value finds its command */
    static const char *const VALUES[][2] = {{"diagonal", ""}, {"received", "now"}, {"next", ""}};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(palette_item(app, "bars ", i)->text, VALUES[i][0]);
        assert_string_equal(palette_item(app, "bars ", i)->detail, VALUES[i][1]);
    }
    (void)palette_item(app, "bars dia", 0);
    test_press(app, "Enter");
    test_tells(app, "bars=diagonal");
    test_run(app, "view matrix");
    assert_string_equal(palette_item(app, "mirror", 0)->detail, "for the bars: Tab shows them");
}

/* ---- the format, and numbers of it ---------------------------------------------------------------------------------------------- */

static void test_the_format_is_read_and_told(void **state) {
    Guest *guest = *state;
    App *app = open_app(guest);
    const Capture *capture = app_capture(app);
    SetScan scan;
    Error err = {0};
    char text[FORMATS_TEXT_SIZE];
    const char *paths[] = {in(guest, "x.guest")};
    const SetInfo *set = capture_set(capture, 0);
    assert_true(set->layer_count == 2 && set->max_heads == 1 && set->max_queries == 4 && !set->factored);
    /* What `info` says. */
    test_must(capture_scan_set(capture, 0, NULL, &scan, &err), &err);
    assert_true(scan.row_sum_min == 1 && scan.row_sum_max == 1 && scan.nonfinite == 0 && scan.negative == 0);
    const Format *const *formats = guest_catalog()->formats;
    assert_true(text_ends_with(formats_endings(formats, text, sizeof text), ", .guest"));
    FolderList *list = files_list(formats, guest->folder);
    assert_int_equal(list->entries[0].kind, FILE_CAPTURE);
    files_list_drop(list);
    /* Refused files leave the open one as it is. */
    put(guest, "x.guest", "guest 1 2\n1 0 .5");
    assert_int_equal(captures_open(app, paths, 1, &err), STATUS_FORMAT);
    assert_string_equal(err.message, "expected 4 weights, found 3");
    put(guest, "x.guest", "gust");
    assert_int_equal(captures_open(app, paths, 1, &err), STATUS_FORMAT);
    assert_string_equal(err.message,
                        "expected \"guest LAYERS TOKENS\" at the start of a .guest file, found other bytes");
    assert_ptr_equal(app_capture(app), capture);
    /* Who has no such format says so. */
    Capture *other = NULL;
    const CaptureOpenParams params = {.memory = GUEST_TEXT, .memory_size = sizeof GUEST_TEXT, .memory_name = "x.guest"};
    assert_int_equal(capture_open(&params, &other, &err), STATUS_UNSUPPORTED);
}

static void test_a_statistic_among_the_others(void **state) {
    App *app = open_app(*state);
    const Statistic *statistics[16] = {NULL};
    double found[16];
    Error err = {0};
    const int built_in = analysis_statistic_count(NULL);
    EXTEND(statistics, ANALYSIS_STATISTICS, &TRACE);
    assert_int_equal(analysis_statistic_count(statistics), built_in + 1);
    const AnalysisParams params = {.capture = app_capture(app), .statistics = statistics, .strip_cells = 4};
    test_must(analysis_run(&params, found, &err), &err);
    assert_true(found[built_in] == 2.25);
    assert_string_equal(statistics[2]->name, "previous");
    assert_true(fabs(found[2] - (0.5 + 0.25 + 0.25) / 3) < 1e-9);
}

int test_guest_group(void) {
#define WITH_GUEST(test) cmocka_unit_test_setup_teardown(test, make_guest, remove_guest)
    const struct CMUnitTest tests[] = {
        WITH_GUEST(test_keys_become_state),           WITH_GUEST(test_the_mouse),
        WITH_GUEST(test_pictures_of_view_and_window), WITH_GUEST(test_a_picture_reproduces_its_view),
        WITH_GUEST(test_options_are_parsed),          WITH_GUEST(test_a_tour_begins_where_the_guest_is),
        WITH_GUEST(test_settings_are_kept),           WITH_GUEST(test_the_palette_finds_and_runs),
        WITH_GUEST(test_the_format_is_read_and_told), WITH_GUEST(test_a_statistic_among_the_others),
    };
    return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}

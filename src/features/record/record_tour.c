/* Tours: text files of commands with times.
 *
 *   # comment
 *   0         layer 0; heads mean           a command of the command table at a time, in seconds
 *   1..3.5    ease camera 0:40,0:40         a move: camera Q0:Q1,K0:K1 or fit; range LO:HI; layer A:B
 *   6         end                           how long the last picture stays
 *
 * Moves are linear, ease (in and out), ease-in or ease-out. The camera zooms at a steady rate: its scale moves along
 * a logarithm, and its middle so that the path is straight on the screen. Tours come from other people and are
 * hostile input: only commands that change what is looked at are allowed. */
#include "features/record/record_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST ((size_t)4 << 20)
#define ITEMS_MAX 100000
#define SECONDS_MAX 86400.0
#define LINE_MOST 480
#define ACTIVE_MAX 4 /* kinds of items */
#define SCALE_SAME 1e-6
#define LAYER_MOST 1e6

typedef enum Ease { EASE_LINEAR, EASE_BOTH, EASE_IN, EASE_OUT } Ease;
typedef enum ItemKind { ITEM_COMMAND, ITEM_CAMERA, ITEM_RANGE, ITEM_LAYER } ItemKind;

typedef struct Item {
    double t0, t1;
    ItemKind kind;
    Ease ease;
    int line; /* of the file */
    size_t order;
    const char *command;
    bool fit;     /* camera */
    double to[4]; /* camera: q0 q1 k0 k1; range: lo hi; layer: model numbers a, b */
} Item;

struct RecordTour {
    const App *app; /* whose commands it may name */
    Arena arena;
    char name[256];
    Item *items;
    size_t count, capacity;
    double seconds;
    bool sets_range;
};

/* ---- reading --------------------------------------------------------------------------------- */

bool record_tour_allows(const Command *command) {
    return !command->trusted;
}

static Status wrong(const RecordTour *tour, int line, Error *err, const char *format, ...) BASE_PRINTF(4, 5);
static Status wrong(const RecordTour *tour, int line, Error *err, const char *format, ...) {
    char text[ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set_at(err, STATUS_FORMAT, tour->name, -1, "line %d: %s", line, text);
}

static Status check_command(const RecordTour *tour, int line, const char *command, Error *err) {
    const size_t length = strcspn(command, " ");
    const KnownCommand *known = commands_find(tour->app, command, length);
    if (!known) return wrong(tour, line, err, "there is no command '%.*s'", (int)i64_min((int64_t)length, 60), command);
    return record_tour_allows(known->row) ? STATUS_OK
                                          : wrong(tour, line, err, "a tour cannot run '%s'", known->row->name);
}

static Item *add_item(RecordTour *tour, double t0, double t1, int line) {
    void *items = tour->items;
    if (tour->count == ITEMS_MAX || !mem_grow(&items, &tour->capacity, tour->count + 1, sizeof *tour->items))
        return NULL;
    tour->items = items;
    Item *item = &tour->items[tour->count++];
    *item = (Item){.t0 = t0, .t1 = t1, .line = line, .order = tour->count};
    tour->seconds = fmax(tour->seconds, t1);
    return item;
}

static Status no_room(const RecordTour *tour, int line, Error *err) {
    return tour->count == ITEMS_MAX ? wrong(tour, line, err, "a tour has at most %d commands", ITEMS_MAX)
                                    : error_set(err, STATUS_MEMORY, "not enough memory for the tour");
}

/* "A:B" */
static bool parse_pair(const char *text, double *a, double *b) {
    char copy[128];
    snprintf(copy, sizeof copy, "%s", text);
    char *colon = strchr(copy, ':');
    if (!colon) return false;
    *colon = 0;
    return text_parse_f64(copy, a) && text_parse_f64(colon + 1, b) && isfinite(*a) && isfinite(*b);
}

/* "Q0:Q1,K0:K1", not empty. */
static bool parse_rect(const char *text, double to[4]) {
    char copy[128];
    snprintf(copy, sizeof copy, "%s", text);
    char *comma = strchr(copy, ',');
    if (!comma) return false;
    *comma = 0;
    return parse_pair(copy, &to[0], &to[1]) && parse_pair(comma + 1, &to[2], &to[3]) && to[1] > to[0] && to[3] > to[2];
}

static bool parse_ease(const char **at, Ease *ease) {
    static const struct {
        const char *name;
        Ease ease;
    } EASES[] = {{"linear", EASE_LINEAR}, {"ease-in", EASE_IN}, {"ease-out", EASE_OUT}, {"ease", EASE_BOTH}};
    const size_t length = strcspn(*at, " ");
    for (size_t i = 0; i < BASE_COUNT(EASES); i++) {
        if (strlen(EASES[i].name) != length || memcmp(EASES[i].name, *at, length)) continue;
        *ease = EASES[i].ease;
        *at += length;
        while (**at == ' ')
            (*at)++;
        return true;
    }
    return false;
}

/* "ease camera 0:8,0:8" */
static Status parse_move(RecordTour *tour, int line, double t0, double t1, const char *text, Error *err) {
    Ease ease = EASE_BOTH;
    (void)parse_ease(&text, &ease);
    Item *item = add_item(tour, t0, t1, line);
    if (!item) return no_room(tour, line, err);
    item->ease = ease;
    const char *value = text + strcspn(text, " ");
    while (*value == ' ')
        value++;
    if (text_starts_with(text, "camera ")) {
        item->kind = ITEM_CAMERA;
        item->fit = !strcmp(value, "fit");
        if (item->fit || parse_rect(value, item->to)) return STATUS_OK;
        return wrong(tour, line, err, "a camera goes to Q0:Q1,K0:K1 or to fit, not to '%.60s'", value);
    }
    if (text_starts_with(text, "range ")) {
        item->kind = ITEM_RANGE;
        tour->sets_range = true;
        if (parse_pair(value, &item->to[0], &item->to[1]) && item->to[1] > item->to[0]) return STATUS_OK;
        return wrong(tour, line, err, "a range goes to LO:HI, not to '%.60s'", value);
    }
    if (text_starts_with(text, "layer ")) {
        item->kind = ITEM_LAYER;
        if (parse_pair(value, &item->to[0], &item->to[1]) && fabs(item->to[0]) <= LAYER_MOST &&
            fabs(item->to[1]) <= LAYER_MOST)
            return STATUS_OK;
        return wrong(tour, line, err, "layers go from A:B, not '%.60s'", value);
    }
    return wrong(tour, line, err, "what moves over time is the camera, the range or the layer, not '%.60s'", text);
}

static Status parse_commands(RecordTour *tour, int line, double at, const char *text, Error *err) {
    while (*text) {
        const size_t length = strcspn(text, ";");
        char command[LINE_MOST + 1];
        snprintf(command, sizeof command, "%.*s", (int)i64_min((int64_t)length, LINE_MOST), text);
        text += length + (text[length] == ';');
        char *from = command + strspn(command, " ");
        for (size_t end = strlen(from); end > 0 && from[end - 1] == ' '; end--)
            from[end - 1] = 0;
        if (!from[0]) continue;
        tour->seconds = fmax(tour->seconds, at);
        if (!strcmp(from, "end")) continue;
        const Status status = check_command(tour, line, from, err);
        if (status != STATUS_OK) return status;
        Item *item = add_item(tour, at, at, line);
        if (!item || !(item->command = arena_copy_text(&tour->arena, from, strlen(from))))
            return no_room(tour, line, err);
        if (text_starts_with(from, "range") || text_starts_with(from, "lock-range")) tour->sets_range = true;
    }
    return STATUS_OK;
}

static Status parse_line(RecordTour *tour, int line, char *text, Error *err) {
    for (char *c = text; *c; c++) {
        if (*c == '\t' || *c == '\r') *c = ' ';
    }
    text += strspn(text, " ");
    if (!text[0] || text[0] == '#') return STATUS_OK;
    char *rest = text + strcspn(text, " ");
    if (*rest) *rest++ = 0;
    rest += strspn(rest, " ");
    for (size_t end = strlen(rest); end > 0 && rest[end - 1] == ' '; end--)
        rest[end - 1] = 0;
    char *dots = strstr(text, "..");
    if (dots) *dots = 0;
    double t0, t1;
    if (!text_parse_f64(text, &t0) || !(t0 >= 0 && t0 <= SECONDS_MAX))
        return wrong(tour, line, err, "'%.60s' is no time in seconds", text);
    if (!rest[0]) return wrong(tour, line, err, "there is a time and no command");
    if (!dots) return parse_commands(tour, line, t0, rest, err);
    if (!text_parse_f64(dots + 2, &t1) || !(t1 > t0 && t1 <= SECONDS_MAX))
        return wrong(tour, line, err, "'%.60s' is no time after %g", dots + 2, t0);
    return parse_move(tour, line, t0, t1, rest, err);
}

/* By time; what stands first in the file comes first. */
static int by_time(const void *a, const void *b) {
    const Item *x = a, *y = b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

Status record_tour_parse(const App *app, const char *text, const char *name, RecordTour **out, Error *err) {
    *out = NULL;
    RecordTour *tour = mem_alloc_zeroed(1, sizeof *tour);
    if (!tour) return error_set(err, STATUS_MEMORY, "not enough memory for the tour");
    tour->app = app;
    snprintf(tour->name, sizeof tour->name, "%s", name);
    Status status = STATUS_OK;
    for (int line = 1; *text && status == STATUS_OK; line++) {
        const size_t length = strcspn(text, "\n");
        char copy[LINE_MOST + 1];
        if (length > LINE_MOST)
            status = wrong(tour, line, err, "the line is longer than %d characters", LINE_MOST);
        else {
            memcpy(copy, text, length);
            copy[length] = 0;
            status = parse_line(tour, line, copy, err);
        }
        text += length + (text[length] == '\n');
    }
    if (status == STATUS_OK && tour->seconds <= 0)
        status = error_set_at(err, STATUS_FORMAT, name, -1,
                              "the tour takes no time: end it with a line such as `5 end`");
    if (status != STATUS_OK) {
        record_tour_drop(tour);
        return status;
    }
    if (tour->count > 0) qsort(tour->items, tour->count, sizeof *tour->items, by_time);
    *out = tour;
    return STATUS_OK;
}

Status record_tour_load(const App *app, const char *path, RecordTour **out, Error *err) {
    char *text;
    size_t size;
    *out = NULL;
    Status status = file_read_all(path, FILE_MOST, &text, &size, err);
    if (status != STATUS_OK) return status;
    if (strlen(text) != size || !utf8_valid(text, size))
        status = error_set_at(err, STATUS_FORMAT, path, -1,
                              "this is no tour: a tour is a text file of times and commands");
    else
        status = record_tour_parse(app, text, path, out, err);
    mem_free(text);
    return status;
}

void record_tour_drop(RecordTour *tour) {
    if (!tour) return;
    arena_free(&tour->arena);
    mem_free(tour->items);
    mem_free(tour);
}

double record_tour_seconds(const RecordTour *tour) {
    return tour->seconds;
}
bool record_tour_sets_range(const RecordTour *tour) {
    return tour->sets_range;
}

/* ---- playing --------------------------------------------------------------------------------- */

typedef struct Active {
    const Item *item;
    Camera camera; /* where the move began */
    double lo, hi;
} Active;

struct RecordTourPlayer {
    const RecordTour *tour;
    size_t next;
    Active active[ACTIVE_MAX];
    int active_count;
};

RecordTourPlayer *record_tour_player_new(const RecordTour *tour) {
    RecordTourPlayer *player = mem_alloc_zeroed(1, sizeof *player);
    if (player) player->tour = tour;
    return player;
}

void record_tour_player_drop(RecordTourPlayer *player) {
    mem_free(player);
}

static double eased(Ease ease, double t) {
    switch (ease) {
    case EASE_BOTH:
        return t * t * (3 - 2 * t);
    case EASE_IN:
        return t * t;
    case EASE_OUT:
        return t * (2 - t);
    default:
        return t;
    }
}

/* Scale and middle of one axis. 1 / scale is what the eye follows: the middle moves in proportion to it, so that a
 * zoom about a point keeps that point in its place. */
static void move_axis(double *middle, double *scale, double to_middle, double to_scale, double t) {
    const double from_scale = *scale, now = from_scale * pow(to_scale / from_scale, t);
    const double difference = 1 / to_scale - 1 / from_scale;
    const double part = fabs(difference) * from_scale < SCALE_SAME ? t : (1 / now - 1 / from_scale) / difference;
    *middle += (to_middle - *middle) * part;
    *scale = now;
}

static Camera camera_target(App *app, const Item *item) {
    Pattern pattern;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    const float w = fmaxf(1, app->picture.result.plot.w / scale), h = fmaxf(1, app->picture.result.plot.h / scale);
    if (!app_pattern(app, &pattern)) return app->look.matrix.camera;
    if (item->fit) return views_camera_fit(pattern.queries, pattern.keys, w, h, app->look.matrix.fit_mode);
    Camera camera = views_camera_rect(item->to[0], item->to[1], item->to[2], item->to[3], w, h);
    /* Square cells stay square; the rectangle is in view, whatever the shape of the window. */
    const double aspect = pattern.queries > pattern.keys ? (double)pattern.queries / (double)pattern.keys
                                                         : (double)pattern.keys / (double)i64_max(pattern.queries, 1);
    if (app->look.matrix.fit_mode == FIT_SQUARE ||
        (app->look.matrix.fit_mode == FIT_AUTO && aspect <= CAMERA_SQUARE_ASPECT)) {
        camera.points_q = camera.points_k = fmin(camera.points_q, camera.points_k);
    }
    return camera;
}

static void move_layer(App *app, const Item *item, double t) {
    if (capture_set_count(app_capture(app)) == 0) return; /* another file was opened meanwhile */
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    const int a = capture_layer_index(set, (int)item->to[0]), b = capture_layer_index(set, (int)item->to[1]);
    if (a < 0 || b < 0) return;
    const int steps = (b > a ? b - a : a - b) + 1;
    const int step = (int)i64_clamp((int64_t)floor(t * steps), 0, steps - 1), index = b > a ? a + step : a - step;
    if (index == app->look.subject.layer) return;
    app->motion.scrub_direction = b > a ? 1 : -1;
    app->look.subject.layer = index;
    look_changed_follow(app);
}

static void advance(App *app, const Active *active, double now) {
    const Item *item = active->item;
    const double t = eased(item->ease, f64_clamp((now - item->t0) / (item->t1 - item->t0), 0, 1));
    if (item->kind == ITEM_CAMERA) {
        const Camera to = camera_target(app, item);
        Camera camera = active->camera;
        move_axis(&camera.q, &camera.points_q, to.q, to.points_q, t);
        move_axis(&camera.k, &camera.points_k, to.k, to.points_k, t);
        app->look.matrix.camera = camera;
        app->look.matrix.fitted = item->fit && t >= 1;
    } else if (item->kind == ITEM_RANGE) {
        app->look.colours.range_mode = RANGE_MANUAL;
        app->look.colours.lo = (float)(active->lo + (item->to[0] - active->lo) * t);
        app->look.colours.hi = (float)(active->hi + (item->to[1] - active->hi) * t);
    } else {
        move_layer(app, item, t);
    }
    app->pace.redraw = true;
}

/* Brings all moves to this time; those that are over leave. */
static void advance_all(App *app, RecordTourPlayer *player, double now) {
    int kept = 0;
    for (int i = 0; i < player->active_count; i++) {
        advance(app, &player->active[i], now);
        if (now < player->active[i].item->t1) player->active[kept++] = player->active[i];
    }
    player->active_count = kept;
}

static Status check_layers(const App *app, const RecordTour *tour, const Item *item, Error *err) {
    if (capture_set_count(app_capture(app)) == 0) return app_need_patterns(app, "a tour", err);
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    for (int i = 0; i < 2; i++) {
        if (capture_layer_index(set, (int)item->to[i]) < 0)
            return wrong(tour, item->line, err, "there is no layer %d", (int)item->to[i]);
    }
    return STATUS_OK;
}

/* A move replaces another of its kind, so that there are never more than kinds. */
static Status begin_move(App *app, RecordTourPlayer *player, const Item *item, Error *err) {
    int at = 0;
    if (item->kind == ITEM_LAYER) {
        const Status status = check_layers(app, player->tour, item, err);
        if (status != STATUS_OK) return status;
    }
    while (at < player->active_count && player->active[at].item->kind != item->kind)
        at++;
    if (at == player->active_count) player->active_count++;
    player->active[at] = (Active){.item = item,
                                  .camera = app->look.matrix.camera,
                                  .lo = (double)app->look.colours.lo,
                                  .hi = (double)app->look.colours.hi};
    return STATUS_OK;
}

static Status run_command(App *app, const RecordTour *tour, const Item *item, Error *err) {
    Error local = {0};
    const Status status = commands_run(app, item->command, &local);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set_at(err, STATUS_FORMAT, tour->name, -1, "line %d: %s", item->line, local.message);
}

Status record_tour_play(App *app, RecordTourPlayer *player, double seconds, Error *err) {
    const RecordTour *tour = player->tour;
    while (player->next < tour->count && tour->items[player->next].t0 <= seconds) {
        const Item *item = &tour->items[player->next++];
        advance_all(app, player, item->t0);
        const Status status = item->kind == ITEM_COMMAND ? run_command(app, tour, item, err)
                                                         : begin_move(app, player, item, err);
        if (status != STATUS_OK) return status;
    }
    advance_all(app, player, seconds);
    return STATUS_OK;
}

static bool chooses_pattern(const App *app, const char *command) {
    const KnownCommand *known = commands_find(app, command, strcspn(command, " "));
    return known && known->row->chooses;
}

Status record_tour_patterns(App *app, const RecordTour *tour, Status (*each)(void *user, Error *err), void *user,
                            Error *err) {
    Status status = STATUS_OK;
    for (size_t i = 0; i < tour->count && status == STATUS_OK; i++) {
        const Item *item = &tour->items[i];
        if (item->kind == ITEM_COMMAND && chooses_pattern(app, item->command)) {
            status = run_command(app, tour, item, err);
            if (status == STATUS_OK) status = each(user, err);
        } else if (item->kind == ITEM_LAYER) {
            const int layers = capture_set(app_capture(app), app->look.subject.set)->layer_count;
            for (int step = 0; step < layers && status == STATUS_OK; step++) {
                const int before = app->look.subject.layer;
                move_layer(app, item, (double)step / layers);
                if (step == 0 || app->look.subject.layer != before) status = each(user, err);
            }
            move_layer(app, item, 1);
            if (status == STATUS_OK) status = each(user, err);
        }
    }
    return status;
}

/* ---- in the window --------------------------------------------------------------------------- */

typedef struct RecordLiveTour {
    RecordTour *tour;
    RecordTourPlayer *player;
    uint64_t began_ns;
} RecordLiveTour;

bool record_tour_playing(const App *app) {
    return record_of(app)->tour;
}

void record_tour_stop(App *app) {
    if (!record_tour_playing(app)) return;
    RecordLiveTour *live = record_of(app)->tour;
    record_tour_player_drop(live->player);
    record_tour_drop(live->tour);
    mem_free(live);
    record_of(app)->tour = NULL;
}

Status record_tour_start(App *app, const char *path, Error *err) {
    RecordTour *tour = NULL;
    if (!app_capture(app)) return error_set(err, STATUS_NOT_FOUND, "no capture is open");
    Recorder *recorder = record_of(app);
    if (!recorder) return STATUS_MEMORY;
    const Status status = record_tour_load(app, path, &tour, err);
    if (status != STATUS_OK) return status;
    record_tour_stop(app);
    RecordLiveTour *live = mem_alloc_zeroed(1, sizeof *live);
    if (live) live->player = record_tour_player_new(tour);
    if (!live || !live->player) {
        mem_free(live);
        record_tour_drop(tour);
        return error_set(err, STATUS_MEMORY, "not enough memory to play the tour");
    }
    live->tour = tour;
    live->began_ns = clock_now_ns(&app->machine.clock);
    recorder->tour = live;
    app->pace.redraw = true;
    return STATUS_OK;
}

void record_tour_tick(App *app, uint64_t now) {
    if (!record_tour_playing(app)) return;
    RecordLiveTour *live = record_of(app)->tour;
    const double seconds = (double)(now - live->began_ns) / 1e9;
    Error err = {0};
    if (record_tour_play(app, live->player, seconds, &err) != STATUS_OK) {
        char text[APP_MESSAGE_SIZE];
        error_format(&err, text, sizeof text);
        app_say(app, SAY_ERROR, "%s", text);
        record_tour_stop(app);
    } else if (seconds >= record_tour_seconds(live->tour)) {
        app_say(app, SAY_INFO, "the tour has ended");
        record_tour_stop(app);
    }
}

uint64_t record_tour_next_ns(const App *app, uint64_t now) {
    if (!record_tour_playing(app)) return UINT64_MAX;
    const RecordLiveTour *live = record_of(app)->tour;
    if (live->player->active_count > 0) return now;
    const RecordTour *tour = live->tour;
    const double at = live->player->next < tour->count ? tour->items[live->player->next].t0 : tour->seconds;
    return live->began_ns + (uint64_t)(at * 1e9) + 1;
}

/* Finding tokens.
 *
 * The text of both axes is built once for each set and item, and searched by a worker: 131,072 tokens take it a few
 * milliseconds, which the GL thread does not have. An answer to a question that has been asked anew since is dropped.
 *
 *   key or command -> find_start: anchor, chore ---> worker: FindIndex, hits
 *                     find_done:  hits, current, crosshair and camera <---  */
#include "features/find.h"
#include "features/camera.h"
#include "session/chores.h"

#include <math.h>
#include <string.h>

/* What the worker keeps from one search to the next. Only it touches this, until chores are finished. */
typedef struct FindIndex {
    uint32_t serial;
    int set, item;
    bool built, both;
    FindText text[2];
} FindIndex;

typedef struct Search {
    uint32_t number, serial;
    int set, item;
    const TokenList *tokens[2]; /* NULL: the axis has none */
    TokenList strip;            /* what they are of probabilities of tokens: its own */
    char query[FIND_QUERY_SIZE];
    bool go, ok, both;
    int64_t current; /* unless it goes to one: the hit that is current with the answer */
    FindIndex *index;
    FindHits hits[2];
} Search;

/* ---- worker ---------------------------------------------------------------------------------- */

static bool same_tokens(const TokenList *a, const TokenList *b) {
    if (a == b) return true;
    if (!a || !b || a->count != b->count) return false;
    for (int64_t i = 0; i < a->count; i++) {
        if (strcmp(a->tokens[i].raw, b->tokens[i].raw)) return false;
    }
    return true;
}

static void free_index(FindIndex *index) {
    for (int i = 0; i < 2; i++)
        find_text_free(&index->text[i]);
    index->built = false;
}

static bool build(Search *search) {
    FindIndex *index = search->index;
    if (index->built && index->serial == search->serial && index->set == search->set && index->item == search->item)
        return true;
    free_index(index);
    index->serial = search->serial;
    index->set = search->set;
    index->item = search->item;
    index->both = same_tokens(search->tokens[AXIS_QUERY], search->tokens[AXIS_KEY]);
    for (int i = 0; i < (index->both ? 1 : 2); i++) {
        if (search->tokens[i] && !find_text_build(search->tokens[i], &index->text[i])) return false;
    }
    index->built = true;
    return true;
}

static void search_run(void *data) {
    Search *search = data;
    search->ok = build(search);
    search->both = search->index->both;
    for (int i = 0; search->ok && i < 2; i++)
        search->ok = find_text_search(&search->index->text[i], search->query, &search->hits[i]);
}

static void search_discard(void *data) {
    Search *search = data;
    for (int i = 0; i < 2; i++)
        find_hits_free(&search->hits[i]);
    mem_free((void *)(uintptr_t)search->strip.tokens);
    mem_free(search);
}

/* ---- what is searched ------------------------------------------------------------------------ */

/* Probabilities of tokens count as a set of their own. */
enum { SET_OF_STRIPS = -1 };

static int looked_at(const App *app, int *item) {
    const bool strips = scene_has(app, SCENE_STRIPS);
    *item = strips ? app->shown.scene->place.item(app) : app->look.subject.item;
    return strips ? SET_OF_STRIPS : app->look.subject.set;
}

/* A list of the strip's tokens, which stand for both axes. False without memory. */
static bool list_strip(const StripInfo *strip, Search *search) {
    Token *tokens = strip ? mem_alloc_zeroed((size_t)strip->count, sizeof *tokens) : NULL;
    for (int64_t i = 0; tokens && i < strip->count; i++)
        tokens[i] = *strip->tokens[i].token;
    search->strip = (TokenList){.count = tokens ? strip->count : 0, .tokens = tokens};
    search->tokens[AXIS_QUERY] = search->tokens[AXIS_KEY] = tokens ? &search->strip : NULL;
    return tokens != NULL;
}

const StateKey FIND_STATE = {.size = sizeof(Find), .kept = offsetof(Find, open)};

Find *find_of(const App *app) {
    return app_state(app, &FIND_STATE);
}

bool find_is_on(const App *app) {
    return find_of(app)->query[0] != 0;
}

int64_t find_count(const App *app) {
    return (int64_t)(find_of(app)->hits[0].count + find_of(app)->hits[1].count);
}

const FindHits *find_marks(const App *app, Axis axis) {
    static const FindHits NONE = {0};
    const Find *find = find_of(app);
    int item;
    const int set = looked_at(app, &item);
    if (!find->query[0] || find->set != set || find->item != item || find->serial != app->opened.captures[0].serial)
        return &NONE;
    return &find->hits[find->both ? AXIS_QUERY : axis];
}

/* ---- where the eye is ------------------------------------------------------------------------ */

TokenSpan find_hit(const Find *find, int64_t n, Axis *axis) {
    const int64_t queries = (int64_t)find->hits[AXIS_QUERY].count;
    *axis = n < queries ? AXIS_QUERY : AXIS_KEY;
    return find->hits[*axis].items[n < queries ? n : n - queries];
}

void find_note_anchor(App *app) {
    Find *find = find_of(app);
    double q0, q1, k0, k1;
    const float scale = app->picture.layout.scale > 0 ? app->picture.layout.scale : 1;
    if (scene_has(app, SCENE_STRIPS)) {
        find->anchor_q = find->anchor_k = app->shown.scene->place.token(app);
        return;
    }
    if (app->look.matrix.cursor_locked) {
        find->anchor_q = app->look.matrix.cursor_q;
        find->anchor_k = app->look.matrix.cursor_k;
        return;
    }
    views_camera_visible(&app->look.matrix.camera, app->picture.result.plot.w / scale,
                         app->picture.result.plot.h / scale, &q0, &q1, &k0, &k1);
    find->anchor_q = app->look.matrix.fitted ? 0 : (int64_t)floor(fmax(q0, 0));
    find->anchor_k = app->look.matrix.fitted ? 0 : (int64_t)floor(fmax(k0, 0));
}

/* Shifts the middle by as little as shows [first, end) with some air; tokens. */
static double shifted(double middle, double visible, int64_t first, int64_t end) {
    const double air = fmin(2.0, visible / 8), half = visible / 2;
    if ((double)end + air > middle + half) middle = (double)end + air - half;
    if ((double)first - air < middle - half) middle = (double)first - air + half;
    return middle;
}

static void reveal(App *app, Axis axis, TokenSpan span, bool both) {
    Pattern pattern;
    Look *look = &app->look;
    if (!app_pattern(app, &pattern)) return;
    if (!look->matrix.cursor_on) {
        look->matrix.cursor_q = i64_clamp((int64_t)look->matrix.camera.q, 0, pattern.queries - 1);
        look->matrix.cursor_k = i64_clamp((int64_t)look->matrix.camera.k, 0, pattern.keys - 1);
    }
    look->matrix.cursor_on = look->matrix.cursor_locked = true;
    if (both || axis == AXIS_QUERY) look->matrix.cursor_q = i64_clamp(span.first, 0, pattern.queries - 1);
    if (both || axis == AXIS_KEY) look->matrix.cursor_k = i64_clamp(span.first, 0, pattern.keys - 1);
    const Camera before = look->matrix.camera;
    const double scale = app->picture.layout.scale > 0 ? (double)app->picture.layout.scale : 1;
    const double high = (double)app->picture.result.plot.h / scale / before.points_q,
                 wide = (double)app->picture.result.plot.w / scale / before.points_k;
    if (look->matrix.fitted || !(high > 0) || !(wide > 0)) return;
    Camera after = before;
    if (both || axis == AXIS_QUERY) after.q = shifted(before.q, high, span.first, span.end);
    if (both || axis == AXIS_KEY) after.k = shifted(before.k, wide, span.first, span.end);
    if (after.q == before.q && after.k == before.k) return;
    history_note(app);
    look->matrix.camera = after;
    camera_moved(app);
}

static void go_to(App *app, int64_t n) {
    Find *find = find_of(app);
    Axis axis;
    find->current = n;
    if (n < 0) return;
    const TokenSpan span = find_hit(find, n, &axis);
    if (scene_has(app, SCENE_STRIPS))
        app->shown.scene->place.go_token(app, span.first);
    else
        reveal(app, axis, span, find->both);
    app->pace.redraw = true;
}

/* First hit at the anchor or behind it; else the first of all. */
static int64_t nearest(const Find *find, int64_t count) {
    for (int64_t n = 0; n < count; n++) {
        Axis axis;
        const TokenSpan span = find_hit(find, n, &axis);
        if (span.end > (axis == AXIS_QUERY ? find->anchor_q : find->anchor_k)) return n;
    }
    return count > 0 ? 0 : -1;
}

static void search_done(App *app, void *data) {
    Search *search = data;
    Find *find = find_of(app);
    if (search->number == find->asked && search->serial == app->opened.captures[0].serial) {
        find->answered = search->number;
        find->serial = search->serial;
        find->set = search->set;
        find->item = search->item;
        find->both = search->both;
        for (int i = 0; i < 2; i++) {
            const FindHits old = find->hits[i];
            find->hits[i] = search->hits[i];
            search->hits[i] = old;
        }
        const int64_t count = find_count(app);
        find->current = search->current < count ? search->current : -1;
        if (search->go && scene_has(app, SCENE_TOKENS)) go_to(app, nearest(find, count));
        if (!search->ok) app_say(app, SAY_ERROR, "not enough memory to find '%.60s'", search->query);
        app->pace.redraw = true;
    }
    search_discard(data);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void ask(App *app, bool go, int64_t current) {
    Find *find = find_of(app);
    const Capture *capture = app_capture(app);
    int item;
    const int set = looked_at(app, &item);
    Search *search = capture ? mem_alloc_zeroed(1, sizeof *search) : NULL;
    if (!search) return;
    *search = (Search){.number = ++find->asked,
                       .serial = app->opened.captures[0].serial,
                       .set = set,
                       .item = item,
                       .go = go,
                       .current = current,
                       .index = find->index};
    if (set == SET_OF_STRIPS && !list_strip(capture_strip(capture, item), search)) {
        mem_free(search);
        return;
    }
    for (int i = 0; set != SET_OF_STRIPS && i < 2; i++)
        search->tokens[i] = capture_tokens(capture, set, item, (Axis)i);
    find->has_tokens = search->tokens[0] || search->tokens[1];
    memcpy(search->query, find->query, sizeof search->query);
    memcpy(find->searched, find->query, sizeof find->searched);
    (void)chores_post(app->machine.chores[CHORES_SEARCH], &(Chore){search_run, search_done, search_discard, search});
}

void find_start(App *app, const char *query, bool go, Error *err) {
    if (strlen(query) >= sizeof find_of(app)->query) {
        error_set(err, STATUS_USAGE, "'find' takes up to %d bytes of text", FIND_QUERY_SIZE - 1);
        return;
    }
    if (go && !find_of(app)->open) find_note_anchor(app);
    snprintf(find_of(app)->query, sizeof find_of(app)->query, "%s", query);
    if (query[0])
        ask(app, go, -1);
    else
        find_clear(app);
    /* Scripts go on at once; a window is told when the answer is there. */
    if (!platform_is_window(app->machine.platform)) finish_chores(app);
    if (query[0] && !find_of(app)->has_tokens)
        error_set(err, STATUS_NOT_FOUND, "this capture has no token texts to find");
    app->pace.redraw = true;
}

void find_step(App *app, int direction, Error *err) {
    const int64_t count = find_count(app);
    if (!find_is_on(app)) {
        error_set(err, STATUS_NOT_FOUND, "nothing is looked for yet: Ctrl+F or / finds a token");
        return;
    }
    if (find_of(app)->asked != find_of(app)->answered) return; /* on its way */
    if (count == 0) {
        error_set(err, STATUS_NOT_FOUND, "no token has '%.60s'", find_of(app)->query);
        return;
    }
    int64_t next = find_of(app)->current + direction;
    if (find_of(app)->current < 0) {
        find_note_anchor(app);
        next = nearest(find_of(app), count);
    }
    go_to(app, (next + count) % count);
}

void find_clear(App *app) {
    Find *find = find_of(app);
    find->query[0] = find->searched[0] = 0;
    find->answered = ++find->asked;
    find->current = -1;
    for (int i = 0; i < 2; i++)
        find_hits_free(&find->hits[i]);
    app->pace.redraw = true;
}

void find_follow(App *app) {
    const Find *find = find_of(app);
    int item;
    const int set = looked_at(app, &item);
    if (strcmp(find->query, find->searched)) {
        if (find_is_on(app))
            ask(app, false, find->current);
        else
            find_clear(app);
        return;
    }
    if (!find_is_on(app) || find->asked != find->answered) return;
    if (find->serial == app->opened.captures[0].serial && find->set == set && find->item == item) return;
    ask(app, false, -1);
}

void find_release(App *app) {
    finish_search(app);
    free_index(find_of(app)->index);
}

Status find_open(App *app, Error *err) {
    find_of(app)->current = -1;
    find_of(app)->index = mem_alloc_zeroed(1, sizeof *find_of(app)->index);
    return find_of(app)->index ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory to start");
}

void find_close(App *app) {
    Find *find = find_of(app);
    if (find->index) free_index(find->index);
    mem_free(find->index);
    for (int i = 0; i < 2; i++)
        find_hits_free(&find->hits[i]);
}

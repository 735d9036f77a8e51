/* The top bar (what is looked at) and the layer scrubber at the bottom. */
#include "app/window.h"
#include "features/help.h"
#include "features/play.h"
#include "ui/ui.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCENES_MAX 16
#define SWITCH_W 860.0f /* narrower bars have no room for it */

typedef struct Cursor {
    Pen pen;
    App *app;
    float x, middle, limit;
} Cursor;

static Rect put(Cursor *at, const char *text, TextStyle style, Color color, float gap) {
    const float s = at->pen.scale;
    char cut[256];
    const Rect none = {at->x, at->middle, 0, 0};
    if (at->limit - at->x < 24 * s) return none;
    draw_text_fit(at->pen.fonts, text, style, at->limit - at->x, cut, sizeof cut);
    const float width = draw_text_width(at->pen.fonts, cut, style);
    const float baseline = roundf(at->middle + draw_text_cap_height(at->pen.fonts, style) / 2);
    draw_text(at->pen.list, at->x, baseline, cut, style, ALIGN_LEFT, color);
    const Rect rect = {at->x - 6 * s, at->middle - 13 * s, width + 12 * s, 26 * s};
    at->x += width + gap * s;
    return rect;
}

static void badge(App *app, Rect bar, float *right) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const char *text = words_badge(app);
    const TextStyle style = ui_style(&pen, 12);
    const bool exact = !app->picture.result.absent && !app->picture.result.missing && !app->picture.result.coarse &&
                       app->picture.result.exactness == EXACT;
    const Color color = exact ? theme->dim : theme->warning;
    const float width = roundf(draw_text_width(pen.fonts, text, style) + 22 * s);
    const Rect rect = {*right - width, bar.y + roundf(8 * s), width, roundf(24 * s)};
    draw_rect(pen.list, rect, 12 * s, theme->raised);
    draw_rect(pen.list, (Rect){rect.x + 8 * s, rect.y + rect.h / 2 - 2.5f * s, 5 * s, 5 * s}, 2.5f * s, color);
    draw_text_in(pen.list, (Rect){rect.x + 16 * s, rect.y, rect.w - 18 * s, rect.h}, text, style, ALIGN_LEFT, color);
    ui_hit(&pen, rect, "how exact the picture is: weights read or recomputed, bounds and coarser levels are named",
           CURSOR_ARROW, "%s", "");
    *right = rect.x - 8 * s;
}

/* That it is not the open capture which is shown, or not alone. */
static void compare_pill(App *app, Rect bar, float *right) {
    const Pen pen = ui_pen(app);
    static const char *const TEXTS[] = {"", "reference", "difference", "side by side"};
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const TextStyle style = ui_bold(&pen, 12);
    const char *text = TEXTS[app->look.compare];
    if (!text[0]) return;
    const float width = roundf(draw_text_width(pen.fonts, text, style) + 20 * s);
    const Rect rect = {*right - width, bar.y + roundf(8 * s), width, roundf(24 * s)};
    draw_rect(pen.list, rect, 12 * s, theme->accent);
    draw_text_in(pen.list, rect, text, style, ALIGN_CENTER, theme->accent_text);
    ui_hit(&pen, rect, "back to the open capture alone", CURSOR_HAND, "compare off");
    *right = rect.x - 8 * s;
}

/* Which file: the open one, the reference in its place, or both. */
static void put_name(Cursor *at) {
    App *app = at->app;
    const Theme *theme = at->pen.theme;
    char text[256];
    const bool reference = app->look.compare == COMPARE_REF;
    const char *name = reference ? app_capture_name(app, 1) : app_capture_name(app, 0);
    if (app->look.compare == COMPARE_DIFF) {
        snprintf(text, sizeof text, "%.120s \xE2\x88\x92 %.120s", name, app_capture_name(app, 1));
        name = text;
    }
    put(at, name, ui_bold(&at->pen, 13), app->look.compare == COMPARE_OFF ? theme->text : theme->accent, 20);
}

/* "layer 3 of 12   mean of 8 heads" */
static void put_pattern(Cursor *at, const SetInfo *set, const LayerInfo *layer) {
    App *app = at->app;
    const Theme *theme = at->pen.theme;
    char text[256];
    snprintf(text, sizeof text, "layer %d", layer->number);
    put(at, text, ui_bold(&at->pen, 13), theme->text, 6);
    snprintf(text, sizeof text, "of %d", set->layer_count);
    put(at, text, ui_style(&at->pen, 13), theme->dim, 20);
    tiles_headset_describe(&app->look.subject.heads, layer, text, sizeof text);
    const Rect heads = put(at, text, ui_bold(&at->pen, 13), theme->text, 20);
    ui_hit(&at->pen, heads, "mean of all heads and back (m)", CURSOR_HAND, "mean");
}

/* One button for each view, joined; narrow windows have the key only. */
static void view_switch(App *app, Rect bar, float *right) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale, h = roundf(24 * s), y = bar.y + roundf(8 * s);
    if (bar.w < SWITCH_W * s) return;
    const TextStyle style = ui_style(&pen, 12);
    const Scene *const *scenes = app->catalog->scenes;
    float widths[SCENES_MAX] = {0}, total = 0;
    int shown = 0;
    for (int i = 0; scenes[i] && i < SCENES_MAX; i++) {
        if (!scene_shows(app, scenes[i])) continue;
        shown++;
        widths[i] = roundf(draw_text_width(pen.fonts, scenes[i]->name, style) + 20 * s);
        total += widths[i];
    }
    if (shown < 2) return;
    float x = *right - total;
    draw_rect(pen.list, (Rect){x, y, total, h}, 4 * s, theme->raised);
    for (int i = 0; scenes[i] && i < SCENES_MAX; i++) {
        if (widths[i] <= 0) continue;
        const Rect button = {x, y, widths[i], h};
        const bool active = scenes[i] == app->shown.scene;
        if (active)
            draw_rect(pen.list, button, 4 * s, theme->accent);
        else if (ui_hovered(&pen, button))
            draw_rect(pen.list, button, 4 * s, theme->hover);
        draw_text_in(pen.list, button, scenes[i]->name, style, ALIGN_CENTER, active ? theme->accent_text : theme->text);
        ui_hit(&pen, button, scenes[i]->words.hint, CURSOR_HAND, "view %s", scenes[i]->name);
        x += widths[i];
    }
    *right -= total + 8 * s;
}

/* Where there is no room to say how the weights are varied. */
static void variant_tag(const Pen *pen, Rect bar, float *right) {
    const Theme *theme = pen->theme;
    const float s = pen->scale;
    const TextStyle style = ui_style(pen, 12);
    const float width = roundf(draw_text_width(pen->fonts, "varied", style) + 16 * s);
    const Rect rect = {*right - width, bar.y + roundf(8 * s), width, roundf(24 * s)};
    draw_rect(pen->list, rect, 12 * s, theme->raised);
    draw_text_in(pen->list, rect, "varied", style, ALIGN_CENTER, theme->warning);
    ui_hit(pen, rect, "keys are hidden (b), rows scaled (u) or weighted by their values", CURSOR_ARROW, "%s", "");
    *right = rect.x - 8 * s;
}

static void put_said(void *user, SaidAs as, const char *text) {
    Cursor *at = user;
    const Theme *theme = at->pen.theme;
    put(at, text, as == SAID_NAME ? ui_bold(&at->pen, 13) : ui_style(&at->pen, 13),
        as == SAID_NAME      ? theme->text
        : as == SAID_WARNING ? theme->warning
                             : theme->dim,
        20);
}

void panel_top(App *app, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y + rect.h - 1, rect.w, 1}, 0, theme->line);
    Pattern pattern;
    const bool strips = scene_has(app, SCENE_STRIPS);
    if (!strips && !app_pattern(app, &pattern)) return;

    float right = rect.x + rect.w - 12 * s;
    if (!strips) badge(app, rect, &right);
    compare_pill(app, rect, &right);
    right -= ui_button(&pen, right - roundf(draw_text_width(pen.fonts, "?", ui_style(&pen, 12)) + 16 * s),
                       rect.y + roundf(8 * s), "?", help_of(app)->on, "keys and commands (?)", "help") +
             8 * s;
    view_switch(app, rect, &right);
    if (rect.w < SWITCH_W * s && views_variant_id(&app->look)) variant_tag(&pen, rect, &right);
    Cursor at = {.pen = pen, .app = app, .x = rect.x + 16 * s, .middle = rect.y + rect.h / 2, .limit = right - 12 * s};
    char text[256], count[32];
    put_name(&at);
    const SceneWords *words = &app->shown.scene->words;
    if (strips) {
        words->bar(app, put_said, &at);
        return;
    }
    const bool several = capture_set_count(app_capture(app)) > 1;
    snprintf(text, sizeof text, "%s%s", pattern.set->name,
             pattern.set->causal && strcmp(pattern.set->name, "decoder") ? ", causal" : "");
    const Rect set_rect = put(&at, text, ui_style(&pen, 13), several ? theme->accent : theme->dim, 20);
    if (several) ui_hit(&pen, set_rect, "next set of patterns (Shift+G)", CURSOR_HAND, "set next");
    if (words->bar) {
        words->bar(app, put_said, &at);
    } else {
        put_pattern(&at, pattern.set, pattern.layer);
    }
    text_format_count(pattern.queries, count, sizeof count);
    if (pattern.queries == pattern.keys)
        snprintf(text, sizeof text, "%s tokens", count);
    else {
        char other[32];
        text_format_count(pattern.keys, other, sizeof other);
        snprintf(text, sizeof text, "%s queries \xC3\x97 %s keys", count, other);
    }
    put(&at, text, ui_style(&pen, 13), theme->dim, 20);
    if (pattern.set->item_count > 1) {
        snprintf(text, sizeof text, "item %d of %d", app->look.subject.item, pattern.set->item_count);
        put(&at, text, ui_style(&pen, 13), theme->dim, 20);
    }
    if (pattern.set->step_count > 1) {
        snprintf(text, sizeof text, "step %d of %d", capture_step_number(pattern.set, app->look.subject.step),
                 pattern.set->step_count);
        put(&at, text, ui_style(&pen, 13), theme->dim, 20);
    }
    const char *kind = app->look.subject.values == VALUES_SCORES ? "scores" : capture_kind_name(pattern.set->kind);
    snprintf(text, sizeof text, "%s%s", kind, pattern.set->factored ? " from Q\xC2\xB7K" : "");
    put(&at, text, ui_style(&pen, 13), theme->dim, 20);
    words_variant(app, text, sizeof text);
    if (text[0]) put(&at, text, ui_style(&pen, 13), theme->warning, 20);
}

/* ---- scrubber -------------------------------------------------------------------------------- */

static void play_button(App *app, Rect bar, float x) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale, cy = bar.y + bar.h / 2;
    const Rect button = {x, cy - 14 * s, 28 * s, 28 * s};
    draw_rect(pen.list, button, 14 * s, ui_hovered(&pen, button) ? theme->hover : theme->raised);
    const float cx = button.x + button.w / 2;
    if (play_of(app)->on) {
        draw_rect(pen.list, (Rect){cx - 5 * s, cy - 5 * s, 3.5f * s, 10 * s}, s, theme->accent);
        draw_rect(pen.list, (Rect){cx + 1.5f * s, cy - 5 * s, 3.5f * s, 10 * s}, s, theme->accent);
    } else {
        const float points[6] = {cx - 3.5f * s, cy - 6 * s, cx - 3.5f * s, cy + 6 * s, cx + 6.5f * s, cy};
        draw_triangle(pen.list, points, theme->text);
    }
    ui_hit(&pen, button, "play through the layers (Space)", CURSOR_HAND, "play");
}

static bool layer_range(App *app, Frame *frame, int layer, float *hi) {
    const SceneDrawing *drawing = &app->shown.scene->drawing;
    return drawing->layer_range && drawing->layer_range(app, frame, layer, hi);
}

/* Tallest bar of the spark line; bars show the automatic upper range of each layer. */
static float spark_max(App *app, Frame *frame, int layer_count) {
    float most = 0, hi;
    for (int i = 0; i < layer_count; i++) {
        if (layer_range(app, frame, i, &hi)) most = fmaxf(most, hi);
    }
    return most;
}

void panel_scrubber(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x, rect.y, rect.w, 1}, 0, theme->line);
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;
    if (scene_has(app, SCENE_HEADS)) play_button(app, rect, rect.x + 16 * s);
    draw_text_in(pen.list, (Rect){rect.x + 56 * s, rect.y, 48 * s, rect.h}, "layers", ui_style(&pen, 12), ALIGN_LEFT,
                 theme->dim);
    const Rect track = {rect.x + 108 * s, rect.y + 6 * s, rect.w - 108 * s - 20 * s, rect.h - 10 * s};
    if (track.w < 24 * s) return; /* a window forced below the smallest size */
    app->picture.layout.scrubber = track;
    const int count = pattern.set->layer_count;
    /* Few layers get bars of a comfortable width instead of slabs. */
    const float slot = fminf(track.w / (float)count, 72 * s);
    const float bar_h = track.h - 18 * s, gap = slot > 8 * s ? 3 * s : slot > 3 * s ? 1 : 0;
    frame->peek = true; /* other layers' composites are made when idle, not inside a frame */
    const float most = spark_max(app, frame, count);
    int label_step = 1;
    while ((float)label_step * slot < 26 * s)
        label_step++;
    for (int i = 0; i < count; i++) {
        const bool current = i == scene_layer(app);
        const Rect cell = {roundf(track.x + (float)i * slot), track.y, fmaxf(1, roundf(slot - gap)), bar_h};
        const bool hovered = ui_hovered(&pen, (Rect){cell.x, track.y, slot, track.h});
        draw_rect(pen.list, cell, 2 * s, hovered ? theme->hover : theme->raised);
        float hi;
        if (most > 0 && layer_range(app, frame, i, &hi)) {
            const float h = fmaxf(2 * s, roundf(cell.h * fminf(1, hi / most)));
            draw_rect(pen.list, (Rect){cell.x, cell.y + cell.h - h, cell.w, h}, 2 * s,
                      current ? theme->accent : theme->faint);
        }
        if (current) draw_frame(pen.list, rect_inset(cell, -2 * s), 3 * s, fmaxf(1, roundf(1.5f * s)), theme->accent);
        if (i % label_step == 0 || current) {
            char number[16];
            snprintf(number, sizeof number, "%d", pattern.set->layers[i].number);
            const bool crowded = !current && i % label_step == 0 && (float)abs(i - scene_layer(app)) * slot < 22 * s;
            if (!crowded || current) {
                draw_text(pen.list, cell.x + cell.w / 2, track.y + track.h - 2 * s, number,
                          current ? ui_bold(&pen, 12) : ui_style(&pen, 12), ALIGN_CENTER,
                          current ? theme->text : theme->dim);
            }
        }
        ui_hit(&pen, (Rect){cell.x, rect.y, slot, rect.h},
               "layer: click, drag, wheel, Up and Down; the bar is its automatic range", CURSOR_HAND, "layer %d",
               pattern.set->layers[i].number);
    }
    frame->peek = false;
}

/* The left panel: heads of the layer as thumbnails, how they are combined, and the mini-map. */
#include "app/window.h"
#include "features/find.h"
#include "features/thumbs.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define THUMB 44.0f
#define THUMB_GAP 6.0f /* three thumbs fill the panel's width */
#define THUMB_LABEL 14.0f
#define MINIMAP_H 144.0f

static void combine_buttons(App *app, Rect rect) {
    const Pen pen = ui_pen(app);
    static const struct {
        HeadOp op;
        const char *label, *command, *hint;
    } OPS[] = {
        {HEADS_MEAN, "mean", "combine mean", "average of the chosen heads"},
        {HEADS_MAX, "max", "combine max", "largest weight among the chosen heads"},
        {HEADS_MIN, "min", "combine min", "smallest weight among the chosen heads"},
    };
    float x = rect.x;
    for (size_t i = 0; i < BASE_COUNT(OPS); i++) {
        const bool active = app->look.subject.heads.op == OPS[i].op && !tiles_headset_single(&app->look.subject.heads);
        x += ui_button(&pen, x, rect.y, OPS[i].label, active, OPS[i].hint, OPS[i].command) + 4 * pen.scale;
    }
}

static void thumb(App *app, Frame *frame, const LayerInfo *layer, int index, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale;
    const int number = layer->head_numbers[index];
    const bool chosen = tiles_headset_contains(&app->look.subject.heads, number) || app->look.subject.heads.count == 0;
    const Rect image = {rect.x, rect.y, rect.w, rect.w};
    const bool hovered = ui_hovered(&pen, rect);
    draw_rect(pen.list, image, 0, theme->masked);
    if (!views_thumb(frame, &app->look, app->look.subject.layer, index, image, !frame->flying) &&
        app->look.compare == COMPARE_DIFF && !app->picture.result.absent && !frame->exact_only)
        app->picture.result.pending = true; /* composed as time allows: another frame goes on */
    if (!chosen) draw_rect(pen.list, image, 0, color_alpha(theme->panel, 0.55f));
    if (tiles_headset_single(&app->look.subject.heads) && chosen)
        draw_frame(pen.list, rect_inset(image, -2 * s), 2 * s, fmaxf(1, roundf(2 * s)), theme->accent);
    else if (hovered)
        draw_frame(pen.list, rect_inset(image, -2 * s), 2 * s, fmaxf(1, roundf(s)), theme->dim);
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    const TextStyle style = ui_style(&pen, 11);
    const float baseline = image.y + image.h + 11 * s;
    const float half = draw_text_width(pen.fonts, text, style) / 2;
    draw_rect(pen.list, (Rect){image.x + image.w / 2 - half - 9 * s, baseline - 6.5f * s, 5 * s, 5 * s}, 2.5f * s,
              color_alpha(views_head_color(number), chosen ? 1.0f : 0.35f));
    draw_text(pen.list, image.x + image.w / 2, baseline, text, style, ALIGN_CENTER, chosen ? theme->text : theme->dim);
    ui_hit(&pen, rect, "head: click to look at it alone, Ctrl+click to add or remove it", CURSOR_HAND, "head %d",
           number);
}

void panel_heads(App *app, Frame *frame, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = frame->theme;
    const float s = frame->scale, pad = 16 * s;
    draw_rect(pen.list, rect, 0, theme->panel);
    draw_rect(pen.list, (Rect){rect.x + rect.w - 1, rect.y, 1, rect.h}, 0, theme->line);
    Pattern pattern;
    if (!app_pattern(app, &pattern)) return;

    draw_text(pen.list, rect.x + pad, rect.y + 24 * s, "heads", ui_bold(&pen, 12), ALIGN_LEFT, theme->text);
    char text[64];
    snprintf(text, sizeof text, "%d", pattern.layer->head_count);
    draw_text(pen.list, rect.x + rect.w - pad, rect.y + 24 * s, text, ui_style(&pen, 12), ALIGN_RIGHT, theme->dim);
    combine_buttons(app, (Rect){rect.x + pad, rect.y + 36 * s, rect.w - 2 * pad, 24 * s});

    const bool map = rect.h > 420 * s;
    const float map_h = map ? (MINIMAP_H + 40) * s : 0;
    const Rect area = {rect.x, rect.y + 72 * s, rect.w, rect.h - 72 * s - map_h};
    app->picture.layout.thumbs = area;
    const float cell_w = (THUMB + THUMB_GAP) * s, cell_h = (THUMB + THUMB_LABEL + 8) * s;
    const int columns = 3, rows = (pattern.layer->head_count + columns - 1) / columns;
    const int fit_rows = (int)i64_max(1, (int64_t)(area.h / cell_h));
    *thumbs_scroll(app) = (int)i64_clamp(*thumbs_scroll(app), 0, i64_max(0, rows - fit_rows));
    for (int i = *thumbs_scroll(app) * columns; i < pattern.layer->head_count; i++) {
        const int row = i / columns - *thumbs_scroll(app);
        if (row >= fit_rows) break;
        thumb(app, frame, pattern.layer, i,
              (Rect){roundf(area.x + pad + (float)(i % columns) * cell_w), roundf(area.y + (float)row * cell_h),
                     roundf(THUMB * s), roundf((THUMB + THUMB_LABEL) * s)});
    }
    if (rows > fit_rows) {
        const float h = area.h * (float)fit_rows / (float)rows,
                    y = area.y + area.h * (float)*thumbs_scroll(app) / (float)rows;
        draw_rect(pen.list, (Rect){rect.x + rect.w - 7 * s, y, 3 * s, h}, 1.5f * s, theme->faint);
    }
    if (!map) return;
    const Rect box = {rect.x + pad, rect.y + rect.h - (MINIMAP_H + 14) * s, rect.w - 2 * pad, MINIMAP_H * s};
    draw_text(pen.list, box.x, box.y - 8 * s, "whole pattern", ui_style(&pen, 12), ALIGN_LEFT, theme->dim);
    app->picture.layout.minimap = views_minimap(frame, &app->look, &app->picture.result, box);
    for (int axis = 0; axis < 2; axis++) {
        const FindHits *hits = find_marks(app, (Axis)axis);
        views_map_marks(frame, app->picture.layout.minimap, (Axis)axis,
                        axis == AXIS_QUERY ? pattern.queries : pattern.keys, hits->items, hits->count);
    }
    ui_hit(&pen, app->picture.layout.minimap, "whole pattern and what is on screen: click or drag to move there",
           CURSOR_HAND, "%s", "");
}

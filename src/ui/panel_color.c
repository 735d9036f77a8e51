/* The colour bar with its transform and range, and what the colours outside of it mean: the foot of the right panel. */
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define COLORBAR_H 14.0f

static void format_tick(float value, char *out, size_t out_size) {
    const float m = fabsf(value);
    if (value == 0)
        snprintf(out, out_size, "0");
    else if (m >= 1e-3f && m < 1000)
        snprintf(out, out_size, "%.2g", (double)value);
    else
        snprintf(out, out_size, "%.0e", (double)value);
}

/* "colour", and where the range comes from; a scene may let a click change that. */
static void range_caption(Panel *p) {
    App *app = p->app;
    const float s = p->frame->scale;
    const SceneWords *words = &app->shown.scene->words;
    const char *hint = NULL, *command = NULL;
    const bool chosen = app->look.colours.range_mode == RANGE_MANUAL || app->look.colours.range_locked;
    if (!words->range_words || chosen) {
        char text[96];
        snprintf(text, sizeof text, "%s%s",
                 app->look.colours.range_mode == RANGE_MANUAL ? "range as typed" : "automatic range",
                 app->look.colours.range_locked ? ", locked" : "");
        column_caption(p, "colour", text);
        return;
    }
    const char *text = words->range_words(app, &hint, &command);
    const TextStyle style = ui_style(&p->pen, 12);
    const float width = draw_text_width(p->pen.fonts, text, style);
    const Rect rect = {p->x + p->w - width - 6 * s, p->y - 16 * s, width + 12 * s, 22 * s};
    draw_text(p->pen.list, p->x + p->w, p->y, text, style, ALIGN_RIGHT, p->frame->theme->accent);
    ui_hit(&p->pen, rect, hint, CURSOR_HAND, "%s", command);
    column_caption(p, "colour", NULL);
}

/* "none", "first", "special", or how many keys where there is no room to say which. */
static void hide_label(const App *app, char *out, size_t out_size) {
    char text[VARIANT_TEXT_SIZE];
    tiles_variant_format_hide(&app->look.subject.variant, text, sizeof text);
    snprintf(out, out_size, "hide: %s", strlen(text) > 10 ? "chosen" : text);
}

static void variant_buttons(Panel *p, float y) {
    App *app = p->app;
    char label[48];
    const Variant *variant = &app->look.subject.variant;
    hide_label(app, label, sizeof label);
    const float width = ui_button(&p->pen, p->x, y, label, tiles_variant_hides(variant),
                                  "hide the first key, special tokens, chosen keys (b)", "hide next");
    snprintf(label, sizeof label, "rows: %s", tiles_row_scale_name(variant->row_scale));
    ui_button(&p->pen, p->x + width + 4 * p->frame->scale, y, label, variant->row_scale != ROWS_AS_STORED,
              "rows as they are, over their visible sum or maximum, relative to uniform (u)", "row-scale next");
}

/* Five ticks; of their numbers those at the ends, then what finds room between them. */
static void draw_ticks(Panel *p, Rect bar, const DisplayParams *params, bool is_signed, bool share) {
    enum { TICKS = 5 };
    static const int ORDER[TICKS] = {0, 4, 2, 1, 3};
    const float s = p->frame->scale, gap = 6 * s;
    const TextStyle style = ui_style(&p->pen, 11);
    float from[TICKS], to[TICKS];
    int placed = 0;
    for (int n = 0; n < TICKS; n++) {
        const int i = ORDER[n];
        const float unit = (float)i / (TICKS - 1), x = roundf(bar.x + unit * (bar.w - 1));
        char text[96];
        draw_rect(p->pen.list, (Rect){x, bar.y + bar.h, 1, 4 * s}, 0, p->frame->theme->faint);
        if (is_signed && i % 2 == 1) continue; /* symmetric about 0 */
        if (share)
            snprintf(text, sizeof text, "%.0f %%", (double)draw_display_value_at(params, unit));
        else
            format_tick(draw_display_value_at(params, unit), text, sizeof text);
        const float width = draw_text_width(p->pen.fonts, text, style);
        const float left = i == 0 ? p->x : i == TICKS - 1 ? bar.x + bar.w - width : x - width / 2;
        bool fits = true;
        for (int j = 0; j < placed; j++)
            fits &= left > to[j] + gap || left + width < from[j] - gap;
        if (!fits) continue;
        from[placed] = left;
        to[placed++] = left + width;
        draw_text(p->pen.list, left, bar.y + bar.h + 16 * s, text, style, ALIGN_LEFT, p->frame->theme->dim);
    }
}

void panel_color_bar(Panel *p, float y, bool is_signed) {
    App *app = p->app;
    const float s = p->frame->scale;
    const Theme *theme = p->frame->theme;
    const bool share = (app->shown.scene->words.range_is_share && app->shown.scene->words.range_is_share(app));
    const float hi = share ? 100 : app->look.colours.hi;
    const DisplayParams params = views_display_params(p->frame, &app->look, is_signed,
                                                      share ? (is_signed ? -hi : 0) : app->look.colours.lo, hi);
    p->y = y;
    range_caption(p);
    const float cap = COLORBAR_H * s * 0.6f;
    const Rect bar = {p->x + (is_signed ? cap + 2 * s : 0), p->y - 8 * s, p->w - (is_signed ? 2 : 1) * (cap + 2 * s),
                      COLORBAR_H * s};
    draw_colorbar(p->pen.list, bar, false, &params);
    const float right = bar.x + bar.w + 2 * s, middle = bar.y + bar.h / 2;
    const float rim[6] = {right - 1, bar.y - 1.5f * s, right - 1, bar.y + bar.h + 1.5f * s, right + cap + 2 * s,
                          middle};
    const float tip[6] = {right, bar.y, right, bar.y + bar.h, right + cap, middle};
    draw_triangle(p->pen.list, rim, theme->faint);
    draw_triangle(p->pen.list, tip, params.clipped);
    if (is_signed) {
        const float left = bar.x - 2 * s;
        const float back_rim[6] = {left + 1, bar.y - 1.5f * s, left + 1, bar.y + bar.h + 1.5f * s, left - cap - 2 * s,
                                   middle};
        const float back[6] = {left, bar.y, left, bar.y + bar.h, left - cap, middle};
        draw_triangle(p->pen.list, back_rim, theme->faint);
        draw_triangle(p->pen.list, back, params.clipped_below);
    }
    ui_hit(&p->pen, bar, "next colormap (c); the wheel, or Left and Right, turn the range", CURSOR_HAND, "cmap next");
    if (!share) ui_hit_turns(&p->pen, "range down", "range up");
    draw_ticks(p, bar, &params, is_signed, share);
    float x = p->x;
    const float row = bar.y + bar.h + 26 * s;
    x += ui_button(&p->pen, x, row, look_transform_name(app->look.colours.transform), false,
                   "transform: linear, sqrt, log (t)", "transform next") +
         4 * s;
    x += ui_button(&p->pen, x, row, look_channel_name(views_channel(&app->look)), false,
                   "pooled blocks show their mean, mass or max (o)", "pool next") +
         4 * s;
    ui_button(&p->pen, x, row, draw_colormap_name(params.cmap), false, "next colormap (c)", "cmap next");
    variant_buttons(p, row + 28 * s);
}

void panel_legend(Panel *p, float y, bool is_signed) {
    const float s = p->frame->scale;
    const Theme *theme = p->frame->theme;
    const ColormapId cmap = is_signed ? p->app->look.colours.cmap_signed : p->app->look.colours.cmap;
    const bool hides = tiles_variant_hides(&p->app->look.subject.variant);
    const Color beyond = views_clipped_color(cmap, theme->light);
    const struct {
        const char *name;
        Color color, below; /* below: of the left half */
    } ENTRIES[] = {{hides ? "masked, hidden" : "masked", theme->masked, theme->masked},
                   {"NaN", theme->nonfinite, theme->nonfinite},
                   {"beyond", beyond, is_signed ? views_clipped_below_color(cmap) : beyond}};
    float x = p->x;
    for (size_t i = 0; i < BASE_COUNT(ENTRIES); i++) {
        const Rect box = {x, y - 9 * s, 10 * s, 10 * s}, half = {x, box.y, 5 * s, box.h};
        draw_rect(p->pen.list, box, 2 * s, ENTRIES[i].color);
        if (is_signed) draw_rect(p->pen.list, half, 2 * s, ENTRIES[i].below);
        draw_frame(p->pen.list, box, 2 * s, 1, theme->faint);
        draw_text(p->pen.list, x + 15 * s, y, ENTRIES[i].name, ui_style(&p->pen, 11), ALIGN_LEFT, theme->dim);
        x += 15 * s + draw_text_width(p->pen.fonts, ENTRIES[i].name, ui_style(&p->pen, 11)) + (hides ? 8 : 14) * s;
    }
}

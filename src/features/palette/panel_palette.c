/* The palette on screen:
 *
 *   | field_                                      |
 *   | name  arguments      what it does      keys |   rows, the chosen one raised
 *   | sentence                     Tab Enter Esc  |
 */
#include "features/palette/palette.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define WIDTH 720.0f
#define ROWS_MAX 14
#define ROW_H 24.0f
#define FIELD_H 32.0f
#define PAD 12.0f
#define FOOT_H 32.0f
#define HELP_AT 0.40f /* of the width */
#define HELP_LEAST_W 560.0f

/* Text whose matched letters are in the accent colour; returns where it ends. */
static float matched_text(const Pen *pen, float x, float baseline, const PaletteItem *item, float limit) {
    const Theme *theme = pen->theme;
    const TextStyle style = ui_style(pen, 13);
    const char *text = item->text + item->shown;
    const Color plain = item->away ? theme->dim : theme->text;
    char cut[sizeof item->text];
    draw_text_fit(pen->fonts, text, style, limit - x, cut, sizeof cut);
    for (size_t at = 0, end; cut[at]; at = end) {
        const bool matched = fuzzy_byte_matched(&item->match, at);
        end = at + 1;
        while (cut[end] &&
               (fuzzy_byte_matched(&item->match, end) == matched || ((unsigned char)cut[end] & 0xC0) == 0x80))
            end++;
        char run[sizeof cut];
        memcpy(run, cut + at, end - at);
        run[end - at] = 0;
        draw_text(pen->list, x, baseline, run, style, ALIGN_LEFT, matched ? theme->accent : plain);
        x += draw_text_width(pen->fonts, run, style);
    }
    return x;
}

static void item_row(App *app, const PaletteItem *item, Rect row, bool selected) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const TextStyle small = ui_style(&pen, 12);
    const float baseline = roundf(row.y + row.h / 2 + draw_text_cap_height(pen.fonts, ui_style(&pen, 13)) / 2);
    const bool command = item->kind == ITEM_COMMAND, wide = row.w >= HELP_LEAST_W * s;
    char cut[256], keys[160] = "";
    if (selected) draw_rect(pen.list, row, 4 * s, theme->hover);
    if (command) keys_of(app, item->command, keys, sizeof keys);
    const float left = row.x + 8 * s, right = row.x + row.w - 8 * s;
    float keys_w = fminf(draw_text_width(pen.fonts, keys, small), 150 * s);
    if (!wide && command) keys_w = fminf(keys_w, 96 * s);
    const float names_end = wide || !command ? row.x + row.w * HELP_AT : right - keys_w;
    float x = matched_text(&pen, left, baseline, item, (command || wide ? names_end : right - 64 * s) - 8 * s);
    if (command && item->command->row->args[0] && x + 24 * s < names_end) {
        draw_text_fit(pen.fonts, item->command->row->args, small, names_end - x - 16 * s, cut, sizeof cut);
        draw_text(pen.list, x + 8 * s, baseline, cut, small, ALIGN_LEFT, theme->dim);
    }
    if (keys[0]) {
        draw_text_fit(pen.fonts, keys, small, keys_w + s, cut, sizeof cut);
        draw_text(pen.list, right, baseline, cut, small, ALIGN_RIGHT, theme->text);
    }
    const float detail = wide ? names_end + 8 * s : x + 16 * s;
    if ((!wide && command) || right - keys_w - detail < 24 * s) return;
    draw_text_fit(pen.fonts, item->detail, small, right - keys_w - detail - (keys_w > 0 ? 16 * s : 0), cut, sizeof cut);
    draw_text(pen.list, detail, baseline, cut, small, ALIGN_LEFT, theme->dim);
}

static void rows(App *app, Palette *p) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    p->scroll = (int)i64_clamp(p->scroll, 0, i64_max(0, p->count - p->rows_shown));
    for (int i = 0; i < p->rows_shown && p->scroll + i < p->count; i++) {
        const Rect row = {p->rows.x, p->rows.y + (float)i * p->row_h, p->rows.w, p->row_h};
        item_row(app, &p->items[p->scroll + i], row, p->scroll + i == p->selected);
    }
    if (p->count <= p->rows_shown) return;
    const float part = (float)p->rows_shown / (float)p->count, from = (float)p->scroll / (float)p->count;
    draw_rect(pen.list,
              (Rect){p->box.x + p->box.w - 7 * s, p->rows.y + p->rows.h * from, 3 * s, fmaxf(12 * s, p->rows.h * part)},
              1.5f * s, theme->faint);
}

/* What goes wrong, else what the chosen line does. */
static const char *sentence(const App *app, const Palette *p) {
    const bool chosen = p->selected >= 0 && p->selected < p->count;
    const PaletteItem *item = chosen ? &p->items[p->selected] : NULL;
    (void)app;
    if (p->error[0]) return p->error;
    if (p->wants_files && p->listing_wanted[0] && (!p->listing || strcmp(p->listing->path, p->listing_wanted)))
        return "reading the folder \xE2\x80\xA6";
    if (p->wants_files && p->listing && p->listing->failed && p->count == 0) return "this folder cannot be read";
    if (p->wants_files && p->listing && p->listing->cut) return "the folder holds more files than are listed";
    if (item && (item->kind == ITEM_COMMAND || item->kind == ITEM_LINE)) return item->detail;
    if (p->command && p->command->row->help) return p->command->row->help;
    return p->count == 0 ? "no command fits" : "";
}

static void foot(App *app, const Palette *p, Rect rect) {
    const Pen pen = ui_pen(app);
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const bool folder = p->selected >= 0 && p->selected < p->count && p->items[p->selected].kind == ITEM_FOLDER;
    const char *keys = folder         ? "Enter goes in   Ctrl+Enter opens all of it   Esc leaves"
                       : p->count > 0 ? "Tab completes   Enter runs   Esc leaves"
                                      : "Enter runs   Esc leaves";
    const TextStyle style = ui_style(&pen, 12), small = ui_style(&pen, 11);
    const bool room = rect.w > 480 * s && !p->error[0];
    const float keys_w = room ? draw_text_width(pen.fonts, keys, small) + 16 * s : 0;
    draw_rect(pen.list, (Rect){rect.x, rect.y, rect.w, 1}, 0, theme->line);
    if (room)
        draw_text_in(pen.list, (Rect){rect.x + rect.w - keys_w, rect.y, keys_w, rect.h}, keys, small, ALIGN_RIGHT,
                     theme->dim);
    draw_text_in(pen.list, (Rect){rect.x, rect.y, rect.w - keys_w, rect.h}, sentence(app, p), style, ALIGN_LEFT,
                 p->error[0] ? theme->error : theme->dim);
}

void palette_draw(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    Palette *p = palette_of(app);
    if (!palette_is_open(app)) return;
    const float s = pen.scale;
    const Rect w = app->picture.layout.window;
    const float width = roundf(fminf(WIDTH * s, w.w - 16 * s));
    const float top = roundf(w.h > 480 * s ? 48 * s : 8 * s);
    const float fixed = (PAD + FIELD_H + 8 + 8 + FOOT_H) * s, room = w.h - top - 8 * s - fixed;
    const int fit = (int)i64_clamp((int64_t)(room / (ROW_H * s)), 1, ROWS_MAX);
    p->row_h = roundf(ROW_H * s);
    p->rows_shown = (int)i64_min(fit, i64_max(1, p->count));
    const float height = fixed + (p->count > 0 ? (float)p->rows_shown * p->row_h : 0);
    p->box = (Rect){roundf(w.x + (w.w - width) / 2), w.y + top, width, roundf(height)};
    ui_card(&pen, p->box);
    const float pad = PAD * s;
    const Rect field = {p->box.x + pad, p->box.y + pad, p->box.w - 2 * pad, roundf(FIELD_H * s)};
    const bool bare = p->command && p->field.text[strlen(p->command->row->name) + 1] == 0;
    ui_field(&pen, field, &p->field, bare ? p->command->row->args : p->field.length == 0 ? "command" : "");
    p->rows = (Rect){p->box.x + 8 * s, field.y + field.h + 8 * s, p->box.w - 16 * s,
                     p->count > 0 ? (float)p->rows_shown * p->row_h : 0};
    rows(app, p);
    foot(app, p, (Rect){field.x + 4 * s, p->box.y + p->box.h - FOOT_H * s, field.w - 8 * s, FOOT_H * s});
}

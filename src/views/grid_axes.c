/* Numbers along both axes of the grid, as in the model; the focused and the hovered one always. Where numbers are
 * missing between neighbours, a short dash stands between them. */
#include "views/axes.h"
#include "views/grid_private.h"

#include <math.h>

#define LABEL_POINTS 12.0f
#define TITLE_POINTS 11.0f
#define LABEL_GAP 8.0f
#define CHIP_PAD 5.0f
#define CHIP_H 18.0f
#define ROW_ROOM 16.0f
#define SCROLL_MARK 3.0f

typedef struct Axes {
    Frame *frame;
    const Grid *grid;
    const SetInfo *set;
    const GridLayout *layout;
    TextStyle style;
    float cap;
    float right, bottom; /* where row labels end and column labels stand */
} Axes;

static int row_number(const Axes *a, int row) {
    return a->set->layers[row].number;
}

static int column_number(const Axes *a, int column) {
    return views_grid_number(a->grid, column);
}

static void row_label(const Axes *a, int row, const Color *chip, Color ink) {
    DrawList *list = a->frame->list;
    const float s = a->frame->scale;
    const Rect cell = views_grid_cell(a->layout, row, 0), plot = a->layout->plot;
    /* In the middle of what is seen of the row, unless that is less than a label. */
    const Rect seen = rect_intersect((Rect){plot.x, cell.y, plot.w, cell.h}, plot);
    const float middle = seen.y + seen.h / 2;
    if (seen.h < fminf(cell.h, ROW_ROOM * s)) return;
    char text[16];
    snprintf(text, sizeof text, "%d", row_number(a, row));
    if (chip) {
        const float width = draw_text_width(list->fonts, text, a->style);
        const Rect box = {roundf(a->right - width - CHIP_PAD * s), roundf(middle - CHIP_H / 2 * s),
                          roundf(width + 2 * CHIP_PAD * s), roundf(CHIP_H * s)};
        draw_rect(list, box, 3 * s, *chip);
    }
    draw_text(list, a->right, roundf(middle + a->cap / 2), text, a->style, ALIGN_RIGHT, ink);
}

static void column_label(const Axes *a, int column, const Color *chip, Color ink) {
    DrawList *list = a->frame->list;
    const float s = a->frame->scale;
    const Rect cell = views_grid_cell(a->layout, 0, column), plot = a->layout->plot;
    char text[16];
    snprintf(text, sizeof text, "%d", column_number(a, column));
    const Rect seen = rect_intersect((Rect){cell.x, plot.y, cell.w, plot.h}, plot);
    const float middle = seen.x + seen.w / 2;
    if (seen.w < fminf(cell.w, draw_text_width(list->fonts, text, a->style))) return;
    if (chip) {
        const float width = draw_text_width(list->fonts, text, a->style);
        const Rect box = {roundf(middle - width / 2 - CHIP_PAD * s), roundf(a->bottom - a->cap / 2 - CHIP_H / 2 * s),
                          roundf(width + 2 * CHIP_PAD * s), roundf(CHIP_H * s)};
        draw_rect(list, box, 3 * s, *chip);
    }
    draw_text(list, roundf(middle), roundf(a->bottom), text, a->style, ALIGN_CENTER, ink);
}

/* Numbers that follow each other are labelled at round ones, others at every step-th. */
static bool is_labelled(int number, int index, int step, bool consecutive) {
    return (consecutive ? number : index) % step == 0;
}

static bool crowded(int index, const int *chips, int count, double pitch, double room) {
    for (int i = 0; i < count; i++) {
        if (chips[i] >= 0 && fabs((double)(index - chips[i])) * pitch < room) return true;
    }
    return false;
}

static float widest_number(const Axes *a) {
    char text[16];
    snprintf(text, sizeof text, "%d", column_number(a, (int)a->grid->columns - 1));
    return draw_text_width(a->frame->list->fonts, text, a->style);
}

static void rows(const Axes *a, const int chips[2]) {
    const GridLayout *l = a->layout;
    const float s = a->frame->scale, room = ROW_ROOM * s;
    const int step = views_grid_label_step(l->pitch_h, room);
    const bool consecutive = row_number(a, l->rows - 1) - row_number(a, 0) == l->rows - 1;
    for (int row = l->row0; row < l->row1; row++) {
        if (is_labelled(row_number(a, row), row, step, consecutive) &&
            !crowded(row, chips, 2, l->pitch_h, (double)room)) {
            row_label(a, row, NULL, a->frame->theme->dim);
        }
        if (row + 1 < l->rows && row_number(a, row + 1) - row_number(a, row) > 1 && l->pitch_h >= (double)(8 * s)) {
            const float y = roundf(views_grid_cell(l, row + 1, 0).y - l->gap / 2);
            draw_rect(a->frame->list, (Rect){a->right - 10 * s, y, 10 * s, fmaxf(1, roundf(s))}, 0,
                      a->frame->theme->faint);
        }
    }
}

static void columns(const Axes *a, const int chips[2]) {
    const GridLayout *l = a->layout;
    const float s = a->frame->scale, room = widest_number(a) + LABEL_GAP * s;
    const int step = views_grid_label_step(l->pitch_w, room), last = l->columns - 1;
    const bool consecutive = column_number(a, last) - column_number(a, 0) == last;
    for (int column = l->column0; column < l->column1; column++) {
        if (is_labelled(column_number(a, column), column, step, consecutive) &&
            !crowded(column, chips, 2, l->pitch_w, (double)(room + 2 * s))) {
            column_label(a, column, NULL, a->frame->theme->dim);
        }
        if (column < last && column_number(a, column + 1) - column_number(a, column) > 1 &&
            l->pitch_w >= (double)(8 * s)) {
            const float x = roundf(views_grid_cell(l, 0, column + 1).x - l->gap / 2);
            draw_rect(a->frame->list, (Rect){x, a->bottom - 9 * s, fmaxf(1, roundf(s)), 9 * s}, 0,
                      a->frame->theme->faint);
        }
    }
}

static void titles(const Axes *a) {
    const float s = a->frame->scale;
    const TextStyle style = {.size = TITLE_POINTS * s};
    draw_text(a->frame->list, a->right, a->bottom - 14 * s, "heads \xE2\x86\x92", style, ALIGN_RIGHT,
              a->frame->theme->dim);
    draw_text(a->frame->list, a->right, a->bottom, "layers \xE2\x86\x93", style, ALIGN_RIGHT, a->frame->theme->dim);
}

void views_grid_scroll_marks(Frame *frame, const GridLayout *layout) {
    const Rect plot = layout->plot;
    const float s = frame->scale, t = roundf(SCROLL_MARK * s), least = 24 * s;
    const double h = layout->pitch_h * layout->rows, w = layout->pitch_w * layout->columns;
    if (h > (double)plot.h + 1) {
        const float length = fmaxf(least, plot.h * plot.h / (float)h);
        const float at = (plot.h - length) *
                         (float)f64_clamp(((double)plot.y - layout->origin_y) / (h - (double)plot.h), 0, 1);
        draw_rect(frame->list, (Rect){roundf(plot.x + plot.w + 6 * s), plot.y + at, t, length}, t / 2,
                  frame->theme->faint);
    }
    if (w > (double)plot.w + 1) {
        const float length = fmaxf(least, plot.w * plot.w / (float)w);
        const float at = (plot.w - length) *
                         (float)f64_clamp(((double)plot.x - layout->origin_x) / (w - (double)plot.w), 0, 1);
        draw_rect(frame->list, (Rect){plot.x + at, roundf(plot.y + plot.h + 6 * s), length, t}, t / 2,
                  frame->theme->faint);
    }
}

void views_grid_axes(Frame *frame, const Grid *grid, const Look *look, const GridLayout *layout, bool chips) {
    if (!look->labels) return;
    const float s = frame->scale;
    const Theme *theme = frame->theme;
    Axes a = {.frame = frame, .grid = grid, .set = capture_set(frame->capture, look->subject.set), .layout = layout};
    a.style = (TextStyle){.size = LABEL_POINTS * s, .tabular = true};
    a.cap = draw_text_cap_height(frame->list->fonts, a.style);
    a.right = roundf(fmaxf(layout->plot.x, (float)layout->origin_x) - LABEL_GAP * s);
    a.bottom = roundf(fmaxf(layout->plot.y, (float)layout->origin_y) - LABEL_GAP * s);
    const GridState *g = grid->state;
    const int focus_column = views_grid_column(grid, g->focus.head);
    const int hover_column = g->hover_on ? views_grid_column(grid, g->hover.head) : -1;
    const int row_chips[2] = {chips ? g->focus.layer : -1, chips && g->hover_on ? g->hover.layer : -1};
    const int column_chips[2] = {chips ? focus_column : -1, chips ? hover_column : -1};
    titles(&a);
    rows(&a, row_chips);
    columns(&a, column_chips);
    /* The focus is drawn last: it is never covered. */
    if (row_chips[1] >= 0 && row_chips[1] != row_chips[0]) row_label(&a, row_chips[1], &theme->raised, theme->text);
    if (column_chips[1] >= 0 && column_chips[1] != column_chips[0])
        column_label(&a, column_chips[1], &theme->raised, theme->text);
    if (row_chips[0] >= 0 && row_chips[0] < layout->rows)
        row_label(&a, row_chips[0], &theme->accent, theme->accent_text);
    if (column_chips[0] >= 0) column_label(&a, column_chips[0], &theme->accent, theme->accent_text);
}

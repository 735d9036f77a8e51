/* The first card: what a newcomer can do. Closed by Esc, it does not come again. */
#include "features/card.h"
#include "features/help.h"
#include "features/palette/palette.h"
#include "features/parts.h"
#include "ui/ui.h"

#include <math.h>
#include <string.h>

#define CARD_FILE "card-dismissed"

typedef struct Card {
    bool on;
} Card;

static const StateKey STATE = {.size = sizeof(Card), .kept = sizeof(Card)};

static Card *card_of(const App *app) {
    return app_state(app, &STATE);
}

static bool was_dismissed(void) {
    char path[APP_PATH_SIZE];
    return file_xdg_path(XDG_STATE, CARD_FILE, path, sizeof path) && file_exists(path);
}

static void dismiss(void) {
    char path[APP_PATH_SIZE], directory[APP_PATH_SIZE];
    if (!file_xdg_path(XDG_STATE, CARD_FILE, path, sizeof path)) return;
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (!slash) return;
    *slash = 0;
    if (file_make_directories(directory, NULL) == STATUS_OK) (void)file_write_all(path, "", 0, NULL);
}

void card_show(App *app) {
    card_of(app)->on = !was_dismissed();
}

static void over(App *app, Frame *frame) {
    const Pen pen = ui_pen(app);
    (void)frame;
    if (!card_of(app)->on || help_of(app)->on || palette_is_open(app)) return;
    static const char *const LINES[][2] = {
        {"Zoom", "wheel, or Ctrl+Up and Ctrl+Down; drag pans; f fits"},
        {"Layers", "Up and Down, or the scrubber below; Space plays"},
        {"Heads", "Left and Right for one; m for the mean; g shows all"},
        {"Read", "move over a cell: its exact weight and both tokens"},
        {"Help", "? lists every key;  drop a file here to open it"},
    };
    const Theme *theme = pen.theme;
    const float s = pen.scale;
    const Rect view = app->picture.layout.view;
    const float width = fminf(420 * s, app->picture.layout.window.w - 16 * s);
    const float height = (float)BASE_COUNT(LINES) * 22 * s + 84 * s;
    const Rect box = {roundf(view.x + view.w - width - 16 * s), roundf(view.y + 16 * s), roundf(width), roundf(height)};
    ui_card(&pen, box);
    draw_text(pen.list, box.x + 20 * s, box.y + 30 * s, "Row i shows where token i looks", ui_bold(&pen, 14),
              ALIGN_LEFT, theme->text);
    float y = box.y + 58 * s;
    for (size_t i = 0; i < BASE_COUNT(LINES); i++) {
        char cut[128];
        draw_text(pen.list, box.x + 20 * s, y, LINES[i][0], ui_style(&pen, 12), ALIGN_LEFT, theme->accent);
        draw_text_fit(pen.fonts, LINES[i][1], ui_style(&pen, 12), box.w - 104 * s, cut, sizeof cut);
        draw_text(pen.list, box.x + 84 * s, y, cut, ui_style(&pen, 12), ALIGN_LEFT, theme->text);
        y += 22 * s;
    }
    draw_text(pen.list, box.x + 20 * s, box.y + box.h - 14 * s, "Esc closes this card for good", ui_style(&pen, 11),
              ALIGN_LEFT, theme->dim);
    ui_hit(&pen, box, NULL, CURSOR_ARROW, "escape");
}

static bool escape(App *app) {
    if (!card_of(app)->on) return false;
    card_of(app)->on = false;
    dismiss();
    return true;
}

static void json(const App *app, TextBuffer *out) {
    words_append_bool(out, "card", card_of(app)->on);
}

const Part CARD = {.name = "card", .state = &STATE, .drawing = {.over = over}, .escape = escape, .json = json};

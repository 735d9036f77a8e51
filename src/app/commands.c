/* The one static command table: keys, help overlay, palette, --exec and tests come from it. */
#include "app/record.h"

#include <string.h>

#define LINE_MAX_SIZE (APP_PATH_SIZE + 256)

/* A row a command, as wide as it is: it is read down the columns. */
// clang-format off
const Command APP_COMMANDS[] = {
    {"layer", "N|+N|-N|first|last", cmd_layer, "Up=-1 Down=+1 Shift+Up=-4 Shift+Down=+4 Home=first End=last", "Layers and heads", "layer back and on; with Shift by 4; first, last", "Up Down  Home End"},
    {"play", "[RATE]", cmd_play, "Space=", "Layers and heads", "play through the layers, pause", NULL},
    {"head", "N|+1|-1", cmd_head, "Left=-1 Right=+1", "Layers and heads", "previous and next head", NULL},
    {"mean", "", cmd_mean, "m=", "Layers and heads", "mean of all heads and back", NULL},
    {"toggle-head", "N", cmd_toggle_head, "0=0 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9", "Layers and heads", "add or remove heads 0-9", "0-9"},
    {"solo-head", "N", cmd_solo_head, "Shift+0=0 Shift+1=1 Shift+2=2 Shift+3=3 Shift+4=4 Shift+5=5 Shift+6=6 Shift+7=7 Shift+8=8 Shift+9=9", "Layers and heads", "one of heads 0-9 alone", "Shift+0-9"},
    {"all-heads", "", cmd_all_heads, "a=", "Layers and heads", "every head, same combination", NULL},
    {"heads", "SET", cmd_heads, NULL, "Layers and heads", "a head set: 5, mean:0-7,9, max, min:1,2, w:0*0.5,3*0.5, diff:3,5", NULL},
    {"ask", "COMMAND", cmd_prompt, "Shift+H=heads Ctrl+P=", "Layers and heads", "type a head set; find any command", NULL},
    {"combine", "mean|max|min", cmd_combine, NULL, "Layers and heads", "how the chosen heads are combined", NULL},
    {"set", "NAME|next", cmd_set, "Shift+G=next", "Layers and heads", "next set: encoder, decoder, cross", NULL},
    {"batch", "N|+1|-1", cmd_batch, "PageUp=-1 PageDown=+1", "Layers and heads", "batch item", "PgUp PgDn"},
    {"step", "N|+1|-1", cmd_step, "Shift+PageUp=-1 Shift+PageDown=+1", "Layers and heads", "what generate() had so far: the decode step", "Shift+PgUp PgDn"},
    {"values", "weights|scores|next", cmd_values, NULL, "Layers and heads", "weights or scores before softmax", NULL},

    {"ref", "PATH|off", cmd_ref, NULL, "Compare", "open a reference beside the capture; close it", NULL},
    {"hold", "ref|diff|off", cmd_hold, "y=ref d=diff", "Compare", "hold y: show the reference; hold d: the difference to it", "y  d (hold)"},
    {"compare", "off|ref|diff|side|next", cmd_compare, NULL, "Compare", "the reference, the difference to it, or both side by side", NULL},

    {"view", "matrix|grid|text|next|previous", cmd_view, "g=grid Tab=next Shift+Tab=previous", "Grid of layers and heads", "every layer and head, small; next and previous view", NULL},
    {"open-head", "", cmd_open_head, "Enter=", "Grid of layers and heads", "open the focused head, or the selection", "Enter"},
    {"select", "toggle|none|LAYER:HEAD,...", cmd_select, "Space=toggle", "Grid of layers and heads", "select it; Ctrl+click and Shift+click, too", NULL},
    {"grid-range", "common|head|next", cmd_grid_range, "n=next", "Grid of layers and heads", "one range for all heads, or one for each", NULL},

    {"token", "N|+N|-N|up|down|first|last|none", cmd_token, "Left=-1 Right=+1 Up=up Down=down Home=first End=last", "Probabilities of tokens", "go to a token", "arrows  Home End"},
    {"text-size", "POINTS", cmd_text_size, NULL, "Probabilities of tokens", "size of the text; + and -, and Ctrl+wheel, too", NULL},
    {"text-top", "N", cmd_text_top, NULL, "Probabilities of tokens", "the line of this token comes first; the wheel scrolls", NULL},

    {"pan", "DQ,DK", cmd_pan, "h=0,-48 j=48,0 k=-48,0 l=0,48 Ctrl+h=0,-256 Ctrl+j=256,0 Ctrl+k=-256,0 Ctrl+l=0,256", "Camera", "pan, with Ctrl farther; drag does it too", "h j k l  Ctrl+"},
    {"zoom", "FACTOR", cmd_zoom, "Ctrl+Up=1.25 Ctrl+Down=0.8 +=1.25 ==1.25 -=0.8", "Camera", "zoom about the cursor; the wheel does it too", "Ctrl+Up Ctrl+Down  + -"},
    {"fit", "", cmd_fit, "f=", "Camera", "the whole pattern", NULL},
    {"one-to-one", "", cmd_one_to_one, "w=", "Camera", "one weight = one pixel", NULL},
    {"zoom-selection", "", cmd_zoom_selection, "z=", "Camera", "zoom to what the right button selected", NULL},
    {"back", "", cmd_back, "Backspace=", "Camera", "previous camera", NULL},
    {"rect", "Q0:Q1,K0:K1", cmd_rect, NULL, "Camera", "show these queries and keys", NULL},
    {"camera", "Q0:Q1,K0:K1|fit", cmd_camera, NULL, "Camera", "show at least these, with parts of tokens and square cells as they are", NULL},
    {"aspect", "auto|square|stretch|next", cmd_aspect, "Shift+F=next", "Camera", "square cells, or stretched to the window", NULL},
    {"cursor", "Q,K|+DQ,+DK|off", cmd_cursor, "Alt+Up=-1,+0 Alt+Down=+1,+0 Alt+Left=+0,-1 Alt+Right=+0,+1", "Camera", "move the crosshair", "Alt+arrows"},
    {"extend", "+DQ,+DK", cmd_extend, "Alt+Shift+Up=-1,+0 Alt+Shift+Down=+1,+0 Alt+Shift+Left=+0,-1 Alt+Shift+Right=+0,+1", "Camera", "grow the selection from the crosshair", "Alt+Shift+arrows"},
    {"select-cells", "Q0:Q1,K0:K1|none", cmd_select_cells, NULL, "Camera", "select these cells; a drag with the right button does it too", NULL},
    {"lock-cursor", "", cmd_lock_cursor, "x=", "Camera", "lock the crosshair", NULL},
    {"pin", "[Q,K|clear|next|show N|remove N]", cmd_pin, "p= Shift+P=next", "Camera", "pin the cell under the crosshair, or let go of it; the next pin", NULL},
    {"level", "LQ,LK", cmd_level, NULL, "Camera", "show this level, a texel a pixel", NULL},

    {"find", "[TEXT]", cmd_find, "Ctrl+F= /=", "Find", "find a token or a phrase along both axes", NULL},
    {"find-next", "", cmd_find_next, "F3=", "Find", "next place", NULL},
    {"find-previous", "", cmd_find_previous, "Shift+F3=", "Find", "previous place", NULL},

    {"cmap", "NAME|next|previous", cmd_cmap, "c=next Shift+C=previous", "Colour", "next and previous colormap", NULL},
    {"transform", "linear|sqrt|log|next", cmd_transform, "t=next", "Colour", "linear, sqrt, log", NULL},
    {"gamma", "G|up|down", cmd_gamma, "Shift+T=up Ctrl+T=down ]=up [=down", "Colour", "gamma", NULL},
    {"range", "LO:HI|auto|pNN|next|up|down", cmd_range, "e=next r=auto", "Colour", "percentile of the range; automatic again", NULL},
    {"lock-range", "", cmd_lock_range, "Shift+L=", "Colour", "keep the range under layer and head changes", NULL},
    {"pool", "mean|mass|max|next", cmd_pool, "o=next", "Colour", "pooled blocks show mean, mass, max", NULL},

    {"hide", "none|first|special|selection|KEYS|next", cmd_hide, "b=next", "Weights", "hide the first key, special tokens, chosen keys", NULL},
    {"row-scale", "none|sum|max|uniform|next", cmd_row_scale, "u=next", "Weights", "rows as they are, by sum, max, uniform", NULL},
    {"value-weighted", "[on|off]", cmd_value_weighted, NULL, "Weights", "weights times the norm of the key's value vector", NULL},

    {"labels", "[on|off]", cmd_labels, "v=", "Window", "token labels on, off", NULL},
    {"panels", "[on|off]", cmd_panels, "i=", "Window", "fold the panels", NULL},
    {"recompute", "auto|cpu|gpu", cmd_recompute, NULL, "Window", "where attention from Q and K is computed; auto measures", NULL},
    {"focus", "next|previous|view", cmd_focus, "F6=next Shift+F6=previous", "Window", "next panel: arrows, Enter; Esc leaves", NULL},
    {"status", "", cmd_status, "Shift+I=", "Window", "status and budgets", NULL},
    {"theme", "dark|light|next", cmd_theme, NULL, "Window", "dark or light", NULL},
    {"scale", "S|up|down", cmd_scale, NULL, "Window", "size of text and panels; Ctrl+wheel on a panel does it too", NULL},
    {"settings", "save", cmd_settings, NULL, "Window", "keep theme, scale, colours and the like for next time", NULL},
    {"fullscreen", "", cmd_fullscreen, "F11=", "Window", "full screen", NULL},
    {"help", "", cmd_help, "?= F1=", "Window", "this list", NULL},
    {"screenshot", "[view|window] [PATH]", cmd_screenshot, "s=view Ctrl+S=view Ctrl+Shift+S=window Shift+S=window", "Window", "picture of the view, .png, .svg or .pdf; with Shift of the window", "s  Ctrl+S  Shift+S"},
    {"copy", "", cmd_copy, "Ctrl+C=", "Window", "copy the value, row or selection as TSV", NULL},
    {"export", "PATH", cmd_export, NULL, "Window", "the selection or the locked row to PATH: .tsv, .csv or .npy", NULL},
    {"copy-command", "", cmd_copy_command, "Ctrl+Shift+C=", "Window", "copy the command line of this view", NULL},
    {"open", "[PATH]", cmd_open, "Ctrl+O=", "Window", "open a capture, or the view of a picture", NULL},
    {"file-dialog", "system|own", cmd_file_dialog, NULL, "Window", "what open shows: the dialog of the system, or a list", NULL},
    {"auto-reload", "on|off|ask", cmd_auto_reload, NULL, "Window", "read a file again when it has changed", NULL},
    {"reload", "", cmd_reload, "F5=", "Window", "read the file again", NULL},
    {"record", "[view|window] [fps=N] [PATH]", cmd_record, "F9=", "Window", "record the window; again to stop", NULL},
    {"sweep", "[layers|heads|tokens|steps|TOUR.txt] [fps=N] [hold=S] [fade=S] [PATH]", cmd_sweep, "Shift+F9=layers", "Window", "record all layers, every frame exact", NULL},
    {"tour", "PATH|stop", cmd_tour, NULL, "Window", "play a tour: a text file of commands with times", NULL},
    {"tour-record", "[PATH]", cmd_tour_record, NULL, "Window", "note what is done as a tour; again to stop", NULL},
    {"escape", "", cmd_escape, "Escape=", "Window", "close what is open on top", "Esc"},
    {"quit", "", cmd_quit, "q= Ctrl+Q=", "Window", "quit", NULL},

    {"wait", "exact|picture", cmd_wait, NULL, NULL, NULL, NULL},
    {"answer", "yes|no", cmd_answer, NULL, NULL, NULL, NULL},
    {"state", "[PATH]", cmd_state, NULL, NULL, NULL, NULL},
    {"key", "NAME", cmd_key, NULL, NULL, NULL, NULL},
    {"wheel", "N", cmd_wheel, NULL, NULL, NULL, NULL},
    {"message", "TEXT", cmd_message, NULL, NULL, NULL, NULL},
    {"tile-debug", "", cmd_tiles, "Ctrl+Shift+T=", NULL, NULL, NULL},
};
// clang-format on
const int APP_COMMAND_COUNT = (int)BASE_COUNT(APP_COMMANDS);

/* Commands about one pattern, about the grid, and about probabilities of tokens: elsewhere they would change what
 * nobody sees. */
static const struct {
    const char *name;
    unsigned views;
} SCOPES[] = {
#define ONLY(view) (1u << (view))
#define MATRIX_OR_TEXT (ONLY(VIEW_MATRIX) | ONLY(VIEW_TEXT))
    {"play", ONLY(VIEW_MATRIX)},        {"mean", ONLY(VIEW_MATRIX)},
    {"toggle-head", ONLY(VIEW_MATRIX)}, {"solo-head", ONLY(VIEW_MATRIX)},
    {"all-heads", ONLY(VIEW_MATRIX)},   {"heads", ONLY(VIEW_MATRIX)},
    {"combine", ONLY(VIEW_MATRIX)},     {"zoom-selection", ONLY(VIEW_MATRIX)},
    {"back", ONLY(VIEW_MATRIX)},        {"rect", ONLY(VIEW_MATRIX)},
    {"cursor", ONLY(VIEW_MATRIX)},      {"lock-cursor", ONLY(VIEW_MATRIX)},
    {"level", ONLY(VIEW_MATRIX)},       {"camera", ONLY(VIEW_MATRIX)},
    {"copy", MATRIX_OR_TEXT},           {"find", MATRIX_OR_TEXT},
    {"find-next", MATRIX_OR_TEXT},      {"find-previous", MATRIX_OR_TEXT},
    {"extend", ONLY(VIEW_MATRIX)},      {"pin", ONLY(VIEW_MATRIX)},
    {"hold", ONLY(VIEW_MATRIX)},        {"compare", ONLY(VIEW_MATRIX)},
    {"open-head", ONLY(VIEW_GRID)},     {"select", ONLY(VIEW_GRID)},
    {"token", ONLY(VIEW_TEXT)},         {"text-size", ONLY(VIEW_TEXT)},
    {"text-top", ONLY(VIEW_TEXT)},
#undef MATRIX_OR_TEXT
#undef ONLY
};

/* About patterns, in whichever view of them: nothing for probabilities of tokens. */
static const char *const OF_PATTERNS[] = {
    "layer",      "head",           "set",  "step",        "values", "hide",
    "row-scale",  "value-weighted", "pool", "aspect",      "labels", "select-cells",
    "grid-range", "sweep",          "tour", "tour-record", "ref",    "tile-debug"};

unsigned app_command_views(const Command *command) {
    for (size_t i = 0; i < BASE_COUNT(SCOPES); i++) {
        if (!strcmp(SCOPES[i].name, command->name)) return SCOPES[i].views;
    }
    for (size_t i = 0; i < BASE_COUNT(OF_PATTERNS); i++) {
        if (!strcmp(OF_PATTERNS[i], command->name)) return 1u << VIEW_MATRIX | 1u << VIEW_GRID;
    }
    return ~0u;
}

const Command *app_find_command(const char *name, size_t length) {
    for (int i = 0; i < APP_COMMAND_COUNT; i++) {
        if (strlen(APP_COMMANDS[i].name) == length && !memcmp(APP_COMMANDS[i].name, name, length))
            return &APP_COMMANDS[i];
    }
    return NULL;
}

void app_command_where(const App *app, const Command *command, char *out, size_t out_size) {
    if (app->look.kind == VIEW_TEXT) {
        snprintf(out, out_size, "for patterns of attention: these are probabilities of tokens");
        return;
    }
    if (app_command_views(command) == 1u << VIEW_TEXT) {
        snprintf(out, out_size, "for probabilities of tokens: `view text` shows them where there are any");
        return;
    }
    snprintf(out, out_size, "%s",
             app->look.kind == VIEW_GRID ? "for the matrix: Enter opens the focused head" : "for the grid: g shows it");
}

/* ---- running --------------------------------------------------------------------------------- */

Status app_command(App *app, const char *line, Error *err) {
    Error local = {0};
    if (!err) err = &local;
    while (*line == ' ')
        line++;
    const size_t length = strcspn(line, " ");
    const char *args = line + length;
    while (*args == ' ')
        args++;
    const Command *command = app_find_command(line, length);
    if (!command)
        return error_set(err, STATUS_USAGE, "there is no command '%.*s'", (int)i64_min((int64_t)length, 60), line);
    char copy[LINE_MAX_SIZE];
    if (strlen(args) >= sizeof copy)
        return error_set(err, STATUS_USAGE, "a command is longer than %d characters", LINE_MAX_SIZE - 1);
    snprintf(copy, sizeof copy, "%s", args);
    for (size_t end = strlen(copy); end > 0 && copy[end - 1] == ' '; end--)
        copy[end - 1] = 0;
    if (!(app_command_views(command) & (1u << app->look.kind))) {
        char where[128];
        app_command_where(app, command, where, sizeof where);
        return error_set(err, STATUS_NOT_FOUND, "'%s' is %s", command->name, where);
    }
    err->status = STATUS_OK;
    if (command->handler(app, copy, err)) app->pace.redraw = true;
    if (err->status == STATUS_OK) record_tour_note_command(app, command, copy);
    return err->status;
}

Status app_exec(App *app, const char *script, Error *err) {
    while (*script) {
        const size_t length = strcspn(script, ";\n");
        char line[LINE_MAX_SIZE];
        if (length >= sizeof line)
            return error_set(err, STATUS_USAGE, "a command is longer than %d characters", LINE_MAX_SIZE - 1);
        memcpy(line, script, length);
        line[length] = 0;
        const char *start = line + strspn(line, " \t\r");
        if (*start) {
            const Status status = app_command(app, start, err);
            if (status != STATUS_OK) return status;
        }
        script += length;
        if (*script) script++;
    }
    return STATUS_OK;
}

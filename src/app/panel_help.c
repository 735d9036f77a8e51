/* The help overlay, made from the command table, and the status panel. */
#include "app/recompute.h"

#include <math.h>
#include <string.h>

#define ROW_H 20.0f
#define COLUMN_W 430.0f

/* A line of the overlay: a heading (keys == NULL) or a command. */
typedef struct HelpLine {
    const char *heading;
    const Command *command;
} HelpLine;

#define HELP_LINES_MAX 160

static int help_lines(HelpLine *out) {
    int count = 0;
    const char *group = NULL;
    for (int i = 0; i < APP_COMMAND_COUNT && count < HELP_LINES_MAX - 3; i++) {
        const Command *command = &APP_COMMANDS[i];
        char keys[8];
        if (!command->help) continue;
        app_command_keys(command, keys, sizeof keys);
        if (!keys[0]) continue;
        if (!group || strcmp(group, command->group)) {
            group = command->group;
            if (count > 0) out[count++] = (HelpLine){.heading = ""}; /* air above a heading */
            out[count++] = (HelpLine){.heading = group};
        }
        out[count++] = (HelpLine){.command = command};
    }
    return count;
}

static void help_line(App *app, const HelpLine *line, float x, float y, float width) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    if (line->heading) {
        draw_text(&app->picture.list, x, y, line->heading, ui_bold(app, 12), ALIGN_LEFT, theme->accent);
        return;
    }
    char keys[160], cut[256];
    app_command_keys(line->command, keys, sizeof keys);
    const float key_w = 150 * s;
    draw_text_fit(app->machine.fonts, keys, ui_style(app, 12), key_w - 12 * s, cut, sizeof cut);
    draw_text(&app->picture.list, x, y, cut, ui_style(app, 12), ALIGN_LEFT, theme->text);
    draw_text_fit(app->machine.fonts, line->command->help, ui_style(app, 12), width - key_w - 16 * s, cut, sizeof cut);
    draw_text(&app->picture.list, x + key_w, y, cut, ui_style(app, 12), ALIGN_LEFT, theme->dim);
}

void panel_help(App *app) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    HelpLine lines[HELP_LINES_MAX];
    const int count = help_lines(lines);
    const Rect w = app->picture.layout.window;
    draw_rect(&app->picture.list, w, 0, color_alpha(theme->ground, 0.72f));
    const int columns = (int)i64_clamp((int64_t)((w.w - 48 * s) / (COLUMN_W * s)), 1, 2);
    const float width = fminf(w.w - 16 * s, (float)columns * COLUMN_W * s + 48 * s);
    const int per_column = (count + columns - 1) / columns;
    const float height = fminf(w.h - 16 * s, (float)per_column * ROW_H * s + 76 * s);
    const Rect box = {roundf(w.x + (w.w - width) / 2), roundf(w.y + (w.h - height) / 2), roundf(width), roundf(height)};
    ui_card(app, box);
    draw_text(&app->picture.list, box.x + 24 * s, box.y + 32 * s, "Keys", ui_bold(app, 15), ALIGN_LEFT, theme->text);
    draw_text(&app->picture.list, box.x + box.w - 24 * s, box.y + 32 * s, "Esc closes", ui_style(app, 12), ALIGN_RIGHT,
              theme->dim);
    const int fit = (int)i64_max(1, (int64_t)((box.h - 68 * s) / (ROW_H * s)));
    const int most = (int)i64_max(0, per_column - fit);
    app->help.scroll = (int)i64_clamp(app->help.scroll, 0, most);
    const float column_w = (box.w - 48 * s) / (float)columns;
    for (int column = 0; column < columns; column++) {
        /* A column does not begin with the air above a heading. */
        const int first = column * per_column;
        const int skip = app->help.scroll == 0 && first < count && lines[first].heading && !lines[first].heading[0];
        for (int row = 0; row < fit; row++) {
            const int line = first + row + skip + app->help.scroll;
            if (row + skip + app->help.scroll >= per_column || line >= count) break;
            help_line(app, &lines[line], box.x + 24 * s + (float)column * column_w,
                      box.y + (62 + (float)row * ROW_H) * s, column_w);
        }
    }
    if (most > 0) {
        const float track = box.h - 68 * s, h = track * (float)fit / (float)per_column;
        draw_rect(&app->picture.list,
                  (Rect){box.x + box.w - 10 * s, box.y + 48 * s + (track - h) * (float)app->help.scroll / (float)most,
                         4 * s, h},
                  2 * s, theme->faint);
    }
    ui_hit(app, w, NULL, CURSOR_ARROW, "help");
}

void panel_status(App *app) {
    const Theme *theme = views_theme(app->ui.light);
    const float s = app->picture.layout.scale;
    const GpuInfo *info = gpu_info(app->machine.gpu);
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    const SchedulerStats jobs = tiles_scheduler_stats(app->machine.scheduler);
    char lines[14][200], a[32], b[32];
    int n = 0;
    snprintf(lines[n++], sizeof lines[0], "%s", info->renderer);
    snprintf(lines[n++], sizeof lines[0], "OpenGL %s, display %s", info->version,
             platform_driver(app->machine.platform));
    text_format_bytes(gpu.tile_bytes, a, sizeof a);
    text_format_bytes(info->tile_budget, b, sizeof b);
    snprintf(lines[n++], sizeof lines[0], "GPU tiles  %s of %s,  %d tiles, %d composites", a, b, gpu.tiles,
             gpu.composites);
    text_format_bytes(gpu.upload_bytes, a, sizeof a);
    snprintf(lines[n++], sizeof lines[0], "uploads  %llu, %s;  composed  %llu;  evicted  %llu",
             (unsigned long long)gpu.uploads, a, (unsigned long long)gpu.composes, (unsigned long long)gpu.evictions);
    snprintf(lines[n++], sizeof lines[0], "GPU look-ups  hits %llu, misses %llu", (unsigned long long)gpu.hits,
             (unsigned long long)gpu.misses);
    text_format_bytes(jobs.cache_bytes, a, sizeof a);
    snprintf(lines[n++], sizeof lines[0], "RAM tiles  %s,  hits %llu, misses %llu, evicted %llu", a,
             (unsigned long long)jobs.cache_hits, (unsigned long long)jobs.cache_misses,
             (unsigned long long)jobs.cache_evictions);
    if (jobs.factors.bytes > 0) {
        text_format_bytes(jobs.factors.bytes, a, sizeof a);
        snprintf(lines[n++], sizeof lines[0], "factors of rows and keys  %s,  hits %llu, misses %llu", a,
                 (unsigned long long)jobs.factors.hits, (unsigned long long)jobs.factors.misses);
    }
    snprintf(lines[n++], sizeof lines[0], "jobs  %llu done, %d running, %d queued, %llu cancelled, %llu failed",
             (unsigned long long)jobs.jobs_done, jobs.running, jobs.queued, (unsigned long long)jobs.jobs_cancelled,
             (unsigned long long)jobs.jobs_failed);
    snprintf(lines[n++], sizeof lines[0], "overviews  %d of %d heads, of side %d",
             app->work.overviews.total - app->work.overviews.missing, app->work.overviews.total,
             app->machine.base_side);
    if (app->opened.captures[0].disk) {
        const DiskStats disk = tiles_disk_stats(app->opened.captures[0].disk);
        snprintf(lines[n++], sizeof lines[0], "disk cache  %llu read, %llu written%s%.90s",
                 (unsigned long long)disk.hits, (unsigned long long)disk.stored, disk.stopped ? ";  stopped: " : "",
                 disk.reason);
    }
    recompute_describe(app, lines[n++], sizeof lines[0]);
    snprintf(lines[n++], sizeof lines[0], "level  2^%d x 2^%d weights a texel,  %d tiles drawn",
             app->picture.result.level.q, app->picture.result.level.k, app->picture.result.tiles_drawn);
    const Rect view = app->picture.layout.view;
    float width = 0;
    for (int i = 0; i < n; i++)
        width = fmaxf(width, draw_text_width(app->machine.fonts, lines[i], ui_style(app, 12)));
    const Rect box = {roundf(view.x + 16 * s), roundf(view.y + 16 * s),
                      roundf(fminf(width + 32 * s, app->picture.layout.window.w - 16 * s)),
                      roundf((float)n * 20 * s + 24 * s)};
    ui_card(app, box);
    for (int i = 0; i < n; i++) {
        char cut[192];
        draw_text_fit(app->machine.fonts, lines[i], ui_style(app, 12), box.w - 32 * s, cut, sizeof cut);
        draw_text(&app->picture.list, box.x + 16 * s, box.y + (26 + (float)i * 20) * s, cut, ui_style(app, 12),
                  ALIGN_LEFT, i < 2 ? theme->dim : theme->text);
    }
}

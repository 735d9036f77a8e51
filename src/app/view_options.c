#include "app/view_options.h"
#include "app/find.h"
#include "app/recompute.h"

#include <string.h>

size_t view_options_table(ViewOptions *o, Option out[VIEW_OPTIONS_MAX]) {
    const Option table[] = {
        {"set", 0, "NAME", "encoder, decoder, cross ... as `info` lists them", &o->set, NULL},
        {"layer", 'l', "L", "layer, by its number in the model", &o->layer, NULL},
        {"head", 0, "SET", "5, mean, mean:0-7,9, max, min:1,2, w:0*0.5,3*0.5, diff:3,5", &o->head, NULL},
        {"view", 0, "NAME", "matrix, grid, or text: probabilities of tokens", &o->view, NULL},
        {"token", 0, "N", "probabilities: this token is marked, with its alternatives", &o->token, NULL},
        {"text-size", 0, "POINTS", "probabilities: size of the text", &o->text_size, NULL},
        {"text-top", 0, "N", "probabilities: the line of this token comes first", &o->text_top, NULL},
        {"grid-range", 0, "HOW", "common: one range for all heads of the grid; head: one for each", &o->grid_range,
         NULL},
        {"ref", 0, "FILE", "a reference to compare with: hold y to see it, d for the difference", &o->ref, NULL},
        {"compare", 0, "HOW", "with --ref: off, ref, diff or side (by side)", &o->compare, NULL},
        {"pin", 0, "Q,K", "mark this cell with its value; more of them as Q,K:Q,K", &o->pin, NULL},
        {"batch", 0, "N", "batch item", &o->batch, NULL},
        {"step", 0, "N", "decode step of generate(): the pattern as it was then", &o->step, NULL},
        {"values", 0, "KIND", "weights or scores", &o->values, NULL},
        {"rect", 0, "Q0:Q1,K0:K1", "these queries and keys, half-open", &o->rect, NULL},
        {"camera", 0, "Q0:Q1,K0:K1", "these, with parts of tokens; square cells stay square", &o->camera, NULL},
        {"level", 0, "LQ,LK", "a texel stands for 2^LQ x 2^LK weights", &o->level, NULL},
        {"pool", 0, "HOW", "mean, mass or max of a block", &o->pool, NULL},
        {"transform", 0, "T", "linear, sqrt or log", &o->transform, NULL},
        {"range", 0, "LO:HI", "or auto, or a percentile such as p99", &o->range, NULL},
        {"cmap", 0, "NAME", "viridis, magma, inferno, plasma, cividis, turbo, grey", &o->cmap, NULL},
        {"hide", 0, "KEYS", "first, special, positions such as 0,5-9: these keys count as 0", &o->hide, NULL},
        {"row-scale", 0, "HOW", "rows as they are: none; over their visible sum or max; uniform", &o->row_scale, NULL},
        {"value-weighted", 0, NULL, "times the norm of the key's value vector", NULL, &o->value_weighted},
        {"gamma", 0, "G", "gamma of the colours, after the transform", &o->gamma, NULL},
        {"aspect", 0, "HOW", "auto, square or stretch", &o->aspect, NULL},
        {"cursor", 0, "Q,K", "the crosshair on this cell", &o->cursor, NULL},
        {"find", 0, "TEXT", "mark the tokens that have this text", &o->find, NULL},
        {"from", 0, "PICTURE", "the view of a PNG that attnscope wrote; options given besides win", &o->from, NULL},
        {"size", 0, "WxH", "of the window or picture", &o->size, NULL},
        {"scale", 0, "S", "of text and panels; pictures get S times the pixels", &o->scale, NULL},
        {"theme", 0, "NAME", "dark or light", &o->theme, NULL},
        {"bare", 0, NULL, "the heatmap alone", NULL, &o->bare},
        {"labels", 0, "on|off", "token labels along the axes", &o->labels, NULL},
        {"no-labels", 0, NULL, "without token labels", NULL, &o->no_labels},
        {"axes", 0, "LETTERS", "axes of an array without layer names, such as lhqk", &o->axes, NULL},
        {"gpu-budget", 0, "SIZE", "GPU memory for tiles, such as 512M", &o->gpu_budget, NULL},
        {"no-cache", 0, NULL, "keep no overviews on disk, and use none", NULL, &o->no_cache},
        {"ram-budget", 0, "SIZE", "memory for finished tiles", &o->ram_budget, NULL},
        {"recompute", 0, "WHERE", "attention from Q and K: auto (measured), cpu or gpu", &o->recompute, NULL},
        {"exec", 0, "COMMANDS", "run these commands, separated by ';'", &o->exec, NULL},
        {"help", 'h', NULL, "this text", NULL, &o->help},
    };
    _Static_assert(BASE_COUNT(table) <= VIEW_OPTIONS_MAX, "room for all");
    memcpy(out, table, sizeof table);
    return BASE_COUNT(table);
}

Status view_options_start(const ViewOptions *o, AppParams *params, Error *err) {
    Status status = STATUS_OK;
    if (o->size && (status = options_size("size", o->size, &params->width, &params->height, err)) != STATUS_OK)
        return status;
    if (o->gpu_budget && (status = options_bytes("gpu-budget", o->gpu_budget, &params->gpu_budget, err)) != STATUS_OK)
        return status;
    if (o->ram_budget && (status = options_bytes("ram-budget", o->ram_budget, &params->ram_budget, err)) != STATUS_OK)
        return status;
    if (o->recompute && (status = recompute_parse(o->recompute, &params->recompute, err)) != STATUS_OK) return status;
    if (o->no_cache) params->disk_cache = false;
    if (o->scale) {
        double scale;
        if (!text_parse_f64(o->scale, &scale) || !(scale >= 0.5 && scale <= 8))
            return error_set(err, STATUS_USAGE, "--scale takes 0.5 to 8, not '%.40s'", o->scale);
        params->scale = (float)scale;
    }
    if (o->theme) {
        if (strcmp(o->theme, "dark") && strcmp(o->theme, "light"))
            return error_set(err, STATUS_USAGE, "--theme takes dark or light, not '%.40s'", o->theme);
        params->light = !strcmp(o->theme, "light");
    }
    return STATUS_OK;
}

static Status apply(App *app, const char *command, const char *value, Error *err) {
    char line[512];
    if (!value) return STATUS_OK;
    if (strlen(value) > 400) return error_set(err, STATUS_USAGE, "the value of --%s is too long", command);
    snprintf(line, sizeof line, "%s %s", command, value);
    return app_command(app, line, err);
}

Status view_options_apply(const ViewOptions *o, App *app, const FrameParams *frame, Error *err) {
    const struct {
        const char *command, *value;
    } STEPS[] = {{"set", o->set},
                 {"values", o->values},
                 {"batch", o->batch},
                 {"step", o->step},
                 {"layer", o->layer},
                 {"heads", o->head},
                 {"compare", o->compare},
                 {"pool", o->pool},
                 {"transform", o->transform},
                 {"gamma", o->gamma},
                 {"range", o->range},
                 {"cmap", o->cmap},
                 {"aspect", o->aspect},
                 {"grid-range", o->grid_range},
                 {"pin", o->pin},
                 {"hide", o->hide},
                 {"row-scale", o->row_scale},
                 {"value-weighted", o->value_weighted ? "on" : NULL},
                 {"view", o->view},
                 {"text-size", o->text_size}};
    /* Batch items are of the strips then. */
    if (o->view && !strcmp(o->view, "text")) {
        const Status status = apply(app, "view", o->view, err);
        if (status != STATUS_OK) return status;
    }
    if (o->ref) {
        const Status status = app_open_reference(app, o->ref, err);
        if (status != STATUS_OK) return status;
    }
    for (size_t i = 0; i < BASE_COUNT(STEPS); i++) {
        const Status status = apply(app, STEPS[i].command, STEPS[i].value, err);
        if (status != STATUS_OK) return status;
    }
    if (o->from && !o->from_read)
        return error_set(err, STATUS_USAGE, "--from is for the window, `render` and `record`");
    const Status labels = apply(app, "labels", o->labels, err);
    if (labels != STATUS_OK) return labels;
    if (o->no_labels) app->look.labels = false;
    if (o->find) {
        find_start(app, o->find, false, err);
        if (err->status != STATUS_OK && err->status != STATUS_NOT_FOUND) return err->status;
        err->status = STATUS_OK;
    }
    if (o->token || o->text_top) { /* lines are known when there is a layout */
        app_frame_build(app, frame);
        Status status = apply(app, "token", o->token, err);
        if (status == STATUS_OK) status = apply(app, "text-top", o->text_top, err);
        if (status != STATUS_OK) return status;
    }
    const Status cursor = apply(app, "cursor", o->cursor, err);
    if (cursor != STATUS_OK) return cursor;
    if (!o->rect && !o->camera && !o->level) return STATUS_OK;
    /* Rectangles are fitted into a plot, so there must be a layout. */
    app_frame_build(app, frame);
    Status status = apply(app, "rect", o->rect, err);
    if (status == STATUS_OK) status = apply(app, "camera", o->camera, err);
    if (status == STATUS_OK) status = apply(app, "level", o->level, err);
    app->history.count = 0;
    return status;
}

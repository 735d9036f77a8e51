/* States in words: cells, variants, exactness. */
#include "session/app.h"

#include <math.h>
#include <string.h>

void words_cell(float value, char *out, size_t out_size) {
    if (isnan(value))
        snprintf(out, out_size, "NaN");
    else if (isinf(value))
        snprintf(out, out_size, "masked");
    else if (value != 0 && fabsf(value) < 1e-3f)
        snprintf(out, out_size, "%.1e", (double)value);
    else
        snprintf(out, out_size, "%.4f", (double)value);
}

void words_variant(const App *app, char *out, size_t out_size) {
    static const char *const SCALES[] = {
        [ROWS_SUM] = "rows / visible sum", [ROWS_MAX] = "rows / visible max", [ROWS_UNIFORM] = "relative to uniform"};
    const Variant variant = views_variant(&app->look);
    char hidden[VARIANT_TEXT_SIZE];
    TextBuffer text = {0};
    tiles_variant_format_hide(&variant, hidden, sizeof hidden);
    if (!strcmp(hidden, "first"))
        text_append(&text, "first key hidden");
    else if (tiles_variant_hides(&variant)) {
        for (const char *c = hidden; *c; c++)
            text_append(&text, *c == ',' ? ", " : (char[2]){*c, 0});
        text_append(&text, " hidden");
    }
    if (variant.row_scale != ROWS_AS_STORED)
        text_appendf(&text, "%s%s", text.length ? ", " : "", SCALES[variant.row_scale]);
    if (variant.value_weighted) text_appendf(&text, "%svalue-weighted", text.length ? ", " : "");
    snprintf(out, out_size, "%s", text.text ? text.text : "");
    text_buffer_free(&text);
}

const char *words_badge(const App *app) {
    const ViewResult *r = &app->picture.result;
    if (r->absent) return "not comparable";
    if (r->missing) return "loading";
    if (r->coarse) return r->exactness == ESTIMATE ? "estimate" : "coarse";
    switch (r->exactness) {
    case EXACT:
        return "exact";
    case BOUND_UPPER:
        return "upper bound";
    case BOUND_LOWER:
        return "lower bound";
    case BOUND_BOTH:
        return "bound";
    case ESTIMATE:
        return "estimate";
    default:
        return "approximate";
    }
}

void words_append_bool(TextBuffer *out, const char *name, bool value) {
    text_appendf(out, "\"%s\":%s,", name, value ? "true" : "false");
}

void words_append_cell(TextBuffer *out, float value) {
    if (isinf(value))
        text_append(out, "0");
    else
        text_append_json_f32(out, value);
}

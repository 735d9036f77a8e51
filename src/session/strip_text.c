#include "session/strip_text.h"

#include <math.h>

static void append_alternatives(TextBuffer *out, const StripInfo *strip, const StripToken *token) {
    text_append(out, "[");
    for (uint32_t i = 0; i < token->count; i++) {
        const StripAlternative *item = &strip->alternatives[token->first + i];
        text_append(out, i ? ",{\"token\":" : "{\"token\":");
        text_append_json(out, item->token->raw);
        text_append(out, ",\"logprob\":");
        text_append_json_f32(out, item->logprob);
        text_append(out, ",\"probability\":");
        text_append_json_f64(out, exp((double)item->logprob));
        if (item->id >= 0) text_appendf(out, ",\"id\":%d", (int)item->id);
        text_append(out, "}");
    }
    text_append(out, "]");
}

void strip_append_json(TextBuffer *out, const StripInfo *strip, int item, int64_t position) {
    const StripToken *token = &strip->tokens[position];
    const StripFigures figures = capture_strip_figures(strip, position);
    text_append(out, "{\"strip\":");
    text_append_json(out, strip->name);
    text_appendf(out, ",\"item\":%d,\"position\":%lld,\"token\":", item, (long long)position);
    text_append_json(out, token->token->raw);
    text_append(out, ",\"logprob\":");
    text_append_json_f32(out, token->logprob);
    text_append(out, ",\"probability\":");
    text_append_json_f64(out, exp((double)token->logprob));
    text_append(out, ",\"rank\":");
    if (token->rank > 0)
        text_appendf(out, "%d", (int)token->rank);
    else
        text_append(out, "null");
    text_appendf(out, ",\"floored\":%s,\"alternatives\":", token->floored ? "true" : "false");
    append_alternatives(out, strip, token);
    text_append(out, ",\"mass\":");
    text_append_json_f64(out, figures.listed > 0 ? figures.mass : (double)NAN);
    text_append(out, ",\"other\":");
    text_append_json_f64(out, figures.listed > 0 ? figures.other : (double)NAN);
    text_append(out, ",\"entropy_least\":");
    text_append_json_f64(out, figures.entropy_least);
    text_append(out, ",\"entropy_top\":");
    text_append_json_f64(out, figures.entropy_top);
    text_append(out, "}");
}

static void append_chance(TextBuffer *out, float logprob) {
    if (isnan(logprob))
        text_append(out, "not given");
    else if (logprob <= STRIP_FLOOR_LOGPROB)
        text_appendf(out, "very unlikely (log-probability %g)", (double)logprob);
    else
        text_appendf(out, "p %.6g  log-probability %.6g", exp((double)logprob), (double)logprob);
}

void strip_append_text(TextBuffer *out, const StripInfo *strip, int64_t position) {
    const StripToken *token = &strip->tokens[position];
    const StripFigures figures = capture_strip_figures(strip, position);
    append_chance(out, token->logprob);
    text_appendf(out, "\n%s, token %lld ", strip->name, (long long)position);
    text_append_json(out, token->token->raw);
    if (token->rank > 0)
        text_appendf(out, ", rank %d", (int)token->rank);
    else if (token->count > 0 && !isnan(token->logprob))
        text_append(out, ", not among the alternatives");
    text_append(out, "\n");
    for (uint32_t i = 0; i < token->count; i++) {
        const StripAlternative *item = &strip->alternatives[token->first + i];
        text_appendf(out, "  %s ", (int32_t)i == token->chosen ? "*" : " ");
        append_chance(out, item->logprob);
        text_append(out, "  ");
        text_append_json(out, item->token->raw);
        text_append(out, "\n");
    }
    if (token->count == 0) return;
    text_appendf(out, "    other tokens together: p %.6g\n", figures.other);
    text_appendf(out, "    entropy: at least %.6g nats, %.6g bits (the others counted as one token)\n",
                 figures.entropy_least, figures.entropy_least / log(2));
    text_appendf(out, "    entropy of those listed, made to add up to 1: %.6g nats, %.6g bits\n", figures.entropy_top,
                 figures.entropy_top / log(2));
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const char *const COLUMNS[] = {"position", "token",         "logprob",     "probability",
                                      "rank",     "entropy_least", "alternatives"};

void strip_append_table_head(TextBuffer *out, char separator) {
    for (size_t i = 0; i < BASE_COUNT(COLUMNS); i++) {
        if (i) text_append_bytes(out, &separator, 1);
        text_append(out, COLUMNS[i]);
    }
    text_append(out, "\n");
}

/* Moves what was added since `from` into quotes, for CSV. */
static void quote(TextBuffer *out, size_t from, char separator) {
    if (separator != ',' || out->failed) return;
    char *copy = mem_strdup(out->text + from);
    if (!copy) {
        out->failed = true;
        return;
    }
    out->length = from;
    out->text[from] = '\0';
    text_append(out, "\"");
    for (const char *c = copy; *c; c++)
        text_append_bytes(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    text_append(out, "\"");
    mem_free(copy);
}

/* Of a table: "" where nothing is known, as spreadsheets and pandas expect. */
static void append_cell(TextBuffer *out, float value, bool logarithm) {
    if (isnan(value)) return;
    if (isinf(value) && logarithm)
        text_append(out, "-inf");
    else if (logarithm)
        text_append_json_f32(out, value);
    else
        text_append_json_f64(out, exp((double)value));
}

void strip_append_table_row(TextBuffer *out, const StripInfo *strip, int64_t position, char separator) {
    const StripToken *token = &strip->tokens[position];
    const double entropy = capture_strip_figures(strip, position).entropy_least;
    text_appendf(out, "%lld%c", (long long)position, separator);
    size_t from = out->length;
    text_append_json(out, token->token->raw);
    quote(out, from, separator);
    text_append_bytes(out, &separator, 1);
    append_cell(out, token->logprob, true);
    text_append_bytes(out, &separator, 1);
    append_cell(out, token->logprob, false);
    text_append_bytes(out, &separator, 1);
    if (token->rank > 0) text_appendf(out, "%d", (int)token->rank);
    text_append_bytes(out, &separator, 1);
    if (!isnan(entropy)) text_append_json_f64(out, entropy);
    text_append_bytes(out, &separator, 1);
    from = out->length;
    append_alternatives(out, strip, token);
    quote(out, from, separator);
    text_append(out, "\n");
}

void strip_append_table(TextBuffer *out, const StripInfo *strip, int64_t from, int64_t to, char separator) {
    strip_append_table_head(out, separator);
    for (int64_t i = from; i < to && !out->failed; i++)
        strip_append_table_row(out, strip, i, separator);
}

/* `info`: what is in a capture, how it was read, and what all of its numbers add up to. */
#include "cli/cli.h"
#include "cli/cli_common.h"
#include "views/views.h"

#include <math.h>
#include <string.h>

enum { INFO_FILES_MAX = 1024 };

static void json_set(TextBuffer *out, const SetInfo *set, const SetScan *scan) {
    text_append(out, "{\"name\":");
    text_append_json(out, set->name);
    text_appendf(out, ",\"kind\":\"%s\",\"factored\":%s,\"layers\":[", capture_kind_name(set->kind),
                 set->factored ? "true" : "false");
    for (int i = 0; i < set->layer_count; i++)
        text_appendf(out, i ? ",%d" : "%d", set->layers[i].number);
    text_appendf(out, "],\"heads\":%d,\"kv_heads\":%d,\"queries\":%lld,\"keys\":%lld,\"dtype\":\"%s\",\"causal\":%s",
                 set->max_heads, set->layers[0].kv_heads, (long long)set->max_queries, (long long)set->max_keys,
                 dtype_name(set->layers[0].dtype), set->causal ? "true" : "false");
    text_append(out, ",\"row_sum\":{\"min\":");
    text_append_json_f64(out, scan->row_sum_min);
    text_append(out, ",\"max\":");
    text_append_json_f64(out, scan->row_sum_max);
    text_appendf(out, ",\"sampled\":%s},\"nonfinite\":%lld,\"masked\":%lld,\"qk_nonfinite\":",
                 scan->sampled ? "true" : "false", (long long)scan->nonfinite, (long long)scan->masked);
    text_append_json_f64(out, scan->operands_nonfinite < 0 ? (double)NAN : (double)scan->operands_nonfinite);
    text_append(out, "}");
}

static bool has_tokens(const Capture *capture) {
    if (capture_strip_count(capture) > 0) return true;
    for (int set = 0; set < capture_set_count(capture); set++)
        if (capture_tokens(capture, set, 0, AXIS_QUERY) || capture_tokens(capture, set, 0, AXIS_KEY)) return true;
    return false;
}

static void json_strips(TextBuffer *out, const Capture *capture) {
    for (int i = 0; i < capture_strip_count(capture); i++) {
        const StripInfo *strip = capture_strip(capture, i);
        int64_t known;
        text_append(out, i ? ",{\"name\":" : "{\"name\":");
        text_append_json(out, strip->name);
        text_append(out, ",\"form\":");
        text_append_json(out, strip->form);
        text_appendf(out, ",\"tokens\":%lld,\"known\":%lld,\"missing\":%lld,\"floored\":%lld,\"alternatives\":%d",
                     (long long)strip->count, (long long)strip->known, (long long)strip->missing,
                     (long long)strip->floored, strip->most_alternatives);
        text_append(out, ",\"mean_logprob\":");
        text_append_json_f64(out, strip->mean_logprob);
        text_append(out, ",\"perplexity\":");
        text_append_json_f64(out, capture_strip_perplexity(strip, 0, strip->count, &known));
        text_append(out, "}");
    }
}

static bool all_bf16(const Capture *capture) {
    for (int set = 0; set < capture_set_count(capture); set++)
        if (capture_set(capture, set)->factored && capture_set(capture, set)->layers[0].dtype != DTYPE_BF16)
            return false;
    return true;
}

/* How many layers of a set have a difference to the reference that can be taken; their numbers go to `json`. *why: the
 * first sentence that says what does not match. */
static int comparable_layers(const Capture *capture, const Capture *reference, int set, TextBuffer *json, Error *why) {
    const Frame frame = {.capture = capture, .reference.capture = reference};
    const SetInfo *info = capture_set(capture, set);
    Look look;
    int count = 0;
    views_look_init(&look);
    look.subject.set = set;
    for (int layer = 0; layer < info->layer_count; layer++) {
        look.subject.layer = layer;
        if (views_comparable(&frame, &look, why->message[0] ? NULL : why) != STATUS_OK) continue;
        if (json) text_appendf(json, count ? ",%d" : "%d", info->layers[layer].number);
        count++;
    }
    return count;
}

static void json_reference(TextBuffer *out, const Capture *capture, const Capture *reference) {
    text_append(out, ",\"reference\":{\"file\":");
    text_append_json(out, capture_path(reference));
    text_append(out, ",\"sets\":[");
    for (int set = 0; set < capture_set_count(capture); set++) {
        Error why = {0};
        text_append(out, set ? ",{\"name\":" : "{\"name\":");
        text_append_json(out, capture_set(capture, set)->name);
        text_append(out, ",\"comparable\":[");
        (void)comparable_layers(capture, reference, set, out, &why);
        text_append(out, "],\"why\":");
        text_append_json(out, why.message[0] ? why.message : NULL);
        text_append(out, "}");
    }
    text_append(out, "]}");
}

static void text_reference(TextBuffer *out, const Capture *capture, const Capture *reference) {
    text_appendf(out, "\nreference\n  %s\n", capture_path(reference));
    for (int set = 0; set < capture_set_count(capture); set++) {
        Error why = {0};
        const SetInfo *info = capture_set(capture, set);
        const int count = comparable_layers(capture, reference, set, NULL, &why);
        text_appendf(out, "  %-10s differences of %d of %d layers can be taken\n", info->name, count,
                     info->layer_count);
        if (why.message[0]) text_appendf(out, "  %-10s %s\n", "", why.message);
    }
}

static void write_json(TextBuffer *out, const Capture *capture, const Capture *reference, const SetScan *scans) {
    bool factored = false;
    for (int set = 0; set < capture_set_count(capture); set++)
        factored |= capture_set(capture, set)->factored;
    text_append(out, "{\"file\":");
    text_append_json(out, capture_path(capture));
    text_appendf(out, ",\"factored\":%s,\"sets\":[", factored ? "true" : "false");
    for (int set = 0; set < capture_set_count(capture); set++) {
        text_append(out, set ? "," : "");
        json_set(out, capture_set(capture, set), &scans[set]);
    }
    text_append(out, "],\"strips\":[");
    json_strips(out, capture);
    text_appendf(out, "],\"tokens\":%s,\"model\":", has_tokens(capture) ? "true" : "false");
    text_append_json(out, capture_model(capture));
    text_append(out, ",\"kernel\":");
    text_append_json(out, factored ? tiles_kernel_name(all_bf16(capture)) : NULL);
    text_append(out, ",\"notes\":[");
    for (int i = 0; i < capture_note_count(capture); i++) {
        text_append(out, i ? "," : "");
        text_append_json(out, capture_note(capture, i));
    }
    text_append(out, "]");
    if (reference) json_reference(out, capture, reference);
    text_append(out, "}\n");
}

static void append_counted(TextBuffer *out, const char *label, int64_t value) {
    char count[32];
    text_format_count(value, count, sizeof(count));
    text_appendf(out, "  %-10s %s\n", label, count);
}

static void text_set(TextBuffer *out, const SetInfo *set, const SetScan *scan) {
    char queries[32], keys[32];
    TextBuffer layers = {0};
    cli_layer_list(set, &layers);
    text_format_count(set->max_queries, queries, sizeof(queries));
    text_format_count(set->max_keys, keys, sizeof(keys));
    text_appendf(out, "\n%s\n", set->name);
    text_appendf(out, "  %-10s %s, %s, %s\n", "stored",
                 set->factored ? "queries and keys (weights are recomputed)" : capture_kind_name(set->kind),
                 dtype_name(set->layers[0].dtype), set->causal ? "causal" : "not causal");
    text_appendf(out, "  %-10s %d: %s\n", "layers", set->layer_count, layers.text ? layers.text : "");
    text_appendf(out, "  %-10s %d", "heads", set->max_heads);
    if (set->layers[0].kv_heads != set->max_heads) text_appendf(out, " (%d key heads)", set->layers[0].kv_heads);
    if (set->factored)
        text_appendf(out, ", %d dimensions, scale %.6g%s", set->layers[0].head_dim, set->scale,
                     set->scale_assumed ? " (assumed)" : "");
    if (set->factored)
        text_appendf(out, "\n  %-10s %s", "kernel", tiles_kernel_name(set->layers[0].dtype == DTYPE_BF16));
    text_appendf(out, "\n  %-10s %s queries x %s keys", "size", queries, keys);
    if (set->step_count > 1) text_appendf(out, ", %d decode steps", set->step_count);
    if (set->item_count > 1) text_appendf(out, ", %d batch items", set->item_count);
    if (isfinite(scan->row_sum_min))
        text_appendf(out, "\n  %-10s %.6g to %.6g%s\n", "row sums", scan->row_sum_min, scan->row_sum_max,
                     scan->sampled ? " (of some rows)" : "");
    else
        text_appendf(out, "\n  %-10s no row is finite\n", "row sums");
    append_counted(out, "masked", scan->masked);
    append_counted(out, "NaN, inf", scan->nonfinite);
    if (scan->operands_nonfinite > 0) append_counted(out, "in Q and K", scan->operands_nonfinite);
    if (scan->negative > 0) append_counted(out, "negative", scan->negative);
    if (scan->above_one > 0) append_counted(out, "above 1", scan->above_one);
    out->failed |= layers.failed;
    text_buffer_free(&layers);
}

enum { STRIPS_SHOWN = 20 }; /* of a file with thousands of answers; JSON lists all */

static void text_strip(TextBuffer *out, const StripInfo *strip) {
    char tokens[32];
    text_format_count(strip->count, tokens, sizeof(tokens));
    text_appendf(out, "\n%s\n  %-10s probabilities of tokens, not attention (%s)\n  %-10s %s", strip->name, "stored",
                 strip->form, "size", tokens);
    if (strip->most_alternatives > 0) text_appendf(out, ", up to %d alternatives each", strip->most_alternatives);
    text_append(out, "\n");
    if (strip->known > 0)
        text_appendf(out, "  %-10s %.6g nats a token, perplexity %.6g, over %lld tokens\n", "surprisal",
                     -strip->mean_logprob, exp(-strip->mean_logprob), (long long)strip->known);
    if (strip->missing > 0) append_counted(out, "not given", strip->missing);
    if (strip->floored > 0) append_counted(out, "floored", strip->floored);
}

static void text_strips(TextBuffer *out, const Capture *capture) {
    const int count = capture_strip_count(capture);
    for (int i = 0; i < count && i < STRIPS_SHOWN; i++)
        text_strip(out, capture_strip(capture, i));
    if (count > STRIPS_SHOWN) text_appendf(out, "\nand %d more\n", count - STRIPS_SHOWN);
}

static void write_text(TextBuffer *out, const Capture *capture, const SetScan *scans) {
    text_appendf(out, "%s\n", capture_path(capture));
    if (capture_model(capture)[0]) text_appendf(out, "  %-10s %s\n", "model", capture_model(capture));
    text_appendf(out, "  %-10s %s\n", "tokens", has_tokens(capture) ? "yes" : "no (positions are shown)");
    for (int set = 0; set < capture_set_count(capture); set++)
        text_set(out, capture_set(capture, set), &scans[set]);
    text_strips(out, capture);
    if (capture_note_count(capture) > 0) text_append(out, "\nnotes\n");
    for (int i = 0; i < capture_note_count(capture); i++)
        text_appendf(out, "  %s%s\n", capture_note_is_warning(capture, i) ? "warning: " : "", capture_note(capture, i));
}

static Status print_info(const Capture *capture, const Capture *reference, bool json, Error *err) {
    TextBuffer out = {0};
    Status status = STATUS_OK;
    Progress progress = cli_progress();
    int count = capture_set_count(capture);
    SetScan *scans = mem_alloc_zeroed((size_t)count + 1, sizeof(*scans));
    if (!scans) return error_set(err, STATUS_MEMORY, "not enough memory");
    for (int set = 0; set < count && status == STATUS_OK; set++)
        status = capture_scan_set(capture, set, &progress, &scans[set], err);
    cli_progress_end();
    if (status == STATUS_OK) {
        if (json)
            write_json(&out, capture, reference, scans);
        else
            write_text(&out, capture, scans);
        if (!json && reference) text_reference(&out, capture, reference);
        if (out.failed)
            status = error_set(err, STATUS_MEMORY, "not enough memory");
        else if (fputs(out.text, stdout) < 0 || fflush(stdout) != 0)
            status = error_set(err, STATUS_IO, "standard output could not be written");
    }
    text_buffer_free(&out);
    mem_free(scans);
    return status;
}

int cli_info(int argc, char **argv) {
    bool json = false, help = false;
    const char *axes = NULL, *ref = NULL, *files[INFO_FILES_MAX];
    size_t count = 0;
    Error err = {0};
    Capture *capture = NULL, *reference = NULL;
    const Option options[] = {
        {"json", 0, NULL, "print JSON", NULL, &json},
        {"ref", 0, "FILE", "a reference: what of it can be compared", &ref, NULL},
        {"axes", 0, "LETTERS", "how to read an array without layer names, for example lhqk", &axes, NULL},
        {"help", 'h', NULL, "print this", NULL, &help},
    };
    if (options_parse(options, BASE_COUNT(options), argc, argv, files, INFO_FILES_MAX, &count, &err) != STATUS_OK)
        return options_fail(&err);
    if (help) {
        printf("usage: attnscope info FILE... [--json]\n\n"
               "Sets, layers, heads, tokens, how the file was read, row sums, masked and NaN counts. Reads "
               "everything.\n\n");
        options_print(options, BASE_COUNT(options), stdout);
        return EXIT_OK;
    }
    if (count == 0) {
        error_set(&err, STATUS_USAGE, "`info` needs a file; `attnscope info --help` says more");
        return options_fail(&err);
    }
    Status status = cli_open(files, count, axes, &capture, &err);
    if (status == STATUS_OK && ref) status = cli_open(&ref, 1, axes, &reference, &err);
    if (status == STATUS_OK) status = print_info(capture, reference, json, &err);
    capture_close(reference);
    capture_close(capture);
    return status == STATUS_OK ? EXIT_OK : options_fail(&err);
}

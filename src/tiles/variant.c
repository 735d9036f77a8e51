/* What a variant is, as data and as text: which keys are hidden, how rows are scaled, whether keys weigh by their value
 * vectors. What comes of it, the factors r and c, is factors.c. */
#include "tiles/internal.h"

#include <stdlib.h>
#include <string.h>

/* Bits of tiles_variant_id; the two highest are TILE_VARIANT_EXACT and TILE_VARIANT_FACTORS. */
enum { ID_SPECIAL = 1, ID_SCALE_SHIFT = 1, ID_WEIGHTED = 8, ID_LIST = 16, ID_HASH_SHIFT = 5 };
#define ID_HASH_MASK 0x1ffffffu

#define POSITION_MAX ((int64_t)1 << 48)

bool tiles_variant_hides(const Variant *variant) {
    return variant->hide_special || variant->range_count > 0;
}

uint32_t tiles_variant_id(const Variant *variant) {
    uint32_t id = (variant->hide_special ? ID_SPECIAL : 0u) | (uint32_t)variant->row_scale << ID_SCALE_SHIFT |
                  (variant->value_weighted ? ID_WEIGHTED : 0u);
    if (variant->range_count > 0) {
        uint64_t hash = hash_bytes(variant->ranges, (size_t)variant->range_count * sizeof *variant->ranges, 1);
        id |= ID_LIST | ((uint32_t)hash_u64(hash) & ID_HASH_MASK) << ID_HASH_SHIFT;
    }
    return id;
}

Variant tiles_variant_for(const Variant *variant, Values values) {
    Variant out = *variant;
    if (values == VALUES_SCORES) {
        out.row_scale = ROWS_AS_STORED;
        out.value_weighted = false;
    }
    return out;
}

bool tiles_key_hidden(const Capture *capture, int set, int item, const Variant *variant, int64_t key) {
    for (int i = 0; i < variant->range_count; i++) {
        if (key >= variant->ranges[i].from && key < variant->ranges[i].to) {
            return true;
        }
    }
    if (!variant->hide_special) {
        return false;
    }
    const TokenList *tokens = capture_tokens(capture, set, item, AXIS_KEY);
    return tokens != NULL && key >= 0 && key < tokens->count && tokens->tokens[key].special;
}

/* ---- text ------------------------------------------------------------------------------------ */

static int by_start(const void *a, const void *b) {
    int64_t x = ((const KeyRange *)a)->from, y = ((const KeyRange *)b)->from;
    return (x > y) - (x < y);
}

/* Ascending, those that touch or overlap joined: one text for each set of keys. */
static void tidy(Variant *variant) {
    int kept = 0;
    qsort(variant->ranges, (size_t)variant->range_count, sizeof *variant->ranges, by_start);
    for (int i = 0; i < variant->range_count; i++) {
        KeyRange range = variant->ranges[i];
        KeyRange *last = kept > 0 ? &variant->ranges[kept - 1] : NULL;
        if (last != NULL && range.from <= last->to) {
            last->to = i64_max(last->to, range.to);
        } else {
            variant->ranges[kept++] = range;
        }
    }
    memset(variant->ranges + kept, 0, (size_t)(VARIANT_RANGES_MAX - kept) * sizeof *variant->ranges);
    variant->range_count = kept;
}

/* "7" or "3-9". */
static bool parse_range(const char *text, KeyRange *out) {
    char from[24];
    size_t length = strcspn(text, "-");
    if (length == 0 || length >= sizeof from) {
        return false;
    }
    memcpy(from, text, length);
    from[length] = '\0';
    if (!text_parse_i64(from, &out->from) || out->from < 0) {
        return false;
    }
    out->to = out->from;
    if (text[length] == '-' && !text_parse_i64(text + length + 1, &out->to)) {
        return false;
    }
    if (out->to < out->from || out->to >= POSITION_MAX) {
        return false;
    }
    out->to++;
    return true;
}

static Status parse_part(const char *part, Variant *out, Error *err) {
    KeyRange range = {0, 1};
    if (strcmp(part, "special") == 0) {
        out->hide_special = true;
        return STATUS_OK;
    }
    if (strcmp(part, "first") != 0 && !parse_range(part, &range)) {
        return error_set(err, STATUS_USAGE,
                         "hidden keys are none, first, special or positions such as 0,5-9, not '%.60s'", part);
    }
    if (out->range_count == VARIANT_RANGES_MAX) {
        return error_set(err, STATUS_USAGE, "at most %d ranges of keys can be hidden", VARIANT_RANGES_MAX);
    }
    out->ranges[out->range_count++] = range;
    return STATUS_OK;
}

Status tiles_variant_parse_hide(const char *text, Variant *out, Error *err) {
    Variant parsed = *out;
    parsed.hide_special = false;
    parsed.range_count = 0;
    for (const char *at = text; strcmp(text, "none") != 0;) {
        char part[48];
        size_t length = strcspn(at, ",");
        snprintf(part, sizeof part, "%.*s", (int)(length < sizeof part ? length : sizeof part - 1), at);
        Status status = parse_part(part, &parsed, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (at[length] == '\0') {
            break;
        }
        at += length + 1;
    }
    tidy(&parsed);
    *out = parsed;
    return STATUS_OK;
}

static void append(char *out, size_t out_size, const char *text) {
    size_t length = strlen(out);
    if (length < out_size) {
        snprintf(out + length, out_size - length, "%s%s", length > 0 ? "," : "", text);
    }
}

void tiles_variant_format_hide(const Variant *variant, char *out, size_t out_size) {
    char part[64];
    out[0] = '\0';
    if (variant->hide_special) {
        append(out, out_size, "special");
    }
    for (int i = 0; i < variant->range_count; i++) {
        KeyRange range = variant->ranges[i];
        if (range.from == 0 && range.to == 1) {
            snprintf(part, sizeof part, "first");
        } else if (range.to == range.from + 1) {
            snprintf(part, sizeof part, "%lld", (long long)range.from);
        } else {
            snprintf(part, sizeof part, "%lld-%lld", (long long)range.from, (long long)range.to - 1);
        }
        append(out, out_size, part);
    }
    if (out[0] == '\0') {
        snprintf(out, out_size, "none");
    }
}

static const char *const SCALES[] = {
    [ROWS_AS_STORED] = "none", [ROWS_SUM] = "sum", [ROWS_MAX] = "max", [ROWS_UNIFORM] = "uniform"};

const char *tiles_row_scale_name(RowScale scale) {
    return SCALES[scale];
}

Status tiles_row_scale_parse(const char *text, RowScale *out, Error *err) {
    for (size_t i = 0; i < BASE_COUNT(SCALES); i++) {
        if (strcmp(text, SCALES[i]) == 0) {
            *out = (RowScale)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_USAGE, "the row scale is none, sum, max or uniform, not '%.60s'", text);
}

/* Which heads are combined, and how. A HeadSet holds what was typed, by model number, and outlives a change of layer; a
 * ResolvedHeads holds indices of one layer.
 *
 * Canonical form, so that equal sets hash alike: heads of mean, max, min and weighted are ascending and unique; a
 * single head is MEAN with count 1 whether mean, max or min was typed; unused array elements are 0. */
#include "tiles/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_NUMBER_MAX 999999
#define HEADS_SHOWN 12 /* in the sentence about a head that is not there */

static const char *const op_names[] = {"mean", "max", "min", "w", "diff"};

/* ---- building -------------------------------------------------------------------------------- */

static int find_head(const HeadSet *set, int number) {
    for (int i = 0; i < set->count; i++) {
        if (set->heads[i] == number) {
            return i;
        }
    }
    return -1;
}

/* Keeps the list ascending, except for a difference, whose order has a meaning. */
static void insert_head(HeadSet *set, int number, float weight) {
    int at = set->count;
    while (set->op != HEADS_DIFF && at > 0 && set->heads[at - 1] > number) {
        set->heads[at] = set->heads[at - 1];
        set->weights[at] = set->weights[at - 1];
        at--;
    }
    set->heads[at] = number;
    set->weights[at] = weight;
    set->count++;
}

static Status add_head(HeadSet *set, int number, float weight, Error *err) {
    if (find_head(set, number) >= 0) {
        return error_set(err, STATUS_USAGE, "head %d is named twice in the head set", number);
    }
    if (set->count == HEADSET_MAX) {
        return error_set(err, STATUS_USAGE, "a head set holds at most %d heads", HEADSET_MAX);
    }
    insert_head(set, number, weight);
    return STATUS_OK;
}

static void make_canonical(HeadSet *set) {
    if (set->count == 1 && (set->op == HEADS_MAX || set->op == HEADS_MIN)) {
        set->op = HEADS_MEAN;
    }
}

/* ---- parsing --------------------------------------------------------------------------------- */

static bool scan_number(const char **at, int *out) {
    const char *p = *at;
    int value = 0;
    if (*p < '0' || *p > '9') {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (*p - '0');
        if (value > HEAD_NUMBER_MAX) {
            return false;
        }
    }
    *at = p;
    *out = value;
    return true;
}

static Status refuse(const char *text, Error *err) {
    return error_set(err, STATUS_USAGE,
                     "\"%.60s\" is not a head set; write 5, mean, mean:0-7,9, max, max:0-3, min:0-3, w:0*0.5,3*0.5 or "
                     "diff:3,5",
                     text);
}

static Status parse_list(const char *text, const char *at, HeadSet *set, Error *err) {
    for (;;) {
        int first, last;
        if (!scan_number(&at, &first)) {
            return refuse(text, err);
        }
        last = first;
        if (*at == '-') {
            at++;
            if (!scan_number(&at, &last) || last < first) {
                return refuse(text, err);
            }
        }
        for (int number = first; number <= last; number++) {
            Status status = add_head(set, number, 0.0f, err);
            if (status != STATUS_OK) {
                return status;
            }
        }
        if (*at == '\0') {
            return STATUS_OK;
        }
        if (*at++ != ',') {
            return refuse(text, err);
        }
    }
}

/* The weight behind a '*', up to a comma or the end. */
static bool scan_weight(const char **at, float *out) {
    char piece[40];
    size_t length = strcspn(*at, ",");
    double value;
    if (length == 0 || length >= sizeof piece) {
        return false;
    }
    memcpy(piece, *at, length);
    piece[length] = '\0';
    if (!text_parse_f64(piece, &value) || !(fabs(value) <= 1e30)) {
        return false;
    }
    *out = (float)value;
    *at += length;
    return true;
}

static Status parse_weighted(const char *text, const char *at, HeadSet *set, Error *err) {
    for (;;) {
        int number;
        float weight;
        if (!scan_number(&at, &number) || *at++ != '*' || !scan_weight(&at, &weight)) {
            return refuse(text, err);
        }
        Status status = add_head(set, number, weight, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (*at == '\0') {
            return STATUS_OK;
        }
        at++; /* the comma at which the weight ended */
    }
}

static Status parse_difference(const char *text, const char *at, HeadSet *set, Error *err) {
    int first, second;
    if (!scan_number(&at, &first) || *at++ != ',' || !scan_number(&at, &second) || *at != '\0') {
        return refuse(text, err);
    }
    Status status = add_head(set, first, 0.0f, err);
    return status == STATUS_OK ? add_head(set, second, 0.0f, err) : status;
}

Status tiles_headset_parse(const char *text, HeadSet *out, Error *err) {
    HeadSet set = {.op = HEADS_MEAN};
    Status status = STATUS_OK;
    const char *colon = strchr(text, ':');
    size_t name_length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (text[0] >= '0' && text[0] <= '9') {
        const char *at = text;
        int number;
        if (!scan_number(&at, &number) || *at != '\0') {
            return refuse(text, err);
        }
        insert_head(&set, number, 0.0f);
    } else {
        size_t op = 0;
        while (op < BASE_COUNT(op_names) &&
               (strlen(op_names[op]) != name_length || memcmp(text, op_names[op], name_length) != 0)) {
            op++;
        }
        if (op == BASE_COUNT(op_names) || (colon == NULL && op >= HEADS_WEIGHTED)) {
            return refuse(text, err);
        }
        set.op = (HeadOp)op;
        if (set.op == HEADS_WEIGHTED) {
            status = parse_weighted(text, colon + 1, &set, err);
        } else if (set.op == HEADS_DIFF) {
            status = parse_difference(text, colon + 1, &set, err);
        } else if (colon != NULL) {
            status = parse_list(text, colon + 1, &set, err);
        }
    }
    if (status == STATUS_OK) {
        make_canonical(&set);
        *out = set;
    }
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct Writer {
    char *out;
    size_t size, length;
} Writer;

static void put(Writer *writer, const char *text) {
    size_t length = strlen(text);
    if (writer->length + length < writer->size) {
        memcpy(writer->out + writer->length, text, length + 1);
        writer->length += length;
    }
}

static void put_number(Writer *writer, const char *before, int number) {
    char piece[24];
    snprintf(piece, sizeof piece, "%s%d", before, number);
    put(writer, piece);
}

/* The shortest decimal that reads back as the same float. */
static void put_weight(Writer *writer, float weight) {
    char piece[32] = "";
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(piece, sizeof piece, "%.*g", digits, (double)weight);
        if (strtof(piece, NULL) == weight) {
            break;
        }
    }
    put(writer, piece);
}

static void put_runs(Writer *writer, const HeadSet *set) {
    for (int i = 0; i < set->count;) {
        int last = i;
        while (last + 1 < set->count && set->heads[last + 1] == set->heads[last] + 1) {
            last++;
        }
        put_number(writer, i > 0 ? "," : "", set->heads[i]);
        if (last > i) {
            put_number(writer, last > i + 1 ? "-" : ",", set->heads[last]);
        }
        i = last + 1;
    }
}

void tiles_headset_format(const HeadSet *set, char *out, size_t out_size) {
    Writer writer = {out, out_size, 0};
    if (out_size == 0) {
        return;
    }
    out[0] = '\0';
    if (tiles_headset_single(set)) {
        put_number(&writer, "", set->heads[0]);
        return;
    }
    put(&writer, op_names[set->op]);
    if (set->count == 0) {
        return;
    }
    put(&writer, ":");
    if (set->op == HEADS_DIFF) {
        put_number(&writer, "", set->heads[0]);
        put_number(&writer, ",", set->heads[1]);
    } else if (set->op == HEADS_WEIGHTED) {
        for (int i = 0; i < set->count; i++) {
            put_number(&writer, i > 0 ? "," : "", set->heads[i]);
            put(&writer, "*");
            put_weight(&writer, set->weights[i]);
        }
    } else {
        put_runs(&writer, set);
    }
}

void tiles_headset_describe(const HeadSet *set, const LayerInfo *layer, char *out, size_t out_size) {
    int count = set->count > 0 ? set->count : (layer != NULL ? layer->head_count : 0);
    if (set->op == HEADS_DIFF) {
        snprintf(out, out_size, "head %d - head %d", set->heads[0], set->heads[1]);
    } else if (tiles_headset_single(set)) {
        snprintf(out, out_size, "head %d", set->heads[0]);
    } else if (set->count == 0 && count == 0) {
        snprintf(out, out_size, "%s of all heads", op_names[set->op]);
    } else {
        const char *what = set->op == HEADS_WEIGHTED ? "weighted sum" : op_names[set->op];
        snprintf(out, out_size, "%s of %d head%s", what, count, count == 1 ? "" : "s");
    }
}

/* ---- comparing and changing ------------------------------------------------------------------ */

bool tiles_headset_equal(const HeadSet *a, const HeadSet *b) {
    if (a->op != b->op || a->count != b->count) {
        return false;
    }
    for (int i = 0; i < a->count; i++) {
        if (a->heads[i] != b->heads[i] || (a->op == HEADS_WEIGHTED && a->weights[i] != b->weights[i])) {
            return false;
        }
    }
    return true;
}

uint32_t tiles_headset_hash(const HeadSet *set) {
    uint64_t hash = hash_u64((uint64_t)set->op << 32 | (uint64_t)(uint32_t)set->count);
    for (int i = 0; i < set->count; i++) {
        uint32_t bits = 0;
        float weight = set->op == HEADS_WEIGHTED ? set->weights[i] + 0.0f : 0.0f; /* + 0 makes -0 equal to 0 */
        memcpy(&bits, &weight, sizeof bits);
        hash = hash_u64(hash ^ ((uint64_t)(uint32_t)set->heads[i] << 32 | bits));
    }
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return folded != 0 ? folded : 1; /* 0 means "one head" in a TileKey */
}

bool tiles_headset_single(const HeadSet *set) {
    return set->op == HEADS_MEAN && set->count == 1;
}

bool tiles_headset_contains(const HeadSet *set, int head_number) {
    return set->count == 0 || find_head(set, head_number) >= 0;
}

static bool lists_whole_layer(const HeadSet *set, const LayerInfo *layer) {
    if (set->count != layer->head_count) {
        return false;
    }
    for (int i = 0; i < set->count; i++) {
        if (set->heads[i] != layer->head_numbers[i]) {
            return false;
        }
    }
    return true;
}

bool tiles_headset_toggle(HeadSet *set, const LayerInfo *layer, int head_number) {
    HeadSet next = *set;
    if (next.count == 0) {
        for (int i = 0; i < layer->head_count && i < HEADSET_MAX; i++) {
            insert_head(&next, layer->head_numbers[i], 0.0f);
        }
    } else if (next.op == HEADS_DIFF) { /* three heads have no difference: it becomes a mean */
        next = (HeadSet){.op = HEADS_MEAN};
        insert_head(&next, set->heads[0], 0.0f);
        insert_head(&next, set->heads[1], 0.0f);
    }
    int at = find_head(&next, head_number);
    if (at >= 0) {
        if (next.count == 1) {
            return false;
        }
        size_t after = (size_t)(next.count - at - 1);
        memmove(&next.heads[at], &next.heads[at + 1], after * sizeof next.heads[0]);
        memmove(&next.weights[at], &next.weights[at + 1], after * sizeof next.weights[0]);
        next.count--;
        next.heads[next.count] = 0;
        next.weights[next.count] = 0.0f;
    } else {
        if (next.count == HEADSET_MAX || capture_head_index(layer, head_number) < 0) {
            return false;
        }
        insert_head(&next, head_number, next.op == HEADS_WEIGHTED ? 1.0f : 0.0f);
    }
    make_canonical(&next);
    /* Back to "all", so that the set means all heads again on a layer that has others. */
    if (next.op != HEADS_WEIGHTED && next.count > 1 && lists_whole_layer(&next, layer)) {
        next = (HeadSet){.op = next.op};
    }
    *set = next;
    return true;
}

/* ---- resolving ------------------------------------------------------------------------------- */

static Status missing_head(int number, const LayerInfo *layer, Error *err) {
    char list[160] = "";
    Writer writer = {list, sizeof list, 0};
    for (int i = 0; i < layer->head_count && i < HEADS_SHOWN; i++) {
        put_number(&writer, i > 0 ? ", " : "", layer->head_numbers[i]);
    }
    if (layer->head_count > HEADS_SHOWN) {
        put_number(&writer, " ... ", layer->head_numbers[layer->head_count - 1]);
    }
    return error_set(err, STATUS_NOT_FOUND, "layer %d has no head %d; its heads are %s", layer->number, number, list);
}

Status tiles_headset_resolve(const HeadSet *set, const SetInfo *info, const LayerInfo *layer, ResolvedHeads *out,
                             Error *err) {
    int count = set->count > 0 ? set->count : layer->head_count;
    if (count <= 0 || count > HEADSET_MAX) {
        return error_set(err, STATUS_UNSUPPORTED, "layer %d has %d heads; a head set holds 1 to %d", layer->number,
                         count, HEADSET_MAX);
    }
    if (set->op == HEADS_DIFF && count != 2) {
        return error_set(err, STATUS_USAGE, "a difference takes two heads, not %d", count);
    }
    *out = (ResolvedHeads){.op = set->op, .count = count};
    out->result_signed = info->signed_values || info->kind == SET_ATTRIBUTION || set->op == HEADS_DIFF;
    for (int i = 0; i < count; i++) {
        int index = set->count > 0 ? capture_head_index(layer, set->heads[i]) : i;
        if (index < 0) {
            return missing_head(set->heads[i], layer, err);
        }
        out->index[i] = index;
        switch (set->op) {
        case HEADS_MEAN:
            out->weight[i] = 1.0f / (float)count;
            break;
        case HEADS_WEIGHTED:
            out->weight[i] = set->weights[i];
            break;
        case HEADS_DIFF:
            out->weight[i] = i == 0 ? 1.0f : -1.0f;
            break;
        case HEADS_MAX:
        case HEADS_MIN:
            out->weight[i] = 1.0f;
            break;
        }
        out->result_signed = out->result_signed || out->weight[i] < 0.0f;
    }
    return STATUS_OK;
}

Exactness tiles_headset_exactness(const ResolvedHeads *heads, Level level, Channel channel) {
    if ((level.q == 0 && level.k == 0) || heads->count == 1) {
        return EXACT;
    }
    if (channel == CHANNEL_MAX) {
        if (heads->result_signed) {
            return APPROXIMATE; /* the compose shader shows G = R there */
        }
        return heads->op == HEADS_MAX ? EXACT : BOUND_UPPER;
    }
    switch (heads->op) {
    case HEADS_MAX:
        return BOUND_LOWER;
    case HEADS_MIN:
        return BOUND_UPPER;
    default:
        return EXACT;
    }
}

bool tiles_headset_signed(const ResolvedHeads *heads, Values values) {
    return heads->result_signed || values == VALUES_SCORES;
}

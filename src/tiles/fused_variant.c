/* Variants of factored sets.
 *
 *   w' = 2^(score + shift) * (factor * r) * c       r joins the normaliser of a row; c multiplies a block of cells
 *
 * Column factors are laid out once a request, panel after panel. Row factors need whole rows (row_factors.c). A texel all
 * of whose visible keys are hidden is masked in the end; which these are follows from the shape of the mask. */
#include "tiles/fused.h"

#include <math.h>

/* Of the column factors of all heads; beyond, whole rows are read. */
#define COLUMNS_BYTES ((int64_t)32 << 20)

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory for the factors of a variant");
}

static int64_t first_column(const Fused *f) {
    return f->k0 / KERNEL_KEYS * KERNEL_KEYS;
}

static int64_t column_room(int64_t k0, int64_t k1) {
    return i64_ceil_div(k1, KERNEL_KEYS) * KERNEL_KEYS - k0 / KERNEL_KEYS * KERNEL_KEYS;
}

/* Only norms differ from head to head. */
static int vector_count(const PoolRequest *request) {
    return request->variant->value_weighted && request->values == VALUES_WEIGHTS ? request->heads->count : 1;
}

bool tiles_fused_takes(const PoolRequest *request, int64_t k0, int64_t k1) {
    int64_t bytes;
    return request->variant == NULL ||
           (tiles_variant_id(request->variant) != 0 &&
            i64_mul(column_room(k0, k1), vector_count(request) * (int64_t)sizeof(float), &bytes) &&
            bytes <= COLUMNS_BYTES);
}

static FactorRequest factors_of(const Fused *f, int head) {
    return (FactorRequest){.capture = f->request->capture,
                           .ref = tiles_fused_ref(f, head),
                           .values = f->request->values,
                           .variant = f->request->variant,
                           .store = f->request->factors};
}

static FactorWork work_of(const Fused *f) {
    return (FactorWork){.scratch = f->scratch->factors,
                        .source = f->scratch->source,
                        .cancel = f->cancel,
                        .pause = f->request->pause,
                        .pause_user = f->request->pause_user};
}

Status tiles_fused_begin_variant(Fused *f, Error *err) {
    int vectors = vector_count(f->request);
    int64_t room = column_room(f->k0, f->k1), first = first_column(f), end = i64_min(first + room, f->info.keys);
    f->columns = tiles_aligned(&f->scratch->columns, (size_t)(vectors * room), sizeof *f->columns);
    f->column_pitch = vectors > 1 ? room : 0;
    if (f->columns == NULL) {
        return no_memory(err);
    }
    const FactorWork work = work_of(f);
    for (int i = 0; i < vectors; i++) {
        float *columns = f->columns + (size_t)i * (size_t)room;
        const FactorRequest request = factors_of(f, i);
        Status status = tiles_factors_columns(&request, first, end, columns, &work, err);
        if (status != STATUS_OK) {
            return status;
        }
        for (int64_t k = end; k < first + room; k++) {
            columns[k - first] = 0.0f;
        }
    }
    return STATUS_OK;
}

void tiles_fused_weigh(const Fused *f, int head, int64_t k, float *cells, int rows) {
    if (f->columns == NULL) {
        return;
    }
    const float *in_order = f->columns + head * f->column_pitch + (k - first_column(f));
    float columns[KERNEL_KEYS];
    for (int i = 0; i < KERNEL_KEYS; i++) {
        columns[tiles_kernel_place(f->kernel, i)] = in_order[i];
    }
    for (int r = 0; r < rows; r++) {
        float *row = cells + (size_t)r * KERNEL_KEYS;
        for (int i = 0; i < KERNEL_KEYS; i++) {
            row[i] = columns[i] > 0.0f ? row[i] * columns[i] : 0.0f;
        }
    }
}

Status tiles_fused_scale_rows(const Fused *f, int head, int64_t qa, int64_t qb, float *factor, Error *err) {
    float rows[BAND_ROWS];
    const FactorRequest request = factors_of(f, head);
    const FactorWork work = work_of(f);
    Status status = tiles_factors_rows(&request, qa, qb, rows, &work, err);
    for (int64_t i = 0; status == STATUS_OK && i < qb - qa; i++) {
        factor[i] *= rows[i];
    }
    return status;
}

void tiles_fused_hide(const Fused *f, int64_t y, int64_t row) {
    const PoolRequest *r = f->request;
    int64_t first = y << r->level.q, last = first + tiles_cells_in_texel(f->info.queries, r->level.q, y) - 1;
    int64_t lo, hi, unused, side = (int64_t)1 << r->level.k;
    capture_factored_visible(&f->info, first, &lo, &unused);
    capture_factored_visible(&f->info, last, &unused, &hi);
    for (int64_t x = 0; x < f->texel_columns; x++) {
        int64_t from = i64_max(lo, (r->x0 + x) * side), to = i64_min(hi, (r->x0 + x + 1) * side);
        bool visible = from >= to; /* then the texel is masked already */
        for (int64_t k = from; k < to && !visible; k++) {
            visible = f->columns[k - first_column(f)] >= 0.0f;
        }
        if (!visible) {
            size_t texel = (size_t)(row * f->texel_columns + x);
            f->texels.sum[texel] = 0.0;
            f->texels.max[texel] = -INFINITY;
            f->texels.min[texel] = INFINITY;
        }
    }
}

/* Where tiles and composites live on the GPU: texture arrays ("pages") of equal layers ("slots").
 *
 *   key, space --hash table--> slot (layer of a page) --> LRU list of the page's kind
 *
 * Pages start small and double, so that a small capture costs little and a large one needs few textures. The budget
 * counts whole pages. When it is reached, a new image takes the oldest slot of its kind, or a whole page of another
 * kind that has not been used for even longer, so that no kind starves. Invariants: an occupied slot is in the table
 * and in one LRU list; a free one is in its page's free list; what the current frame used, and base tiles for
 * anything but base tiles, stay. */
#include "gpu/gpu_private.h"

#include <string.h>

#define PAGE_BYTES_MAX ((size_t)128 << 20)
/* Software rasterisers write zeros into a new texture, memory the machine may have to find first: 4 MiB take two
 * milliseconds, 128 MiB several frames. */
#define PAGE_BYTES_MAX_SOFTWARE ((size_t)4 << 20)
/* What gpu_reserve_ahead sees to: free slots for a screen at one weight a pixel, of so many heads at the most. */
#define AHEAD_SCREEN 24
#define AHEAD_HEADS_MAX 16
#define AHEAD_FROM_BUDGET 4 /* only while a quarter of the budget is left */
/* Frames without a use after which, there, a slot is taken over rather than a page made within a frame. */
#define STALE_FRAMES 60
#define TABLE_FIRST 64

static const int first_layers[PAGE_KINDS] = {
    [PAGE_DETAIL16] = 16, [PAGE_BASE16] = 16,        [PAGE_DETAIL32] = 4,   [PAGE_BASE32] = 4,
    [PAGE_COMPOSITE] = 4, [PAGE_BASE_COMPOSITE] = 4, [PAGE_DIFFERENCE] = 4, [PAGE_BASE_DIFFERENCE] = 4,
};

static bool has_mips(PageKind kind) {
    return kind == PAGE_BASE16 || kind == PAGE_BASE32 || kind == PAGE_BASE_COMPOSITE || kind == PAGE_BASE_DIFFERENCE;
}

static bool is_half(PageKind kind) {
    return kind == PAGE_DETAIL16 || kind == PAGE_BASE16;
}

/* Base tiles: kept against everything but other base tiles. */
static bool is_protected(PageKind kind) {
    return kind == PAGE_BASE16 || kind == PAGE_BASE32;
}

int gpu_atlas_side(const Gpu *gpu, PageKind kind) {
    return has_mips(kind) ? gpu->base_side : TILE_SIDE;
}

static int mip_levels(const Gpu *gpu, PageKind kind) {
    int levels = 1;
    for (int side = gpu_atlas_side(gpu, kind); has_mips(kind) && side > 1; side /= 2) {
        levels++;
    }
    return levels;
}

/* One image of this side and so many mips. */
static size_t image_bytes(int side, int levels, bool half) {
    size_t texels = 0;
    for (; levels > 0; levels--, side /= 2) {
        texels += (size_t)side * (size_t)side;
    }
    return texels * 2 * (half ? 2 : 4);
}

static size_t slot_bytes(const Gpu *gpu, PageKind kind) {
    return image_bytes(gpu_atlas_side(gpu, kind), mip_levels(gpu, kind), is_half(kind));
}

static const int base_sides[] = {256, 128, 64, 32};

int gpu_base_side_for(const Gpu *gpu, int64_t half_tiles, int64_t float_tiles) {
    double budget = (double)gpu->info.tile_budget / 2;
    size_t last = BASE_COUNT(base_sides) - 1;
    for (size_t i = 0; i < last; i++) {
        int levels = 1;
        while (base_sides[i] >> levels > 0) {
            levels++;
        }
        double bytes = (double)half_tiles * (double)image_bytes(base_sides[i], levels, true) +
                       (double)float_tiles * (double)image_bytes(base_sides[i], levels, false);
        if (bytes <= budget) {
            return base_sides[i];
        }
    }
    return base_sides[last];
}

float gpu_slot_scale(const TileSlot *slot) {
    return slot->info.format == TILE_RG16F ? 1 / TILE_F16_SCALE : 1;
}

/* ---- hash table ------------------------------------------------------------------------------ */

static size_t home_of(const Atlas *atlas, const TileKey *key, SlotSpace space) {
    return (size_t)hash_u64(tiles_key_hash(key) + (uint64_t)space) & (atlas->table_size - 1);
}

/* Place of the key, or the empty place where it belongs. */
static size_t place_of(const Atlas *atlas, const TileKey *key, SlotSpace space) {
    size_t at = home_of(atlas, key, space);
    for (TileSlot *slot; (slot = atlas->table[at]) != NULL; at = (at + 1) & (atlas->table_size - 1)) {
        if (slot->space == space && tiles_key_equal(&slot->key, key)) {
            break;
        }
    }
    return at;
}

/* Closes the gap: later entries of the run move up if their home allows (Knuth, TAOCP 3, 6.4, algorithm R). */
static void table_remove(Atlas *atlas, const TileSlot *slot) {
    size_t mask = atlas->table_size - 1, gap = place_of(atlas, &slot->key, slot->space);
    atlas->table[gap] = NULL;
    for (size_t at = (gap + 1) & mask; atlas->table[at]; at = (at + 1) & mask) {
        size_t home = home_of(atlas, &atlas->table[at]->key, atlas->table[at]->space);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            atlas->table[gap] = atlas->table[at];
            atlas->table[at] = NULL;
            gap = at;
        }
    }
}

/* Room for `slots` entries at half load. */
static bool table_reserve(Atlas *atlas, size_t slots) {
    size_t old_size = atlas->table_size, size = old_size > 0 ? old_size : TABLE_FIRST;
    while (size < 2 * slots) {
        size *= 2;
    }
    if (size == old_size) {
        return true;
    }
    TileSlot **table = mem_alloc_zeroed(size, sizeof *table), **old = atlas->table;
    if (!table) {
        return false;
    }
    atlas->table = table;
    atlas->table_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i]) {
            table[place_of(atlas, &old[i]->key, old[i]->space)] = old[i];
        }
    }
    mem_free(old);
    return true;
}

TileSlot *gpu_atlas_find(Gpu *gpu, const TileKey *key, SlotSpace space) {
    Atlas *atlas = &gpu->atlas;
    return atlas->table_size > 0 ? atlas->table[place_of(atlas, key, space)] : NULL;
}

/* ---- LRU lists ------------------------------------------------------------------------------- */

static void lru_unlink(Atlas *atlas, TileSlot *slot) {
    PageKind kind = slot->page->kind;
    *(slot->newer ? &slot->newer->older : &atlas->newest[kind]) = slot->older;
    *(slot->older ? &slot->older->newer : &atlas->oldest[kind]) = slot->newer;
    slot->newer = slot->older = NULL;
}

static void lru_push(Atlas *atlas, TileSlot *slot) {
    PageKind kind = slot->page->kind;
    slot->newer = NULL;
    slot->older = atlas->newest[kind];
    *(slot->older ? &slot->older->newer : &atlas->oldest[kind]) = slot;
    atlas->newest[kind] = slot;
    slot->frame = slot->page->frame = atlas->frame;
}

void gpu_atlas_touch(Gpu *gpu, TileSlot *slot) {
    lru_unlink(&gpu->atlas, slot);
    lru_push(&gpu->atlas, slot);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static bool is_composite(PageKind kind) {
    return kind == PAGE_COMPOSITE || kind == PAGE_BASE_COMPOSITE || kind == PAGE_DIFFERENCE ||
           kind == PAGE_BASE_DIFFERENCE;
}

static void count_slot(Gpu *gpu, const TileSlot *slot, int by) {
    *(is_composite(slot->page->kind) ? &gpu->stats.composites : &gpu->stats.tiles) += by;
    size_t bytes = slot_bytes(gpu, slot->page->kind);
    gpu->stats.tile_bytes += by > 0 ? bytes : 0 - bytes;
}

void gpu_atlas_release(Gpu *gpu, TileSlot *slot) {
    TilePage *page = slot->page;
    table_remove(&gpu->atlas, slot);
    lru_unlink(&gpu->atlas, slot);
    count_slot(gpu, slot, -1);
    slot->occupied = false;
    slot->older = page->free_slots;
    page->free_slots = slot;
    page->used--;
}

static TileSlot *take_free_slot(Gpu *gpu, PageKind kind) {
    Atlas *atlas = &gpu->atlas;
    for (size_t i = 0; i < atlas->page_count; i++) {
        TilePage *page = atlas->pages[i];
        if (page->kind == kind && page->free_slots) {
            TileSlot *slot = page->free_slots;
            page->free_slots = slot->older;
            return slot;
        }
    }
    return NULL;
}

static void occupy(Gpu *gpu, TileSlot *slot, const TileKey *key, SlotSpace space) {
    Atlas *atlas = &gpu->atlas;
    slot->key = *key;
    slot->space = space;
    slot->occupied = true;
    slot->born = atlas->frame;
    slot->from_source = false;
    slot->rows_missing = 0;
    memset(&slot->info, 0, sizeof slot->info);
    slot->page->used++;
    atlas->table[place_of(atlas, key, space)] = slot;
    lru_push(atlas, slot);
    count_slot(gpu, slot, 1);
}

/* ---- pages ----------------------------------------------------------------------------------- */

bool gpu_upload_failed(Gpu *gpu) {
    bool failed = gpu_drain_errors(gpu);
    if (gpu->atlas.fail_uploads > 0) {
        gpu->atlas.fail_uploads--;
        failed = true;
    }
    return failed;
}

static GLuint make_texture(Gpu *gpu, PageKind kind, int layers) {
    GLuint texture = 0;
    GLenum format = is_half(kind) ? GL_RG16F : GL_RG32F;
    int side = gpu_atlas_side(gpu, kind), levels = mip_levels(gpu, kind);
    gpu_drain_errors(gpu);
    glGenTextures(1, &texture);
    glBindTexture(GL_TEXTURE_2D_ARRAY, texture);
    if (GLAD_GL_VERSION_4_2) {
        glTexStorage3D(GL_TEXTURE_2D_ARRAY, levels, format, side, side, layers);
    } else {
        for (int level = 0; level < levels; level++) {
            glTexImage3D(GL_TEXTURE_2D_ARRAY, level, (GLint)format, side >> level, side >> level, layers, 0, GL_RG,
                         GL_FLOAT, NULL);
        }
    }
    glTexParameteri(GL_TEXTURE_2D_ARRAY, GL_TEXTURE_MAX_LEVEL, levels - 1);
    glTexParameteri(GL_TEXTURE_2D_ARRAY, GL_TEXTURE_MIN_FILTER, levels > 1 ? GL_NEAREST_MIPMAP_NEAREST : GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D_ARRAY, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    if (gpu_upload_failed(gpu)) {
        glDeleteTextures(1, &texture);
        return 0;
    }
    return texture;
}

/* Layers the next page of this kind should have: as many as there are already, within all limits; 0: no budget left. */
static int next_page_layers(const Gpu *gpu, PageKind kind) {
    const Atlas *atlas = &gpu->atlas;
    size_t bytes = slot_bytes(gpu, kind), layers = 0;
    for (size_t i = 0; i < atlas->page_count; i++) {
        layers += atlas->pages[i]->kind == kind ? (size_t)atlas->pages[i]->layers : 0;
    }
    size_t left = gpu->info.tile_budget > atlas->allocated ? gpu->info.tile_budget - atlas->allocated : 0;
    int64_t wanted = i64_max((int64_t)layers, first_layers[kind]);
    wanted = i64_min(wanted, i64_min(gpu->info.max_array_layers, 1 << COMPOSE_LAYER_BITS));
    wanted = i64_min(wanted, (int64_t)((gpu->info.software ? PAGE_BYTES_MAX_SOFTWARE : PAGE_BYTES_MAX) / bytes));
    return (int)i64_min(wanted, (int64_t)(left / bytes));
}

static void link_page(Atlas *atlas, TilePage *page) {
    for (int layer = page->layers - 1; layer >= 0; layer--) {
        TileSlot *slot = &page->slots[layer];
        slot->layer = layer;
        slot->page = page;
        slot->older = page->free_slots;
        page->free_slots = slot;
    }
    atlas->pages[atlas->page_count++] = page;
    atlas->slot_count += (size_t)page->layers;
    atlas->allocated += page->bytes;
}

/* STATUS_OK without a new page means: the budget (which may have shrunk) has no room for one. */
static Status add_page(Gpu *gpu, PageKind kind, bool *added, Error *err) {
    Atlas *atlas = &gpu->atlas;
    void *pages = atlas->pages;
    TilePage *page = NULL;
    *added = false;
    int layers = next_page_layers(gpu, kind);
    if (layers <= 0) {
        return STATUS_OK;
    }
    if (mem_grow(&pages, &atlas->page_capacity, atlas->page_count + 1, sizeof *atlas->pages)) {
        atlas->pages = pages;
        page = mem_alloc_zeroed(1, sizeof *page + (size_t)layers * sizeof page->slots[0]);
    }
    if (!page || !table_reserve(atlas, atlas->slot_count + (size_t)layers)) {
        mem_free(page);
        return error_set(err, STATUS_MEMORY, "not enough memory for the list of tiles");
    }
    while (layers > 0 && page->texture == 0) {
        page->layers = layers;
        page->texture = make_texture(gpu, kind, layers);
        layers /= 2;
    }
    if (page->texture == 0) {
        mem_free(page);
        gpu->info.tile_budget = atlas->allocated;
        log_debug("gpu: out of memory, the tile budget is now %zu bytes", gpu->info.tile_budget);
        return STATUS_OK;
    }
    page->kind = kind;
    page->bytes = (size_t)page->layers * slot_bytes(gpu, kind);
    link_page(atlas, page);
    *added = true;
    return STATUS_OK;
}

static int free_slots(const Atlas *atlas, PageKind kind) {
    int count = 0;
    for (size_t i = 0; i < atlas->page_count; i++) {
        const TilePage *page = atlas->pages[i];
        count += page->kind == kind ? page->layers - page->used : 0;
    }
    return count;
}

bool gpu_reserve_ahead(Gpu *gpu, int heads, bool half) {
    const int tiles = AHEAD_SCREEN * (int)i64_clamp(heads, 1, AHEAD_HEADS_MAX);
    PageKind detail = half ? PAGE_DETAIL16 : PAGE_DETAIL32;
    Atlas *atlas = &gpu->atlas;
    bool added = false;
    if (!gpu->info.software || atlas->allocated > gpu->info.tile_budget - gpu->info.tile_budget / AHEAD_FROM_BUDGET) {
        return false;
    }
    if (free_slots(atlas, detail) < tiles && add_page(gpu, detail, &added, NULL) == STATUS_OK && added) {
        return true;
    }
    if (heads > 1 && free_slots(atlas, PAGE_COMPOSITE) < AHEAD_SCREEN &&
        add_page(gpu, PAGE_COMPOSITE, &added, NULL) == STATUS_OK && added) {
        return true;
    }
    return heads > 1 && free_slots(atlas, PAGE_BASE_COMPOSITE) == 0 &&
           add_page(gpu, PAGE_BASE_COMPOSITE, &added, NULL) == STATUS_OK && added;
}

static void drop_page(Gpu *gpu, size_t index) {
    Atlas *atlas = &gpu->atlas;
    TilePage *page = atlas->pages[index];
    for (int layer = 0; layer < page->layers; layer++) {
        if (page->slots[layer].occupied) {
            gpu_atlas_release(gpu, &page->slots[layer]);
            gpu->stats.evictions++;
        }
    }
    glDeleteTextures(1, &page->texture);
    atlas->allocated -= page->bytes;
    atlas->slot_count -= (size_t)page->layers;
    atlas->pages[index] = atlas->pages[--atlas->page_count];
    mem_free(page);
}

/* ---- eviction -------------------------------------------------------------------------------- */

/* The page of another kind that was used least recently and may go; page_count if there is none. */
static size_t stalest_other_page(const Gpu *gpu, PageKind kind) {
    const Atlas *atlas = &gpu->atlas;
    size_t best = atlas->page_count;
    for (size_t i = 0; i < atlas->page_count; i++) {
        const TilePage *page = atlas->pages[i];
        bool used_now = page->used > 0 && page->frame == atlas->frame;
        if (page->kind == kind || used_now || (page->used > 0 && is_protected(page->kind) && !is_protected(kind))) {
            continue;
        }
        if (best == atlas->page_count || page->used == 0 || page->frame < atlas->pages[best]->frame) {
            best = i;
        }
    }
    return best;
}

/* Makes room for one more image of this kind, or says that the current frame needs everything. */
static bool evict_for(Gpu *gpu, PageKind kind) {
    Atlas *atlas = &gpu->atlas;
    TileSlot *own = atlas->oldest[kind];
    if (own && own->frame == atlas->frame) {
        own = NULL;
    }
    size_t other = stalest_other_page(gpu, kind);
    if (other < atlas->page_count &&
        (!own || atlas->pages[other]->used == 0 || atlas->pages[other]->frame < own->frame)) {
        drop_page(gpu, other);
        return true;
    }
    if (own) {
        gpu_atlas_release(gpu, own);
        gpu->stats.evictions++;
    }
    return own != NULL;
}

/* Software GL: pages grow between frames (gpu_reserve_ahead) while there are slots that nobody misses. */
static bool release_stale(Gpu *gpu, PageKind kind) {
    TileSlot *oldest = gpu->atlas.oldest[kind];
    if (!gpu->info.software || has_mips(kind) || !oldest || gpu->atlas.frame - oldest->frame < STALE_FRAMES) {
        return false;
    }
    gpu_atlas_release(gpu, oldest);
    gpu->stats.evictions++;
    return true;
}

bool gpu_atlas_set_aside(Gpu *gpu, size_t bytes) {
    Atlas *atlas = &gpu->atlas;
    atlas->allocated += bytes;
    while (atlas->allocated > gpu->info.tile_budget) {
        size_t page = stalest_other_page(gpu, PAGE_KINDS);
        if (page == atlas->page_count) {
            atlas->allocated -= bytes;
            return false;
        }
        drop_page(gpu, page);
    }
    return true;
}

void gpu_atlas_give_back(Gpu *gpu, size_t bytes) {
    gpu->atlas.allocated -= bytes;
}

Status gpu_atlas_reserve(Gpu *gpu, const TileKey *key, SlotSpace space, PageKind kind, TileSlot **out, Error *err) {
    TileSlot *slot = gpu_atlas_find(gpu, key, space);
    if (slot && slot->page->kind == kind) {
        gpu_atlas_touch(gpu, slot);
        slot->from_source = false;
        slot->rows_missing = 0;
        *out = slot;
        return STATUS_OK;
    }
    if (slot) {
        gpu_atlas_release(gpu, slot);
    }
    while (!(slot = take_free_slot(gpu, kind))) {
        bool added;
        if (release_stale(gpu, kind)) {
            continue;
        }
        Status status = add_page(gpu, kind, &added, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (!added && !evict_for(gpu, kind)) {
            return error_set(err, STATUS_MEMORY, "the GPU budget of %zu MiB is full of what this frame shows",
                             gpu->info.tile_budget >> 20);
        }
    }
    occupy(gpu, slot, key, space);
    *out = slot;
    return STATUS_OK;
}

void gpu_atlas_close(Gpu *gpu) {
    while (gpu->atlas.page_count > 0) {
        drop_page(gpu, gpu->atlas.page_count - 1);
    }
    mem_free(gpu->atlas.pages);
    mem_free(gpu->atlas.table);
    memset(&gpu->atlas, 0, sizeof gpu->atlas);
}

void gpu_set_base_side(Gpu *gpu, int side) {
    if (side == gpu->base_side) {
        return;
    }
    for (size_t i = gpu->atlas.page_count; i > 0; i--) {
        if (has_mips(gpu->atlas.pages[i - 1]->kind)) {
            drop_page(gpu, i - 1);
        }
    }
    gpu->base_side = side;
}

void gpu_frame_advance(Gpu *gpu) {
    gpu->atlas.frame++;
}

void gpu_tile_forget(Gpu *gpu, uint32_t serial) {
    Atlas *atlas = &gpu->atlas;
    for (size_t i = 0; i < atlas->page_count; i++) {
        for (int layer = 0; layer < atlas->pages[i]->layers; layer++) {
            TileSlot *slot = &atlas->pages[i]->slots[layer];
            if (slot->occupied && slot->key.serial == serial) {
                gpu_atlas_release(gpu, slot);
            }
        }
    }
}

void gpu_debug_fail_uploads(Gpu *gpu, int n) {
    gpu->atlas.fail_uploads = n;
}

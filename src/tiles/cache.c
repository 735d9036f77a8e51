/* Finished tiles in RAM: a hash table with chains and a list from newest to oldest, both through links in the nodes, so
 * that adding never allocates. Invariant: every node in the table is on the list, and `bytes` is the sum of node_bytes
 * over it. The scheduler's lock guards it all. */
#include "tiles/internal.h"

enum { BUCKETS = 4096 }; /* 1 GiB of 256 KiB tiles are 4,096 nodes; larger budgets get somewhat longer chains */

static size_t node_bytes(const TileNode *node) {
    return sizeof *node + node->data.size;
}

Status tiles_cache_init(TileCache *cache, size_t budget, Error *err) {
    *cache = (TileCache){.bucket_count = BUCKETS, .budget = budget};
    cache->buckets = mem_alloc_zeroed(BUCKETS, sizeof(TileNode *));
    return cache->buckets != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "not enough memory for the tile cache");
}

static TileNode **bucket_of(const TileCache *cache, const JobId *id) {
    return &cache->buckets[tiles_job_id_hash(id) & (cache->bucket_count - 1)];
}

static void unlink_from_list(TileCache *cache, TileNode *node) {
    *(node->newer != NULL ? &node->newer->older : &cache->newest) = node->older;
    *(node->older != NULL ? &node->older->newer : &cache->oldest) = node->newer;
    node->newer = node->older = NULL;
}

static void link_newest(TileCache *cache, TileNode *node) {
    node->older = cache->newest;
    node->newer = NULL;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = node;
    cache->newest = node;
}

static void remove_node(TileCache *cache, TileNode *node) {
    JobId id = tiles_node_id(node);
    TileNode **link = bucket_of(cache, &id);
    while (*link != node) {
        link = &(*link)->hash_next;
    }
    *link = node->hash_next;
    node->hash_next = NULL;
    unlink_from_list(cache, node);
    cache->count--;
    cache->bytes -= node_bytes(node);
    tiles_data_drop(&node->data);
}

void tiles_cache_clear(TileCache *cache) {
    while (cache->oldest != NULL) {
        remove_node(cache, cache->oldest);
    }
    mem_free(cache->buckets);
    *cache = (TileCache){0};
}

TileNode *tiles_cache_find(TileCache *cache, const JobId *id) {
    TileNode *node = *bucket_of(cache, id);
    for (; node != NULL; node = node->hash_next) {
        JobId other = tiles_node_id(node);
        if (tiles_job_id_equal(&other, id)) {
            unlink_from_list(cache, node);
            link_newest(cache, node);
            return node;
        }
    }
    return NULL;
}

void tiles_cache_add(TileCache *cache, TileNode *node) {
    JobId id = tiles_node_id(node);
    TileNode *known = tiles_cache_find(cache, &id);
    if (known != NULL && known->data.estimate > 0 &&
        (node->data.estimate == 0 || node->data.estimate > known->data.estimate)) {
        remove_node(cache, known);
        known = NULL;
    }
    if (node_bytes(node) > cache->budget || known != NULL) {
        return;
    }
    while (cache->bytes + node_bytes(node) > cache->budget) {
        remove_node(cache, cache->oldest);
        cache->evictions++;
    }
    TileNode **bucket = bucket_of(cache, &id);
    node->hash_next = *bucket;
    *bucket = node;
    link_newest(cache, node);
    cache->count++;
    cache->bytes += node_bytes(node);
    tiles_data_hold(&node->data);
}

void tiles_cache_forget(TileCache *cache, uint32_t serial) {
    TileNode *next;
    for (TileNode *node = cache->newest; node != NULL; node = next) {
        next = node->older;
        if (node->data.key.serial == serial) {
            remove_node(cache, node);
        }
    }
}

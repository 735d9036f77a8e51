/* Allocation with a counter and with failures on demand, and arenas.
 *
 * An arena is a list of blocks; the head is the one being filled:
 *
 *     head -> [next|capacity|used| bytes ....... ] -> [ full block ] -> [ full block ] -> NULL
 *
 * Each new block is at least twice as large as the head, so a per-frame arena that keeps its largest block at reset
 * fits into that one block after a frame or two and then allocates nothing. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#else
#include <unistd.h>
#endif

#define ARENA_ALIGNMENT ((size_t)16)
#define ARENA_FIRST_BLOCK ((size_t)16 * 1024)
#define GROW_FIRST ((size_t)8)

static atomic_uint_fast64_t allocation_count;
static atomic_uint_fast64_t fail_countdown; /* 0: off; 1: the next allocation fails */
static atomic_bool fail_sticky;

static bool injected_failure(void) {
    uint_fast64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left > 0) {
        uint_fast64_t after = left - 1;
        if (left == 1 && atomic_load(&fail_sticky)) {
            return true;
        }
        if (atomic_compare_exchange_weak(&fail_countdown, &left, after)) {
            return left == 1;
        }
    }
    return false;
}

/* PTRDIFF_MAX: larger objects would break pointer differences, and no allocator has them. */
static bool may_allocate(size_t size) {
    return !injected_failure() && size <= PTRDIFF_MAX;
}

static void *counted(void *p) {
    if (p) {
        atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    }
    return p;
}

uint64_t mem_machine_bytes(void) {
#ifdef __APPLE__
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    return sysctlbyname("hw.memsize", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
#else
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
#endif
}

/* A size of 0 gives a pointer too, so that NULL always means failure. */
static size_t at_least_one(size_t size) {
    return size ? size : 1;
}

void *mem_alloc(size_t size) {
    return may_allocate(size) ? counted(malloc(at_least_one(size))) : NULL;
}

void *mem_alloc_zeroed(size_t count, size_t size) {
    size_t total;
    if (!size_mul(count, size, &total) || !may_allocate(total)) {
        return NULL;
    }
    return counted(calloc(at_least_one(total), 1));
}

void *mem_realloc(void *old, size_t size) {
    return may_allocate(size) ? counted(realloc(old, at_least_one(size))) : NULL;
}

void mem_free(void *p) {
    free(p);
}

char *mem_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

bool mem_grow(void **items, size_t *capacity, size_t needed, size_t item_size) {
    if (needed <= *capacity) {
        return true;
    }
    size_t wanted = *capacity < GROW_FIRST ? GROW_FIRST : *capacity;
    if (!size_mul(wanted, 2, &wanted) || wanted < needed) {
        wanted = needed;
    }
    size_t bytes;
    if (!size_mul(wanted, item_size, &bytes)) {
        return false;
    }
    void *grown = mem_realloc(*items, bytes);
    if (!grown) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

uint64_t mem_allocation_count(void) {
    return atomic_load_explicit(&allocation_count, memory_order_relaxed);
}

void mem_fail_after(uint64_t n, bool sticky) {
    atomic_store(&fail_sticky, sticky);
    atomic_store(&fail_countdown, n);
}

struct ArenaBlock {
    struct ArenaBlock *next;
    size_t capacity, used;
    _Alignas(16) unsigned char bytes[];
};

static struct ArenaBlock *arena_add_block(Arena *arena, size_t size) {
    struct ArenaBlock *head = arena->head;
    size_t capacity = ARENA_FIRST_BLOCK;
    if (head && !size_mul(head->capacity, 2, &capacity)) {
        capacity = size;
    }
    capacity = capacity < size ? size : capacity;
    size_t total;
    if (!size_add(capacity, sizeof(struct ArenaBlock), &total)) {
        return NULL;
    }
    struct ArenaBlock *block = mem_alloc(total);
    if (!block) {
        return NULL;
    }
    block->next = head;
    block->capacity = capacity;
    block->used = 0;
    arena->head = block;
    return block;
}

void *arena_alloc(Arena *arena, size_t size) {
    size_t padded;
    if (!size_add(size, ARENA_ALIGNMENT - 1, &padded)) {
        return NULL;
    }
    padded &= ~(ARENA_ALIGNMENT - 1);
    struct ArenaBlock *block = arena->head;
    if (!block || block->capacity - block->used < padded) {
        block = arena_add_block(arena, padded);
        if (!block) {
            return NULL;
        }
    }
    void *p = block->bytes + block->used;
    block->used += padded;
    arena->used_total += padded;
    return memset(p, 0, size);
}

char *arena_copy_text(Arena *arena, const char *text, size_t length) {
    size_t size;
    char *copy = size_add(length, 1, &size) ? arena_alloc(arena, size) : NULL;
    if (copy && length) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_format(Arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length >= 0 ? arena_alloc(arena, (size_t)length + 1) : NULL;
    if (text) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

void arena_reset(Arena *arena) {
    struct ArenaBlock *largest = arena->head;
    for (struct ArenaBlock *block = arena->head; block; block = block->next) {
        largest = block->capacity > largest->capacity ? block : largest;
    }
    for (struct ArenaBlock *block = arena->head; block;) {
        struct ArenaBlock *next = block->next;
        if (block != largest) {
            mem_free(block);
        }
        block = next;
    }
    if (largest) {
        largest->next = NULL;
        largest->used = 0;
    }
    arena->head = largest;
    arena->used_total = 0;
}

void arena_free(Arena *arena) {
    for (struct ArenaBlock *block = arena->head; block;) {
        struct ArenaBlock *next = block->next;
        mem_free(block);
        block = next;
    }
    *arena = (Arena){0};
}

/* base: what every other folder stands on. No SDL, no GL, no project knowledge.
 *
 * One section for each .c file: status.c memory.c number.c text.c thread.c clock.c file.c folder.c log.c
 * All functions are thread-safe unless their comment says otherwise. */
#ifndef ATTNSCOPE_BASE_H
#define ATTNSCOPE_BASE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define BASE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define BASE_PRINTF(fmt, first)
#endif

#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- status.c : results of fallible calls ---------------------------------------------------- */

/* 0 is success, negative is failure. The sentence for a person is in Error. */
typedef enum Status {
    STATUS_OK = 0,
    STATUS_USAGE = -1,       /* a wrong argument or command */
    STATUS_IO = -2,          /* the system refused a read, write, open ... */
    STATUS_FORMAT = -3,      /* the bytes are not what the format prescribes */
    STATUS_UNSUPPORTED = -4, /* well-formed, but not something we read */
    STATUS_MEMORY = -5,      /* an allocation failed or a cap was reached */
    STATUS_RANGE = -6,       /* an index or size outside what exists */
    STATUS_CANCELLED = -7,   /* the caller's cancel flag was seen */
    STATUS_GPU = -8,         /* the driver refused something */
    STATUS_NOT_FOUND = -9,   /* no such file, set, layer, font ... */
} Status;

#define ERROR_MESSAGE_SIZE 512
#define ERROR_FILE_SIZE 256

/* Caller-owned, zero-initialised. `message` is one sentence without the file's name and without a final
 * full stop; `file` may be empty; `offset` is a byte offset into the file, or -1 where it has no meaning. */
typedef struct Error {
    Status status;
    char message[ERROR_MESSAGE_SIZE];
    char file[ERROR_FILE_SIZE];
    int64_t offset;
} Error;

/* Fills *err (may be NULL) and returns `status`, so that a failing function ends `return error_set(...)`. */
Status error_set(Error *err, Status status, const char *format, ...) BASE_PRINTF(3, 4);
/* The same, with file and byte offset (offset -1: none). */
Status error_set_at(Error *err, Status status, const char *file, int64_t offset, const char *format, ...)
    BASE_PRINTF(5, 6);
/* Writes "file: message (at byte N)" into out; always NUL-terminated. */
void error_format(const Error *err, char *out, size_t out_size);
/* The system's words for an errno value, written into out (out_size > 0); returns out. */
const char *error_system_text(int code, char *out, size_t out_size);

/* ---- memory.c : allocation that can be made to fail, arenas ---------------------------------- */

/* Like malloc/calloc/realloc/free, but counted, and failing on demand (tests). NULL on failure. */
void *mem_alloc(size_t size);
void *mem_alloc_zeroed(size_t count, size_t size); /* checks count * size for overflow */
void *mem_realloc(void *old, size_t size);
void mem_free(void *p);
char *mem_strdup(const char *text);
/* Grows *items (elements of item_size) so that it holds at least `needed`; doubles. False on failure, *items kept. */
bool mem_grow(void **items, size_t *capacity, size_t needed, size_t item_size);

/* Number of successful allocations of this process so far: the "steady frame allocates nothing" test. */
uint64_t mem_allocation_count(void);
/* Bytes of memory that the machine has; 0 where it does not say. */
uint64_t mem_machine_bytes(void);
/* The n-th allocation from now (1 = the next) fails, and all after it while sticky; 0 switches injection off. */
void mem_fail_after(uint64_t n, bool sticky);

/* Arena: many small allocations released together. Not thread-safe. Zero-initialised is valid and empty. */
typedef struct Arena {
    struct ArenaBlock *head;
    size_t used_total; /* bytes handed out since the last reset */
} Arena;
void *arena_alloc(Arena *arena, size_t size);                         /* zeroed, 16-byte aligned; NULL on failure */
char *arena_copy_text(Arena *arena, const char *text, size_t length); /* adds the NUL */
char *arena_format(Arena *arena, const char *format, ...) BASE_PRINTF(2, 3);
void arena_reset(Arena *arena); /* keeps the largest block, so a per-frame arena stops allocating */
void arena_free(Arena *arena);

/* ---- number.c : checked arithmetic and small float formats ----------------------------------- */

bool size_mul(size_t a, size_t b, size_t *out); /* false on overflow */
bool size_add(size_t a, size_t b, size_t *out);
bool i64_mul(int64_t a, int64_t b, int64_t *out);
bool i64_add(int64_t a, int64_t b, int64_t *out);
/* Inline: they stand in the innermost loops. */
static inline int64_t i64_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t i64_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}
static inline int64_t i64_clamp(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}
static inline int64_t i64_ceil_div(int64_t a, int64_t b) { /* a >= 0, b > 0 */
    return a / b + (a % b != 0);
}
static inline double f64_clamp(double v, double lo, double hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

/* The bits of a float, and back. */
static inline uint32_t f32_bits(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline float f32_from_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* IEEE binary16 <-> binary32, round to nearest even, subnormals, Inf and NaN kept. */
uint16_t f16_from_f32(float v);
float f32_from_f16(uint16_t h);
float f32_from_bf16(uint16_t h);
uint16_t bf16_from_f32(float v);   /* nearest even */
float f32_from_f8_e4m3(uint8_t b); /* OCP E4M3 "fn": no Inf, 0x7f/0xff NaN */
float f32_from_f8_e5m2(uint8_t b);
/* Arrays of them; F16C / AVX where the machine has it. */
void f32_from_f16_array(const uint16_t *in, float *out, size_t count);
void f16_from_f32_array(const float *in, uint16_t *out, size_t count);

/* 64-bit mixing hash (splitmix64 finaliser) and FNV-1a over bytes. */
uint64_t hash_u64(uint64_t v);
uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);

/* ---- text.c : UTF-8, parsing numbers, building strings --------------------------------------- */

/* Decodes one code point at text[*at]; advances *at by 1..4. Invalid bytes give 0xFFFD and advance 1. */
uint32_t utf8_decode(const char *text, size_t length, size_t *at);
/* Writes 1..4 bytes (no NUL), returns how many. Invalid code points write U+FFFD. */
size_t utf8_encode(uint32_t code, char out[4]);
bool utf8_valid(const char *text, size_t length);
bool text_equal_nocase(const char *a, const char *b); /* ASCII */
bool text_ends_with(const char *text, const char *suffix);
bool text_starts_with(const char *text, const char *prefix);
/* Whole string must be the number (no trailing junk, no overflow). */
bool text_parse_i64(const char *text, int64_t *out);
bool text_parse_f64(const char *text, double *out);
/* Counts with thousands separators: 131072 -> "131,072". */
void text_format_count(int64_t value, char *out, size_t out_size);
/* Bytes for people: "2.7 GB". */
void text_format_bytes(uint64_t bytes, char *out, size_t out_size);

/* Growing, always NUL-terminated string. Zero-initialised is valid. `failed` sticks on an allocation failure. */
typedef struct TextBuffer {
    char *text;
    size_t length, capacity;
    bool failed;
} TextBuffer;
void text_append(TextBuffer *buffer, const char *text);
void text_append_bytes(TextBuffer *buffer, const char *bytes, size_t length);
void text_appendf(TextBuffer *buffer, const char *format, ...) BASE_PRINTF(2, 3);
/* Appends a JSON string literal with quotes; invalid UTF-8 becomes U+FFFD. NULL appends null. */
void text_append_json(TextBuffer *buffer, const char *text);
/* Appends a JSON number ("null" for NaN/Inf), shortest form that reads back as the same float/double. */
void text_append_json_f32(TextBuffer *buffer, float value);
void text_append_json_f64(TextBuffer *buffer, double value);
void text_buffer_free(TextBuffer *buffer);

/* ---- thread.c : threads, locks, cancellation ------------------------------------------------- */

typedef struct Thread Thread;
typedef struct Mutex Mutex;
typedef struct Cond Cond;

/* Starts a thread; *out is released by thread_join. `low_priority` asks for a nicer one where possible. */
Status thread_start(Thread **out, void (*run)(void *user), void *user, const char *name, bool low_priority, Error *err);
void thread_join(Thread *thread); /* NULL is allowed */
int thread_core_count(void);      /* usable cores, >= 1 */
Mutex *mutex_new(void);           /* NULL on failure */
void mutex_drop(Mutex *mutex);
void mutex_lock(Mutex *mutex);
bool mutex_try_lock(Mutex *mutex); /* false: somebody holds it */
void mutex_unlock(Mutex *mutex);
Cond *cond_new(void);
void cond_drop(Cond *cond);
void cond_wait(Cond *cond, Mutex *mutex);
/* False when the time ran out. */
bool cond_wait_for(Cond *cond, Mutex *mutex, uint64_t timeout_ns);
void cond_signal(Cond *cond);
void cond_broadcast(Cond *cond);

/* A flag that long work looks at at least every 2 ms. NULL means "never cancelled". */
typedef struct CancelFlag {
    atomic_bool set;
} CancelFlag;
bool cancel_requested(const CancelFlag *flag);

/* ---- clock.c : time that tests and recordings can replace ------------------------------------ */

typedef struct Clock {
    uint64_t (*now_ns)(void *user); /* monotonic, nanoseconds */
    void *user;
} Clock;
Clock clock_system(void);
uint64_t clock_now_ns(const Clock *clock);
void clock_sleep_ns(uint64_t ns);

/* A clock that stands still until told otherwise. */
typedef struct ManualClock {
    uint64_t now_ns;
} ManualClock;
Clock clock_manual(ManualClock *manual); /* borrows `manual` */

/* ---- file.c : the only place that opens files ------------------------------------------------ */

typedef struct File File;
typedef struct FileInfo {
    uint64_t size;
    int64_t mtime_ns;
    uint64_t device, inode;
    bool is_directory;
} FileInfo;

Status file_open_read(const char *path, File **out, Error *err);
/* An unlinked temporary file, read and write; gone when closed. `directory` NULL: $TMPDIR or /tmp. */
Status file_open_temporary(const char *directory, File **out, Error *err);
void file_close(File *file); /* NULL is allowed */
/* Positioned read of exactly `size` bytes (pread, loops on EINTR and short reads). A file that has become shorter
 * is STATUS_IO with a sentence that says so. Thread-safe on one File. */
Status file_read_at(const File *file, uint64_t offset, void *out, size_t size, Error *err);
Status file_write_at(File *file, uint64_t offset, const void *data, size_t size, Error *err);
Status file_info(const File *file, FileInfo *out, Error *err);
Status file_path_info(const char *path, FileInfo *out, Error *err);
/* A number for size, time, device and inode: two that differ are of files that differ, or of one that was written to. */
uint64_t file_sign(const FileInfo *info, uint64_t seed);
bool file_exists(const char *path);
/* Whole small file, at most `cap` bytes; *out is mem_alloc'ed with a NUL added after *size bytes. */
Status file_read_all(const char *path, size_t cap, char **out, size_t *size, Error *err);
/* Writes to a temporary neighbour and renames: readers see the old or the whole new file. */
Status file_write_all(const char *path, const void *data, size_t size, Error *err);
/* The same bit by bit, for what is too large for memory. Ends with one of commit, which puts the file in its place
 * and fails if any write did, and discard, which leaves no trace. Pipes and devices are written at once. */
typedef struct FileWriter FileWriter;
Status file_writer_open(const char *path, FileWriter **out, Error *err);
Status file_writer_write(FileWriter *writer, const void *data, size_t size, Error *err);
Status file_writer_commit(FileWriter *writer, Error *err);  /* releases the writer */
void file_writer_discard(FileWriter *writer);               /* likewise; NULL is allowed */
Status file_make_directories(const char *path, Error *err); /* like mkdir -p */

typedef enum XdgKind { XDG_CONFIG, XDG_STATE, XDG_CACHE, XDG_DATA } XdgKind;
/* "$XDG_STATE_HOME/attnscope/name" (or its default below $HOME), NULL-safe; false if no home is known. Creates
 * nothing. */
bool file_xdg_path(XdgKind kind, const char *name, char *out, size_t out_size);
/* Directory of the running executable, without a trailing slash. */
bool file_executable_directory(char *out, size_t out_size);
/* Part after the last slash; borrows from path. */
const char *file_base_name(const char *path);

/* ---- folder.c : what caches need ------------------------------------------------------------- */

/* Calls `visit` for each entry, in no order, until it returns false. False when the folder cannot be read. */
bool folder_visit(const char *path, bool (*visit)(void *user, const char *name, const FileInfo *info), void *user);
bool file_remove(const char *path);                 /* a file, or a folder that is empty */
bool file_rename(const char *from, const char *to); /* replaces */
bool file_touch(const char *path);                  /* modified now */

/* ---- log.c : for developers; off unless ATTNSCOPE_LOG is set --------------------------------- */

void log_debug(const char *format, ...) BASE_PRINTF(1, 2);

#endif

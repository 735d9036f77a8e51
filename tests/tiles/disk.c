/* Base tiles on disk: found again, never when damaged or of another file, and no trouble when nothing can be written. */
#include "test_tiles.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERIAL = 3, SIDE = 2304 }; /* a pattern large enough to be worth keeping */

typedef struct Disk {
    char root[64], source[96], cache[96];
    Fixture *fixture;
} Disk;

static void write_source(const Disk *disk, const char *text) {
    assert_int_equal(file_write_all(disk->source, text, strlen(text), NULL), STATUS_OK);
}

static int set_up(void **state) {
    Disk *disk = calloc(1, sizeof *disk);
    assert_non_null(disk);
    snprintf(disk->root, sizeof disk->root, "/tmp/attnscope-disk-XXXXXX");
    assert_non_null(mkdtemp(disk->root));
    snprintf(disk->source, sizeof disk->source, "%s/capture", disk->root);
    snprintf(disk->cache, sizeof disk->cache, "%s/cache", disk->root);
    write_source(disk, "stands for the file of the capture");
    disk->fixture = fixture_new(FIXTURE_CAUSAL, 1, 1, SIDE, SIDE, 5);
    *state = disk;
    return 0;
}

static int tear_down(void **state) {
    Disk *disk = *state;
    char line[128];
    fixture_drop(disk->fixture);
    snprintf(line, sizeof line, "chmod -R u+w %s; rm -r %s", disk->root, disk->root);
    assert_int_equal(system(line), 0);
    free(disk);
    return 0;
}

static DiskStore *open_store(const Disk *disk, const char *reading, uint64_t cap) {
    const char *paths[] = {disk->source};
    DiskParams params = {.folder = disk->cache, .paths = paths, .path_count = 1, .reading = reading, .cap_bytes = cap};
    DiskStore *store = NULL;
    Error err = {0};
    if (tiles_disk_open(&params, &store, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return store;
}

/* The base tile of the fixture, by a scheduler of its own that has `store`. */
static TileData *make_base(const Disk *disk, DiskStore *store) {
    Scheduler *s = NULL;
    SchedulerParams params = {.workers = -1};
    TileWant want = {.kind = JOB_BASE, .capture = disk->fixture->capture, .key = {.serial = SERIAL, .lq = 4, .lk = 4}};
    assert_int_equal(tiles_scheduler_new(&params, &s, NULL), STATUS_OK);
    tiles_scheduler_use_disk(s, SERIAL, store);
    assert_int_equal(tiles_scheduler_want(s, &want, 1, NULL), STATUS_OK);
    TileData *data = tiles_scheduler_take(s);
    assert_non_null(data);
    assert_int_equal(data->status, STATUS_OK);
    tiles_scheduler_forget(s, SERIAL);
    tiles_scheduler_drop(s);
    return data;
}

static void assert_same(const TileData *a, const TileData *b) {
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->texels, b->texels, a->size);
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->mip_count, b->mip_count);
    assert_memory_equal(a->mip_offset, b->mip_offset, sizeof a->mip_offset[0] * (size_t)a->mip_count);
    assert_true(a->max_value == b->max_value);
    assert_memory_equal(a->auto_high, b->auto_high, sizeof a->auto_high);
    assert_true(tiles_key_equal(&a->key, &b->key));
}

/* One pass: what was expected of the store, and the same tile in any case. */
static void expect(const Disk *disk, const TileData *wanted, const char *reading, uint64_t hits, uint64_t damaged) {
    DiskStore *store = open_store(disk, reading, 0);
    TileData *data = make_base(disk, store);
    DiskStats stats = tiles_disk_stats(store);
    assert_int_equal(stats.hits, hits);
    assert_int_equal(stats.stored, 1 - hits);
    assert_int_equal(stats.damaged, damaged);
    assert_same(wanted, data);
    tiles_data_drop(data);
    tiles_disk_close(store);
}

/* Path of the only tile in the cache. */
static void find_tile(const Disk *disk, char *out, size_t out_size) {
    char line[160];
    snprintf(line, sizeof line, "find %s -name '*.tile'", disk->cache);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(out, (int)out_size, pipe));
    out[strcspn(out, "\n")] = 0;
    pclose(pipe);
}

static void test_found_again(void **state) {
    const Disk *disk = *state;
    TileData *plain = make_base(disk, NULL);
    expect(disk, plain, NULL, 0, 0);
    expect(disk, plain, NULL, 1, 0);
    expect(disk, plain, "qk", 0, 0); /* the same file, read otherwise */
    tiles_data_drop(plain);
}

static void know_rows(const Fixture *f, double *lse, bool known) {
    int64_t missing0, missing1;
    assert_int_equal(capture_lse_known(f->capture, (PatternRef){0}, 0, SIDE, lse, &missing0, &missing1, NULL),
                     STATUS_OK);
    assert_true((missing0 >= missing1) == known);
}

/* Row normalisers of Q and K come back with the overview, to the last bit; damaged ones do not. */
static void test_normalisers_too(void **state) {
    const Disk *disk = *state;
    double *computed = malloc(SIDE * sizeof *computed), *found = malloc(SIDE * sizeof *found);
    char path[256];
    assert_true(computed != NULL && found != NULL);
    for (int round = 0; round < 3; round++) {
        Disk again = *disk;
        again.fixture = fixture_new(FIXTURE_FACTORED_CAUSAL, 1, 1, SIDE, SIDE, 5);
        know_rows(again.fixture, found, false);
        DiskStore *store = open_store(&again, NULL, 0);
        TileData *data = make_base(&again, store);
        assert_int_equal(tiles_disk_stats(store).hits, round == 1 ? 1 : 0);
        assert_int_equal(tiles_disk_stats(store).damaged, round == 2 ? 1 : 0);
        know_rows(again.fixture, round == 0 ? computed : found, true);
        if (round == 1) {
            assert_memory_equal(found, computed, SIDE * sizeof *found);
            find_tile(disk, path, sizeof path);
            FILE *file = fopen(path, "r+b"); /* a bit of the last normaliser */
            assert_non_null(file);
            assert_int_equal(fseek(file, -3, SEEK_END), 0);
            int byte = fgetc(file);
            assert_int_equal(fseek(file, -3, SEEK_END), 0);
            assert_true(fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
        }
        tiles_data_drop(data);
        tiles_disk_close(store);
        fixture_drop(again.fixture);
    }
    free(computed);
    free(found);
}

static void test_another_file_under_the_same_name(void **state) {
    const Disk *disk = *state;
    TileData *plain = make_base(disk, NULL);
    expect(disk, plain, NULL, 0, 0);
    write_source(disk, "another file that stands in its place");
    expect(disk, plain, NULL, 0, 0);
    tiles_data_drop(plain);
}

static void test_damage_at_any_byte_is_seen(void **state) {
    const Disk *disk = *state;
    char path[256];
    TileData *plain = make_base(disk, NULL);
    expect(disk, plain, NULL, 0, 0);
    find_tile(disk, path, sizeof path);
    FileInfo info;
    assert_int_equal(file_path_info(path, &info, NULL), STATUS_OK);
    const uint64_t places[] = {0, 9, 40, 97, 101, 120, 250, 262, 300, info.size / 2, info.size - 1};
    for (size_t i = 0; i < BASE_COUNT(places); i++) {
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, (long)places[i], SEEK_SET), 0);
        int byte = fgetc(file);
        assert_int_equal(fseek(file, (long)places[i], SEEK_SET), 0);
        fputc(byte ^ 0x41, file);
        fclose(file);
        expect(disk, plain, NULL, 0, 1); /* computed, and written anew */
        expect(disk, plain, NULL, 1, 0);
    }
    assert_int_equal(truncate(path, (off_t)info.size - 5), 0);
    expect(disk, plain, NULL, 0, 1);
    assert_int_equal(truncate(path, 3), 0);
    expect(disk, plain, NULL, 0, 1);
    tiles_data_drop(plain);
}

static void test_nothing_can_be_written(void **state) {
    const Disk *disk = *state;
    TileData *plain = make_base(disk, NULL);
    /* A file where the folder should be: fails for every user, root too. */
    assert_int_equal(file_write_all(disk->cache, "x", 1, NULL), STATUS_OK);
    DiskStore *store = open_store(disk, NULL, 0);
    for (int i = 0; i < 2; i++) {
        TileData *data = make_base(disk, store);
        assert_same(plain, data);
        tiles_data_drop(data);
        DiskStats stats = tiles_disk_stats(store);
        assert_true(stats.stopped);
        assert_int_equal(stats.stored, 0);
        assert_true(stats.reason[0] != 0);
    }
    tiles_disk_close(store);
    tiles_data_drop(plain);
}

/* A limit on the size of files stands in for a full disk: the same failure of write() at the same place. */
static void test_full_disk(void **state) {
    const Disk *disk = *state;
    TileData *plain = make_base(disk, NULL);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    DiskStore *store = open_store(disk, NULL, 0);
    small = before;
    small.rlim_cur = 100; /* the tile's header fits, its texels do not */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    TileData *data = make_base(disk, store);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    DiskStats stats = tiles_disk_stats(store);
    assert_same(plain, data);
    assert_true(stats.stopped);
    assert_int_equal(stats.stored, 0);
    tiles_data_drop(data);
    tiles_disk_close(store);
    char line[160];
    snprintf(line, sizeof line, "test -z \"$(find %s -type f -size -2 -name '*.tile*')\"", disk->cache);
    assert_int_equal(system(line), 0); /* nothing half written is left */
    expect(disk, plain, NULL, 0, 0);
    tiles_data_drop(plain);
}

static void test_rewritten_while_open(void **state) {
    const Disk *disk = *state;
    DiskStore *store = open_store(disk, NULL, 0);
    write_source(disk, "rewritten by somebody while it is open");
    TileData *data = make_base(disk, store);
    DiskStats stats = tiles_disk_stats(store);
    assert_true(stats.stopped);
    assert_int_equal(stats.stored, 0);
    tiles_data_drop(data);
    tiles_disk_close(store);
}

static void test_old_captures_make_room(void **state) {
    const Disk *disk = *state;
    char folder[160], path[200];
    static char filler[100000];
    for (int i = 0; i < 3; i++) {
        snprintf(folder, sizeof folder, "%s/000000000000000%d", disk->cache, i);
        snprintf(path, sizeof path, "%s/a.tile", folder);
        assert_int_equal(file_make_directories(folder, NULL), STATUS_OK);
        assert_int_equal(file_write_all(path, filler, sizeof filler, NULL), STATUS_OK);
        struct timespec times[2] = {{.tv_sec = 1000 - i}, {.tv_sec = 1000 - i}}; /* 2 is the oldest */
        assert_int_equal(utimensat(AT_FDCWD, folder, times, 0), 0);
    }
    DiskStore *store = open_store(disk, NULL, 2 * sizeof filler);
    TileData *data = make_base(disk, store);
    assert_int_equal(tiles_disk_stats(store).stored, 1);
    for (int i = 0; i < 3; i++) {
        snprintf(folder, sizeof folder, "%s/000000000000000%d", disk->cache, i);
        assert_int_equal(file_exists(folder), i < 2);
    }
    tiles_data_drop(data);
    tiles_disk_close(store);
}

static void test_standard_input_has_no_identity(void **state) {
    const Disk *disk = *state;
    const char *paths[] = {"-"};
    DiskParams params = {.folder = disk->cache, .paths = paths, .path_count = 1};
    DiskStore *store = NULL;
    Error err = {0};
    assert_int_equal(tiles_disk_open(&params, &store, &err), STATUS_NOT_FOUND);
    assert_null(store);
}

int test_disk_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_normalisers_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_file_under_the_same_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_at_any_byte_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_can_be_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rewritten_while_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_captures_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_standard_input_has_no_identity, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "movie/ffmpeg.h"

int ffmpeg_make_folder(void **state) {
    Folder *folder = calloc(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/attnscope-record-XXXXXX");
    if (!mkdtemp(folder->path)) return 1;
    *state = folder;
    return 0;
}

int ffmpeg_remove_folder(void **state) {
    Folder *folder = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder->path);
    unsetenv("ATTNSCOPE_FFMPEG");
    unsetenv("ATTNSCOPE_ENCODER_TIMEOUT");
    const int code = system(command);
    free(folder);
    return code;
}

const char *ffmpeg_in(Folder *folder, const char *name) {
    snprintf(folder->name, sizeof folder->name, "%s/%s", folder->path, name);
    return folder->name;
}

void ffmpeg_play(Folder *folder, const char *body) {
    char path[128], text[512];
    snprintf(path, sizeof path, "%s/ffmpeg", folder->path);
    const int length = snprintf(text, sizeof text, "#!/bin/sh\nfor out; do :; done\nout=${out#file:}\n%s\n", body);
    assert_int_equal(file_write_all(path, text, (size_t)length, NULL), STATUS_OK);
    chmod(path, 0755);
    setenv("ATTNSCOPE_FFMPEG", path, 1);
}

size_t ffmpeg_frames(const char *path, uint8_t *values, size_t most) {
    char *bytes;
    size_t size;
    assert_int_equal(file_read_all(path, 1 << 26, &bytes, &size, NULL), STATUS_OK);
    assert_int_equal(size % FRAME, 0);
    for (size_t i = 0; i < size / FRAME && i < most; i++)
        values[i] = (uint8_t)bytes[i * FRAME];
    mem_free(bytes);
    return size / FRAME;
}

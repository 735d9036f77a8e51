/* Where a recording goes. The name tells the format. A movie grows under NAME.part, which is made before the first
 * frame is drawn, so that a folder that cannot be written is known at once, and which only a complete recording
 * gives its name. Pictures are written whole, each by itself, so that what there is can be used at any time. */
#include "movie/movie.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0666
#define FOLDER_MODE 0777
#define FOLDER_DIGITS 5
#define FOLDER_TRIES 1000

static const struct {
    const char *ending;
    MovieFormat format;
} ENDINGS[] = {{".mp4", MOVIE_MP4}, {".webm", MOVIE_WEBM}, {".gif", MOVIE_GIF}, {".webp", MOVIE_WEBP}};

static Status system_error(Error *err, const char *path, int code, const char *what) {
    char reason[128];
    return error_set_at(err, STATUS_IO, path, -1, "%s: %s", what, error_system_text(code, reason, sizeof reason));
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_with_nocase(const char *text, const char *ending) {
    const size_t length = strlen(text), tail = strlen(ending);
    return length > tail && text_equal_nocase(text + length - tail, ending);
}

/* ---- names ----------------------------------------------------------------------------------- */

static Status wrong_name(const char *path, Error *err) {
    return error_set(err, STATUS_USAGE,
                     "cannot record to '%.200s': the name of a movie ends in .mp4, .webm, .gif or .webp; PNG pictures "
                     "go to a folder, or to a "
                     "name such as frame-%%04d.png",
                     path);
}

/* "DIR/x-%04d.png": exactly one %d or %0Nd, in the name and not in the folder. */
static Status parse_pattern(const char *path, MovieOutput *out, Error *err) {
    const char *base = file_base_name(path), *percent = strchr(base, '%');
    if (!percent || strchr(percent + 1, '%')) return wrong_name(path, err);
    const char *at = percent + 1;
    out->digits = 1;
    if (*at == '0') {
        if (!isdigit((unsigned char)at[1])) return wrong_name(path, err);
        out->digits = at[1] - '0';
        at += 2;
    }
    if (*at != 'd' || out->digits < 1 || (size_t)(percent - base) >= sizeof out->stem ||
        strlen(at + 1) >= sizeof out->tail) {
        return wrong_name(path, err);
    }
    memcpy(out->stem, base, (size_t)(percent - base));
    snprintf(out->tail, sizeof out->tail, "%s", at + 1);
    const size_t folder = (size_t)(base - path);
    if (folder == 0)
        snprintf(out->path, sizeof out->path, ".");
    else {
        memcpy(out->path, path, folder);
        while (strlen(out->path) > 1 && out->path[strlen(out->path) - 1] == '/')
            out->path[strlen(out->path) - 1] = 0;
    }
    return STATUS_OK;
}

static void use_folder(MovieOutput *out) {
    out->format = MOVIE_PNG;
    out->digits = FOLDER_DIGITS;
    snprintf(out->stem, sizeof out->stem, "frame-");
    snprintf(out->tail, sizeof out->tail, ".png");
}

Status movie_output_parse(const char *path, MovieOutput *out, Error *err) {
    memset(out, 0, sizeof *out);
    const size_t length = strlen(path);
    if (length == 0) return error_set(err, STATUS_USAGE, "the recording needs a file's name");
    if (length + 32 >= sizeof out->path) return error_set(err, STATUS_USAGE, "the name of the recording is too long");
    if (path[length - 1] != '/' && !is_folder(path)) {
        for (size_t i = 0; i < BASE_COUNT(ENDINGS); i++) {
            if (!ends_with_nocase(path, ENDINGS[i].ending)) continue;
            out->format = ENDINGS[i].format;
            snprintf(out->path, sizeof out->path, "%s", path);
            snprintf(out->part, sizeof out->part, "%s.part", path);
            snprintf(out->palette, sizeof out->palette, "%s.palette.part", path);
            snprintf(out->second, sizeof out->second, "%s.2.part", path);
            return STATUS_OK;
        }
        if (ends_with_nocase(path, ".png")) {
            out->format = MOVIE_PNG;
            return parse_pattern(path, out, err);
        }
        if (strchr(file_base_name(path), '.')) return wrong_name(path, err);
    }
    use_folder(out);
    snprintf(out->path, sizeof out->path, "%s", path);
    while (strlen(out->path) > 1 && out->path[strlen(out->path) - 1] == '/')
        out->path[strlen(out->path) - 1] = 0;
    return STATUS_OK;
}

bool movie_output_is_movie(const char *path) {
    MovieOutput output;
    return movie_output_parse(path, &output, NULL) == STATUS_OK && output.format != MOVIE_PNG;
}

void movie_output_picture(const MovieOutput *output, uint64_t frame, char *out, size_t out_size) {
    snprintf(out, out_size, "%s/%s%0*llu%s", output->path, output->stem, output->digits, (unsigned long long)frame,
             output->tail);
}

/* ---- what is there --------------------------------------------------------------------------- */

/* Is this the name of one of the pictures? Its number goes to *number. */
static bool is_picture(const MovieOutput *output, const char *name, uint64_t *number) {
    const size_t stem = strlen(output->stem), tail = strlen(output->tail), length = strlen(name);
    if (length <= stem + tail || memcmp(name, output->stem, stem) || strcmp(name + length - tail, output->tail))
        return false;
    char digits[24];
    const size_t count = length - stem - tail;
    if (count >= sizeof digits || count < (size_t)output->digits) return false;
    memcpy(digits, name + stem, count);
    digits[count] = 0;
    int64_t value;
    if (strspn(digits, "0123456789") != count || !text_parse_i64(digits, &value)) return false;
    *number = (uint64_t)value;
    return true;
}

/* Pictures numbered `from` and up; removed when `remove_them`. */
static bool find_pictures(const MovieOutput *output, uint64_t from, bool remove_them) {
    DIR *folder = opendir(output->path);
    bool found = false;
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        uint64_t number;
        if (!is_picture(output, entry->d_name, &number) || number < from) continue;
        found = true;
        if (remove_them) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) closedir(folder);
    return found;
}

bool movie_output_exists(const MovieOutput *output) {
    return output->format == MOVIE_PNG ? find_pictures(output, 0, false) : file_exists(output->path);
}

static Status already_there(const MovieOutput *output, Error *err) {
    if (output->format == MOVIE_PNG) {
        return error_set_at(err, STATUS_USAGE, output->path, -1,
                            "there are already pictures of this name; choose another, or --force");
    }
    return error_set_at(err, STATUS_USAGE, output->path, -1,
                        "the file exists already; choose another name, or --force");
}

/* ---- from begin to end ----------------------------------------------------------------------- */

static Status begin_pictures(MovieOutput *output, Error *err) {
    char probe[MOVIE_PATH_SIZE + 64];
    if (!is_folder(output->path)) {
        if (mkdir(output->path, FOLDER_MODE) != 0)
            return system_error(err, output->path, errno, "cannot make the folder");
        output->made_folder = true;
    }
    /* Whether files can be made there is known only by making one. */
    snprintf(probe, sizeof probe, "%s/.attnscope-%ld.part", output->path, (long)getpid());
    const int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) return system_error(err, output->path, errno, "cannot write into the folder");
    close(fd);
    unlink(probe);
    output->reserved = true;
    return STATUS_OK;
}

Status movie_output_begin(MovieOutput *output, Error *err) {
    if (!output->replace && movie_output_exists(output)) return already_there(output, err);
    if (output->format == MOVIE_PNG) return begin_pictures(output, err);
    if (is_folder(output->path)) return system_error(err, output->path, EISDIR, "cannot record");
    const int fd = open(output->part, O_WRONLY | O_CREAT | O_CLOEXEC | (output->replace ? O_TRUNC : O_EXCL), FILE_MODE);
    if (fd < 0 && errno == EEXIST) {
        return error_set_at(err, STATUS_USAGE, output->part, -1,
                            "another recording is writing this file, or was cut off (then it plays up to there); move "
                            "it away, or --force");
    }
    if (fd < 0) return system_error(err, output->path, errno, "cannot record");
    close(fd);
    output->reserved = true;
    return STATUS_OK;
}

/* All but `keep`, which may be NULL. */
static void remove_parts(const MovieOutput *output, const char *keep) {
    const char *const parts[] = {output->part, output->palette, output->second};
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        if (parts[i] != keep) unlink(parts[i]);
    }
}

Status movie_output_commit(MovieOutput *output, const char *from, uint64_t frames, Error *err) {
    if (output->format == MOVIE_PNG) {
        (void)find_pictures(output, frames, true);
        return STATUS_OK;
    }
    struct stat st;
    if (stat(from, &st) != 0 || st.st_size == 0) {
        movie_output_abandon(output);
        return error_set_at(err, STATUS_IO, output->path, -1, "the encoder ended without having written anything");
    }
    if (!output->replace && file_exists(output->path)) {
        return error_set_at(err, STATUS_IO, output->path, -1,
                            "the file appeared while it was being recorded; the recording is in %s", from);
    }
    /* Last of all: who sees the name sees a folder that is tidy. */
    remove_parts(output, from);
    return rename(from, output->path) == 0 ? STATUS_OK
                                           : system_error(err, output->path, errno, "cannot name the recording");
}

void movie_output_abandon(MovieOutput *output) {
    if (!output->reserved) return;
    if (output->format != MOVIE_PNG)
        remove_parts(output, NULL);
    else if (output->made_folder)
        (void)rmdir(output->path); /* only if nothing is in it */
    output->reserved = false;
}

Status movie_output_pictures_instead(MovieOutput *output, Error *err) {
    char movie[MOVIE_PATH_SIZE];
    snprintf(movie, sizeof movie, "%s", output->path);
    const char *dot = strrchr(movie, '.');
    movie_output_abandon(output);
    for (int i = 1; i < FOLDER_TRIES; i++) {
        char number[16] = "";
        if (i > 1) snprintf(number, sizeof number, "-%d", i);
        memset(output, 0, sizeof *output);
        use_folder(output);
        snprintf(output->path, sizeof output->path, "%.*s-frames%s", (int)(dot - movie), movie, number);
        if (!file_exists(output->path)) return movie_output_begin(output, err);
    }
    return error_set_at(err, STATUS_IO, movie, -1, "there are too many folders of pictures beside it");
}

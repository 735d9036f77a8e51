/* The only place that opens files. Every descriptor is close-on-exec; reads are positioned, so that one File serves all
 * workers and a file that shrinks under us is an error and not a SIGBUS. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#define APPLICATION "attnscope"
#define NEW_FILE_MODE 0666
#define PRIVATE_MODE 0600
#define DIRECTORY_MODE 0777
#define TEMPORARY_TRIES 100
/* Linux moves at most 0x7ffff000 bytes a call, macOS refuses more than INT_MAX. */
#define MAX_TRANSFER ((size_t)1 << 30)
#define READ_CHUNK ((size_t)64 * 1024)

struct File {
    int fd;
    uint64_t size_at_open;
    char path[]; /* for messages */
};

static Status system_error(Error *err, const char *path, int code, const char *what) {
    char reason[128];
    if (code == ENOENT) {
        return error_set_at(err, STATUS_NOT_FOUND, path, -1, "%s: there is no such file or directory", what);
    }
    Status status = code == ENOMEM ? STATUS_MEMORY : STATUS_IO;
    return error_set_at(err, status, path, -1, "%s: %s", what, error_system_text(code, reason, sizeof(reason)));
}

static void fill_info(const struct stat *st, FileInfo *out) {
    *out = (FileInfo){
        .size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
        .device = (uint64_t)st->st_dev,
        .inode = (uint64_t)st->st_ino,
        .is_directory = S_ISDIR(st->st_mode),
    };
#ifdef __APPLE__
    const struct timespec *time = &st->st_mtimespec;
#else
    const struct timespec *time = &st->st_mtim;
#endif
    int64_t ns;
    if (i64_mul(time->tv_sec, 1000000000, &ns) && i64_add(ns, time->tv_nsec, &ns)) {
        out->mtime_ns = ns;
    }
}

static int open_retrying(const char *path, int flags, mode_t mode) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Takes the descriptor, closing it on failure. */
static Status wrap(int fd, const char *path, uint64_t size, File **out, Error *err) {
    size_t length = strlen(path);
    File *file = mem_alloc(sizeof(*file) + length + 1);
    if (!file) {
        close(fd);
        return error_set_at(err, STATUS_MEMORY, path, -1, "out of memory while opening the file");
    }
    file->fd = fd;
    file->size_at_open = size;
    memcpy(file->path, path, length + 1);
    *out = file;
    return STATUS_OK;
}

Status file_open_read(const char *path, File **out, Error *err) {
    *out = NULL;
    /* Not blocking: opening a named pipe would otherwise wait for a writer that may never come. */
    int fd = open_retrying(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return system_error(err, path, errno, "cannot open");
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int code = errno;
        close(fd);
        return system_error(err, path, code, "cannot open");
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return error_set_at(err, STATUS_IO, path, -1, "cannot open: it is %s, not a regular file",
                            S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
    }
    return wrap(fd, path, (uint64_t)st.st_size, out, err);
}

static int open_unlinked(const char *directory, char *path, size_t path_size) {
#ifdef O_TMPFILE
    int fd = open_retrying(directory, O_TMPFILE | O_RDWR, PRIVATE_MODE);
    if (fd >= 0) {
        return fd;
    } /* else: a file system (or kernel) without it */
#endif
    int length = snprintf(path, path_size, "%s/" APPLICATION "-XXXXXX", directory);
    if (length < 0 || (size_t)length >= path_size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0) {
        unlink(path);
    }
    return named;
}

Status file_open_temporary(const char *directory, File **out, Error *err) {
    *out = NULL;
    if (!directory) {
        directory = getenv("TMPDIR");
        directory = directory && directory[0] ? directory : "/tmp";
    }
    char path[PATH_MAX];
    int fd = open_unlinked(directory, path, sizeof(path));
    if (fd < 0) {
        return system_error(err, directory, errno, "cannot make a temporary file");
    }
    return wrap(fd, directory, 0, out, err);
}

void file_close(File *file) {
    if (file) {
        close(file->fd);
        mem_free(file);
    }
}

static Status ended_early(const File *file, uint64_t wanted_end, uint64_t found_end, Error *err) {
    if (wanted_end <= file->size_at_open) {
        return error_set_at(err, STATUS_IO, file->path, (int64_t)found_end,
                            "the file has become shorter while it was open (it had %llu bytes)",
                            (unsigned long long)file->size_at_open);
    }
    return error_set_at(err, STATUS_IO, file->path, (int64_t)found_end,
                        "the file ends here, but data up to byte %llu was expected", (unsigned long long)wanted_end);
}

Status file_read_at(const File *file, uint64_t offset, void *out, size_t size, Error *err) {
    uint64_t end = offset + size;
    if (offset > INT64_MAX || size > INT64_MAX || end > INT64_MAX) {
        return error_set_at(err, STATUS_RANGE, file->path, -1, "a read beyond the largest file offset");
    }
    unsigned char *to = out;
    size_t done = 0;
    while (done < size) {
        size_t part = size - done < MAX_TRANSFER ? size - done : MAX_TRANSFER;
        ssize_t got = pread(file->fd, to + done, part, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_error(err, file->path, errno, "cannot read");
        }
        if (got == 0) {
            return ended_early(file, end, offset + done, err);
        }
        done += (size_t)got;
    }
    return STATUS_OK;
}

Status file_write_at(File *file, uint64_t offset, const void *data, size_t size, Error *err) {
    if (offset > INT64_MAX || size > INT64_MAX || offset + size > INT64_MAX) {
        return error_set_at(err, STATUS_RANGE, file->path, -1, "a write beyond the largest file offset");
    }
    const unsigned char *from = data;
    size_t done = 0;
    while (done < size) {
        size_t part = size - done < MAX_TRANSFER ? size - done : MAX_TRANSFER;
        ssize_t put = pwrite(file->fd, from + done, part, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return system_error(err, file->path, put < 0 ? errno : ENOSPC, "cannot write");
        }
        done += (size_t)put;
    }
    return STATUS_OK;
}

Status file_info(const File *file, FileInfo *out, Error *err) {
    struct stat st;
    if (fstat(file->fd, &st) != 0) {
        return system_error(err, file->path, errno, "cannot look at the file");
    }
    fill_info(&st, out);
    return STATUS_OK;
}

Status file_path_info(const char *path, FileInfo *out, Error *err) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return system_error(err, path, errno, "cannot look at the file");
    }
    fill_info(&st, out);
    return STATUS_OK;
}

uint64_t file_sign(const FileInfo *info, uint64_t seed) {
    const uint64_t facts[] = {info->size, (uint64_t)info->mtime_ns, info->device, info->inode};
    return hash_bytes(facts, sizeof facts, seed);
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

/* Reads to the end and not to the size: files of /proc and /sys tell none. */
static Status read_to_end(const File *file, size_t cap, char **text, size_t *size, Error *err) {
    size_t capacity = 0;
    size_t first = file->size_at_open < cap ? (size_t)file->size_at_open : cap;
    *size = 0;
    for (size_t wanted = first + 1;; wanted = *size + READ_CHUNK) {
        if (!mem_grow((void **)text, &capacity, wanted + 1, 1)) {
            return error_set_at(err, STATUS_MEMORY, file->path, -1, "out of memory while reading the file");
        }
        ssize_t got = 1;
        while (*size < wanted && got != 0) {
            size_t part = wanted - *size < MAX_TRANSFER ? wanted - *size : MAX_TRANSFER;
            got = pread(file->fd, *text + *size, part, (off_t)*size);
            if (got < 0 && errno != EINTR) {
                return system_error(err, file->path, errno, "cannot read");
            }
            *size += got > 0 ? (size_t)got : 0;
        }
        if (*size > cap) {
            char limit[32];
            text_format_bytes(cap, limit, sizeof(limit));
            return error_set_at(err, STATUS_MEMORY, file->path, -1, "the file is larger than %s, the most allowed here",
                                limit);
        }
        if (got == 0) {
            (*text)[*size] = 0;
            return STATUS_OK;
        }
    }
}

Status file_read_all(const char *path, size_t cap, char **out, size_t *size, Error *err) {
    *out = NULL;
    *size = 0;
    File *file;
    Status status = file_open_read(path, &file, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (cap > SIZE_MAX / 4) {
        cap = SIZE_MAX / 4; /* keeps the sums in read_to_end far from overflow */
    }
    char *text = NULL;
    status = read_to_end(file, cap, &text, size, err);
    file_close(file);
    if (status != STATUS_OK) {
        mem_free(text);
        *size = 0;
        return status;
    }
    *out = text;
    return STATUS_OK;
}

/* A new file beside `target`; its name is not derived from the target's, which may be as long as names can be. */
static int create_neighbour(const char *target, char *path, size_t path_size) {
    static atomic_uint counter;
    size_t folder = (size_t)(file_base_name(target) - target);
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        unsigned number = atomic_fetch_add(&counter, 1);
        int tail = snprintf(NULL, 0, "." APPLICATION "-%ld-%u.tmp", (long)getpid(), number);
        if (folder + (size_t)tail >= path_size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(path, target, folder);
        snprintf(path + folder, path_size - folder, "." APPLICATION "-%ld-%u.tmp", (long)getpid(), number);
        int fd = open_retrying(path, O_WRONLY | O_CREAT | O_EXCL, NEW_FILE_MODE);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

/* Returns 0 or an errno value. */
static int write_fully(int fd, const unsigned char *from, size_t size) {
    while (size > 0) {
        ssize_t put = write(fd, from, size < MAX_TRANSFER ? size : MAX_TRANSFER);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : ENOSPC;
        }
        from += put;
        size -= (size_t)put;
    }
    return 0;
}

/* ---- writing: a temporary neighbour, renamed when complete ----------------------------------- */

struct FileWriter {
    int fd;
    int code;      /* of the first failure: what follows is not written */
    bool in_place; /* pipes and devices (/dev/stdout): a rename would replace them */
    char path[PATH_MAX], target[PATH_MAX], temporary[PATH_MAX];
};

/* Opens the neighbour of a regular file, old or new. Returns an errno value. */
static int open_replacement(FileWriter *writer, const struct stat *old) {
    /* A symbolic link stays one: its target is what gets replaced. */
    if (!old || !realpath(writer->path, writer->target)) {
        memcpy(writer->target, writer->path, sizeof(writer->target));
    }
    writer->fd = create_neighbour(writer->target, writer->temporary, sizeof(writer->temporary));
    if (writer->fd < 0) {
        return errno;
    }
    if (old) {
        (void)!fchmod(writer->fd, old->st_mode & 07777); /* a wish: the content matters more than its mode */
    }
    return 0;
}

Status file_writer_open(const char *path, FileWriter **out, Error *err) {
    *out = NULL;
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode)) {
        return system_error(err, path, EISDIR, "cannot write");
    }
    if (strlen(path) >= PATH_MAX) {
        return system_error(err, path, ENAMETOOLONG, "cannot write");
    }
    FileWriter *writer = mem_alloc_zeroed(1, sizeof(*writer));
    if (!writer) {
        return error_set_at(err, STATUS_MEMORY, path, -1, "out of memory while opening the file");
    }
    memcpy(writer->path, path, strlen(path) + 1);
    writer->in_place = exists && !S_ISREG(st.st_mode);
    int code = 0;
    if (writer->in_place) {
        writer->fd = open_retrying(path, O_WRONLY | O_NOCTTY, 0);
        code = writer->fd < 0 ? errno : 0;
    } else {
        code = open_replacement(writer, exists ? &st : NULL);
    }
    if (code != 0) {
        mem_free(writer);
        return system_error(err, path, code, "cannot write");
    }
    *out = writer;
    return STATUS_OK;
}

Status file_writer_write(FileWriter *writer, const void *data, size_t size, Error *err) {
    if (writer->code == 0) {
        writer->code = write_fully(writer->fd, data, size);
    }
    return writer->code ? system_error(err, writer->path, writer->code, "cannot write") : STATUS_OK;
}

void file_writer_discard(FileWriter *writer) {
    if (!writer) {
        return;
    }
    close(writer->fd);
    if (!writer->in_place) {
        unlink(writer->temporary);
    }
    mem_free(writer);
}

/* No fsync: after a power cut the file system may show the old file, which every reader here can live with. */
Status file_writer_commit(FileWriter *writer, Error *err) {
    int code = writer->code;
    if (close(writer->fd) != 0 && code == 0) {
        code = errno;
    }
    if (code == 0 && !writer->in_place && rename(writer->temporary, writer->target) != 0) {
        code = errno;
    }
    if (code != 0 && !writer->in_place) {
        unlink(writer->temporary);
    }
    Status status = code ? system_error(err, writer->path, code, "cannot write") : STATUS_OK;
    mem_free(writer);
    return status;
}

Status file_write_all(const char *path, const void *data, size_t size, Error *err) {
    FileWriter *writer;
    Status status = file_writer_open(path, &writer, err);
    if (status != STATUS_OK) {
        return status;
    }
    (void)file_writer_write(writer, data, size, NULL); /* the writer remembers a failure */
    return file_writer_commit(writer, err);
}

static int make_directory(const char *path) {
    struct stat st;
    if (mkdir(path, DIRECTORY_MODE) == 0) {
        return 0;
    }
    int code = errno; /* EEXIST, but also EROFS and EACCES on what exists already */
    if (stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    }
    return code;
}

Status file_make_directories(const char *path, Error *err) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(part)) {
        return system_error(err, path, ENAMETOOLONG, "cannot make the directory");
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != 0) {
            continue;
        }
        char kept = part[i];
        part[i] = 0;
        int code = make_directory(part);
        if (code != 0) {
            return system_error(err, part, code, "cannot make the directory");
        }
        part[i] = kept;
    }
    return STATUS_OK;
}

/* XDG Base Directory Specification 0.8: a variable that is unset, empty or relative counts as not set. */
bool file_xdg_path(XdgKind kind, const char *name, char *out, size_t out_size) {
    static const struct {
        const char *variable, *below_home;
    } places[] = {
        [XDG_CONFIG] = {"XDG_CONFIG_HOME", "/.config"},
        [XDG_STATE] = {"XDG_STATE_HOME", "/.local/state"},
        [XDG_CACHE] = {"XDG_CACHE_HOME", "/.cache"},
        [XDG_DATA] = {"XDG_DATA_HOME", "/.local/share"},
    };
    const char *base = getenv(places[kind].variable);
    const char *below = "";
    if (!base || base[0] != '/') {
        base = getenv("HOME");
        below = places[kind].below_home;
    }
    if (out_size > 0) {
        out[0] = 0;
    }
    if (!base || base[0] != '/') {
        return false;
    }
    bool named = name && name[0];
    int length = snprintf(out, out_size, "%s%s/" APPLICATION "%s%s", base, below, named ? "/" : "", named ? name : "");
    return length >= 0 && (size_t)length < out_size;
}

bool file_executable_directory(char *out, size_t out_size) {
    char path[PATH_MAX];
#ifdef __APPLE__
    char raw[PATH_MAX];
    uint32_t raw_size = sizeof(raw);
    if (_NSGetExecutablePath(raw, &raw_size) != 0 || !realpath(raw, path)) {
        return false;
    }
#else
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length <= 0) {
        return false;
    }
    path[length] = 0;
#endif
    size_t folder = (size_t)(file_base_name(path) - path);
    if (folder == 0) {
        return false;
    }
    folder = folder > 1 ? folder - 1 : 1; /* the root keeps its slash */
    if (folder >= out_size) {
        return false;
    }
    memcpy(out, path, folder);
    out[folder] = 0;
    return true;
}

const char *file_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What a person names -> files. A folder stands for its arrays, a pattern with * ? [ ] for what it matches (where no
 * shell has done so already), an index (X.safetensors.index.json) for its shards.
 *
 * Shards become one container, since the queries of a layer may be in one and its keys in another; so do bare arrays
 * (.npy): there the file's name is the array's. Other files keep a container of their own. */
#include "capture/internal.h"

#include <dirent.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>

enum { INPUTS_MAX_FILES = 16384, INDEX_MAX_BYTES = 64 << 20, INDEX_MAX_VALUES = 2000000 };

static const char INDEX_SUFFIX[] = ".index.json";

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
}

/* ---- an index of shards ---------------------------------------------------------------------- */

/* A file beside the index, or below it: nothing that climbs or starts elsewhere. */
static bool is_safe_name(const char *name) {
    if (!name[0] || name[0] == '/' || strchr(name, '\\') || strchr(name, ':')) return false;
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && !strncmp(part, "..", 2))) return false;
    }
    return true;
}

static Status bad_index(const char *name, const char *what, Error *err) {
    return error_set_at(err, STATUS_FORMAT, name, -1,
                        "expected an index of shards (weight_map: tensor to file), found %s", what);
}

/* *root holds {"weight_map": {tensor: file}}, checked. */
static Status load_index(const char *path, json_t **root, Error *err) {
    json_error_t json_error;
    const char *name = file_base_name(path), *key;
    char *text = NULL;
    size_t size = 0;
    json_t *value;
    *root = NULL;
    Status status = file_read_all(path, INDEX_MAX_BYTES, &text, &size, err);
    if (status != STATUS_OK) {
        if (err && !err->file[0]) snprintf(err->file, sizeof(err->file), "%s", name);
        return status;
    }
    if (json_values(text, size) > INDEX_MAX_VALUES)
        status = bad_index(name, "too many values", err);
    else if (!(*root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error)))
        status = error_set_at(err, STATUS_FORMAT, name, -1, "not valid JSON: %.160s", json_error.text);
    mem_free(text);
    json_t *map = json_object_get(*root, "weight_map");
    if (status == STATUS_OK && (!json_is_object(map) || json_object_size(map) == 0))
        status = bad_index(name, "none", err);
    if (status != STATUS_OK) goto failed;
    json_object_foreach(map, key, value) {
        const char *file = json_string_value(value);
        if (file && is_safe_name(file)) continue;
        status = error_set_at(err, STATUS_FORMAT, name, -1,
                              "expected names of files beside the index, found '%.120s' for tensor '%.80s'",
                              file ? file : "no text", key);
        goto failed;
    }
    return STATUS_OK;
failed:
    if (*root) json_decref(*root);
    *root = NULL;
    return status;
}

static char *sibling(const char *path, const char *name) {
    TextBuffer text = {0};
    text_append_bytes(&text, path, (size_t)(file_base_name(path) - path));
    text_append(&text, name);
    char *copy = text.failed ? NULL : mem_strdup(text.text);
    text_buffer_free(&text);
    return copy;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files of a map, each once, sorted; borrowed from the map. */
static const char **shard_names(json_t *map, size_t *count) {
    const char *key;
    json_t *value;
    size_t all = 0, kept = 0;
    const char **names = mem_alloc_zeroed(json_object_size(map) + 1, sizeof(*names));
    if (!names) return NULL;
    json_object_foreach(map, key, value) names[all++] = json_string_value(value);
    qsort(names, all, sizeof(*names), compare_names);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) names[kept++] = names[i];
    *count = kept;
    return names;
}

/* Keeps what the index says is in this shard. */
static Status check_shard(Container *shard, const char *file, json_t *map, size_t *found, Error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < shard->tensor_count; i++) {
        const char *mapped = json_string_value(json_object_get(map, shard->tensors[i].name));
        if (mapped && !strcmp(mapped, file)) shard->tensors[kept++] = shard->tensors[i];
    }
    shard->tensor_count = kept;
    *found += kept;
    if (shard->format->archive)
        return error_set_at(err, STATUS_UNSUPPORTED, shard->name, -1, "expected a safetensors file as shard");
    return STATUS_OK;
}

/* The first tensor of the map that no shard has. */
static Status missing_tensor(const Container *container, json_t *map, Error *err) {
    const char *key;
    json_t *value;
    Status status = STATUS_OK;
    const char **names = mem_alloc_zeroed(container->tensor_count + 1, sizeof(*names));
    if (!names) return no_memory(err);
    for (size_t i = 0; i < container->tensor_count; i++)
        names[i] = container->tensors[i].name;
    qsort(names, container->tensor_count, sizeof(*names), compare_names);
    json_object_foreach(map, key, value) {
        if (bsearch(&key, names, container->tensor_count, sizeof(*names), compare_names)) continue;
        status = error_set_at(err, STATUS_FORMAT, container->name, -1,
                              "expected tensor '%.100s' in '%.100s', as the index says, found none", key,
                              json_string_value(value));
        break;
    }
    mem_free(names);
    return status;
}

static Status open_shards(Container *container, json_t *map, const char **names, size_t count,
                          const CaptureOpenParams *params, Error *err) {
    size_t found = 0;
    Status status = STATUS_OK;
    container->parts = mem_alloc_zeroed(count, sizeof(*container->parts));
    if (!container->parts) return no_memory(err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        Container *shard = &container->parts[i];
        ByteSource *source = NULL;
        char *path = sibling(container->path, names[i]);
        char *kept = path ? arena_copy_text(&container->arena, path, strlen(path)) : NULL;
        mem_free(path);
        status = kept ? bytes_open_file(kept, &source, err) : no_memory(err);
        if (status == STATUS_OK) status = formats_open(params->formats, source, kept, &params->progress, shard, err);
        if (status != STATUS_OK) return status;
        container->part_count = i + 1;
        status = check_shard(shard, names[i], map, &found, err);
        if (status == STATUS_OK && !container_absorb(container, shard)) status = no_memory(err);
    }
    if (status == STATUS_OK && found < json_object_size(map)) status = missing_tensor(container, map, err);
    return status;
}

bool capture_index_is(const char *path) {
    return text_ends_with(path, INDEX_SUFFIX);
}

Status capture_index_open(const char *path, const CaptureOpenParams *params, Container *out, Error *err) {
    json_t *root = NULL;
    size_t count = 0;
    memset(out, 0, sizeof(*out));
    out->path = path;
    out->name = file_base_name(path);
    Status status = load_index(path, &root, err);
    if (status != STATUS_OK) return status;
    json_t *map = json_object_get(root, "weight_map");
    const char **names = shard_names(map, &count);
    status = names ? open_shards(out, map, names, count, params, err) : no_memory(err);
    mem_free(names);
    json_decref(root);
    if (status != STATUS_OK) container_close(out);
    return status;
}

/* ---- folders and patterns -------------------------------------------------------------------- */

static bool add_input(Inputs *inputs, const char *path, bool optional) {
    char *copy = mem_strdup(path);
    if (!copy || !mem_grow((void **)&inputs->files, &inputs->capacity, inputs->count + 1, sizeof(InputFile))) {
        mem_free(copy);
        return false;
    }
    inputs->files[inputs->count++] = (InputFile){copy, optional};
    return true;
}

static int compare_inputs(const void *a, const void *b) {
    return strcmp(((const InputFile *)a)->path, ((const InputFile *)b)->path);
}

/* Shards that an index stands for are not opened once more by themselves. */
static Status drop_shards(Inputs *inputs, size_t first, const char *index, Error *err) {
    json_t *root = NULL;
    size_t count = 0, kept = first;
    Status status = load_index(index, &root, err);
    if (status != STATUS_OK) return status;
    const char **names = shard_names(json_object_get(root, "weight_map"), &count);
    if (!names) status = no_memory(err);
    for (size_t i = first; i < inputs->count && names; i++) {
        const char *name = file_base_name(inputs->files[i].path);
        if (bsearch(&name, names, count, sizeof(*names), compare_names))
            mem_free(inputs->files[i].path);
        else
            inputs->files[kept++] = inputs->files[i];
    }
    if (names) inputs->count = kept;
    mem_free(names);
    json_decref(root);
    return status;
}

static Status add_folder(Inputs *inputs, const char *path, const Format *const *formats, Error *err) {
    struct dirent *entry;
    size_t first = inputs->count;
    Status status = STATUS_OK;
    DIR *folder = opendir(path);
    if (!folder) return error_set_at(err, STATUS_IO, file_base_name(path), -1, "the folder cannot be read");
    while (status == STATUS_OK && (entry = readdir(folder)) != NULL) {
        TextBuffer file = {0};
        if (entry->d_name[0] == '.' || (!formats_in_folder(formats, entry->d_name) && !capture_index_is(entry->d_name)))
            continue;
        text_appendf(&file, "%s%s%s", path, text_ends_with(path, "/") ? "" : "/", entry->d_name);
        if (file.failed || !add_input(inputs, file.text, true)) status = no_memory(err);
        if (inputs->count - first > INPUTS_MAX_FILES)
            status = error_set_at(err, STATUS_UNSUPPORTED, file_base_name(path), -1,
                                  "expected at most %d files in the folder, found more", INPUTS_MAX_FILES);
        text_buffer_free(&file);
    }
    closedir(folder);
    if (status != STATUS_OK) return status;
    if (inputs->count == first) {
        char endings[FORMATS_TEXT_SIZE];
        return error_set_at(err, STATUS_NOT_FOUND, path, -1, "expected %s files in the directory, found none",
                            formats_folder_endings(formats, endings, sizeof(endings)));
    }
    qsort(inputs->files + first, inputs->count - first, sizeof(*inputs->files), compare_inputs);
    for (size_t i = first; i < inputs->count && status == STATUS_OK; i++)
        if (capture_index_is(inputs->files[i].path)) status = drop_shards(inputs, first, inputs->files[i].path, err);
    return status;
}

static Status add_matches(Inputs *inputs, const char *pattern, Error *err) {
    glob_t matches = {0};
    Status status = STATUS_OK;
    int result = glob(pattern, 0, NULL, &matches);
    if (result == GLOB_NOMATCH)
        status = error_set_at(err, STATUS_NOT_FOUND, pattern, -1, "no file matches");
    else if (result != 0)
        status = error_set_at(err, STATUS_IO, pattern, -1, "the files that match cannot be listed");
    for (size_t i = 0; status == STATUS_OK && i < matches.gl_pathc; i++) {
        if (i >= INPUTS_MAX_FILES)
            status = error_set_at(err, STATUS_UNSUPPORTED, pattern, -1, "expected at most %d files, found more",
                                  INPUTS_MAX_FILES);
        else if (!add_input(inputs, matches.gl_pathv[i], true))
            status = no_memory(err);
    }
    globfree(&matches);
    return status;
}

Status capture_inputs_expand(const CaptureOpenParams *params, Inputs *out, Error *err) {
    const char *const *paths = params->paths;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < params->path_count; i++) {
        FileInfo info = {0};
        Status status = STATUS_OK;
        bool there = strcmp(paths[i], "-") != 0 && file_path_info(paths[i], &info, NULL) == STATUS_OK;
        if (there && info.is_directory)
            status = add_folder(out, paths[i], params->formats, err);
        else if (!there && paths[i][strcspn(paths[i], "*?[")] != '\0')
            status = add_matches(out, paths[i], err);
        else if (!add_input(out, paths[i], false))
            status = no_memory(err);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

void capture_inputs_free(Inputs *inputs) {
    for (size_t i = 0; i < inputs->count; i++)
        mem_free(inputs->files[i].path);
    mem_free(inputs->files);
    memset(inputs, 0, sizeof(*inputs));
}

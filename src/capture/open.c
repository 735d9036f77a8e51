/* Opening: files to containers, containers to sets and tokens. */
#include "capture/internal.h"

#if defined(ATTNSCOPE_CBLAS_OPENBLAS)
#include <cblas.h>
#endif

/* Held keys in a scratch are told apart by this, also after a capture was closed and another took its place in
 * memory. */
static atomic_uint_least64_t last_serial;

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
}

static Status open_file(const char *path, const CaptureOpenParams *params, Container *out, Error *err) {
    ByteSource *source = NULL;
    if (capture_index_is(path)) return capture_index_open(path, params, out, err);
    Status status = strcmp(path, "-") ? bytes_open_file(path, &source, err) : bytes_open_stdin(&source, err);
    return status == STATUS_OK ? formats_open(params->formats, source, path, &params->progress, out, err) : status;
}

/* Of several files, one array without a name of its own is called what its file is called, where that says something. */
static bool name_array(Container *part) {
    const char *dot = strrchr(part->name, '.');
    Tensor *tensor = &part->tensors[0];
    char *stem = arena_copy_text(&part->arena, part->name, dot ? (size_t)(dot - part->name) : strlen(part->name));
    if (!stem) return false;
    NameMeaning meaning = names_meaning(stem);
    bool tokens = meaning.role == ROLE_TOKENS || meaning.role == ROLE_Q_TOKENS || meaning.role == ROLE_K_TOKENS;
    bool layer = meaning.layer >= 0 && meaning.sure && meaning.role != ROLE_NONE;
    if (tokens || layer) tensor->name = stem;
    tensor->bare = !tokens && !layer;
    tensor->file_named = !strstr(stem, "hook_");
    return true;
}

/* Bare arrays, one a file, become one container: in a folder of blocks.0.attn.hook_q.npy and so on, queries find
 * their keys. */
static Status bundle_arrays(Capture *capture, Error *err) {
    size_t kept = 0, bare = 0;
    Container bundle = {.optional = true};
    for (size_t i = 0; i < capture->container_count; i++)
        bare += capture->containers[i].bare;
    if (bare == 0 || capture->container_count < 2) return STATUS_OK;
    bundle.parts = mem_alloc_zeroed(bare, sizeof(*bundle.parts));
    if (!bundle.parts) return no_memory(err);
    for (size_t i = 0; i < capture->container_count; i++) {
        if (capture->containers[i].bare)
            bundle.parts[bundle.part_count++] = capture->containers[i];
        else
            capture->containers[kept++] = capture->containers[i];
    }
    bundle.path = bundle.parts[0].path;
    bundle.name = bundle.parts[0].name;
    capture->containers[kept] = bundle;
    capture->container_count = kept + 1;
    Container *arrays = &capture->containers[kept];
    for (size_t i = 0; i < bare; i++) {
        Container *part = &arrays->parts[i];
        arrays->optional &= part->optional;
        if (part->trailing > 0)
            capture_add_note(capture, true, "%llu bytes after the array of '%s' are ignored",
                             (unsigned long long)part->trailing, part->name);
        if (!name_array(part) || !container_absorb(arrays, part)) return no_memory(err);
    }
    return STATUS_OK;
}

static Status open_inputs(Capture *capture, const Inputs *inputs, const CaptureOpenParams *params, Error *err) {
    capture->containers = arena_alloc(&capture->arena, (inputs->count + 1) * sizeof(Container));
    if (!capture->containers) return no_memory(err);
    for (size_t i = 0; i < inputs->count; i++) {
        const InputFile *input = &inputs->files[i];
        Container *container = &capture->containers[capture->container_count];
        const char *path = arena_copy_text(&capture->arena, input->path, strlen(input->path));
        Status status = path ? open_file(path, params, container, err) : no_memory(err);
        if (status == STATUS_UNSUPPORTED && input->optional && inputs->count > 1) {
            if (!capture_add_note(capture, true, "'%.100s' is left out: %s", file_base_name(path),
                                  err ? err->message : ""))
                return no_memory(err);
            continue;
        }
        if (status != STATUS_OK) return status;
        container->optional = input->optional && inputs->count > 1;
        capture->container_count++;
    }
    if (capture->container_count == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "expected files of attention in the folder, found none that can be read");
    return bundle_arrays(capture, err);
}

static Status open_memory(Capture *capture, const CaptureOpenParams *params, Error *err) {
    ByteSource *source = NULL;
    const char *name = params->memory_name ? params->memory_name : "memory";
    const char *path = arena_copy_text(&capture->arena, name, strlen(name));
    capture->containers = arena_alloc(&capture->arena, sizeof(Container));
    if (!capture->containers || !path) return no_memory(err);
    Status status = bytes_open_memory(params->memory, params->memory_size, path, &source, err);
    if (status == STATUS_OK)
        status = formats_open(params->formats, source, path, &params->progress, &capture->containers[0], err);
    if (status == STATUS_OK) capture->container_count = 1;
    return status;
}

/* A folder is called by its last part, without the slashes after it. */
static Status name_capture(Capture *capture, const char *given, Error *err) {
    size_t length = strlen(given);
    while (length > 1 && given[length - 1] == '/')
        length--;
    char *path = arena_copy_text(&capture->arena, given, strlen(given));
    char *trimmed = arena_copy_text(&capture->arena, given, length);
    if (!path || !trimmed) return no_memory(err);
    capture->path = path;
    capture->name = file_base_name(trimmed);
    return STATUS_OK;
}

static Status open_containers(Capture *capture, const CaptureOpenParams *params, Error *err) {
    Inputs inputs;
    if (params->memory) {
        Status status = open_memory(capture, params, err);
        return status == STATUS_OK ? name_capture(capture, capture->containers[0].path, err) : status;
    }
    if (params->path_count == 0) return error_set(err, STATUS_USAGE, "expected a file");
    Status status = capture_inputs_expand(params, &inputs, err);
    if (status == STATUS_OK) status = open_inputs(capture, &inputs, params, err);
    if (status == STATUS_OK) status = name_capture(capture, params->paths[0], err);
    capture_inputs_free(&inputs);
    return status;
}

/* Warnings first, each kind in the order of finding. */
static Status order_notes(Capture *capture, Error *err) {
    size_t at = 0;
    if (capture->note_count == 0) return STATUS_OK;
    Note *ordered = mem_alloc_zeroed(capture->note_count, sizeof(Note));
    if (!ordered) return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < capture->note_count; i++)
            if (capture->notes[i].warning == (pass == 0)) ordered[at++] = capture->notes[i];
    mem_free(capture->notes);
    capture->notes = ordered;
    capture->note_capacity = capture->note_count;
    return STATUS_OK;
}

Status capture_open(const CaptureOpenParams *params, Capture **out, Error *err) {
    *out = NULL;
    Capture *capture = mem_alloc_zeroed(1, sizeof(*capture));
    if (!capture) return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
#if defined(ATTNSCOPE_CBLAS_OPENBLAS)
    openblas_set_num_threads(1); /* our workers are the threads */
#endif
    capture->serial = atomic_fetch_add(&last_serial, 1) + 1;
    Status status = open_containers(capture, params, err);
    if (status == STATUS_OK) status = capture_vllm_prepare(capture, err);
    if (status == STATUS_OK) status = capture_strips_gather(capture, err);
    if (status == STATUS_OK) status = capture_assemble(capture, params, err);
    if (status == STATUS_OK) status = capture_tokens_load(capture, params, err);
    if (status == STATUS_OK) status = order_notes(capture, err);
    if (status != STATUS_OK) {
        if (err && !err->file[0] && params->path_count > 0 && !params->memory)
            snprintf(err->file, sizeof(err->file), "%s", file_base_name(params->paths[0]));
        capture_close(capture);
        return status;
    }
    for (size_t i = 0; i < capture->container_count; i++) /* members are inflated; the archives' directories may go */
        container_settle(&capture->containers[i]);
    *out = capture;
    return STATUS_OK;
}

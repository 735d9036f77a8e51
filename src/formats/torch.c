/* torch.save (since PyTorch 1.6): a zip with ROOT/data.pkl, which says what was saved, and ROOT/data/KEY, one
 * storage each, stored so that it can be read in place. Layout: torch/serialization.py,
 * torch/_utils.py. */
#include "formats/torch.h"

#include <stdlib.h>

/* A generate() of 4,000 steps of 80 layers is 45 MB. */
#define TORCH_MAX_PICKLE ((uint64_t)128 << 20)

static int compare_members(const void *a, const void *b) {
    return strcmp((*(const ZipMember *const *)a)->name, (*(const ZipMember *const *)b)->name);
}

static const char PICKLE_NAME[] = "/data.pkl";

static const ZipMember *find_pickle(const Container *container) {
    for (size_t i = 0; i < zip_count(container); i++) {
        const ZipMember *member = zip_member(container, i);
        const char *slash = strchr(member->name, '/');
        if (slash && !strcmp(slash, PICKLE_NAME)) return member;
    }
    return NULL;
}

static Status torch_look_inside(Container *container, bool *mine, Error *err) {
    Status status = zip_open(container, err);
    *mine = status == STATUS_OK && find_pickle(container) != NULL;
    return status;
}

/* A program saved by torch.jit.save has its code beside the data. */
static bool is_torchscript(const TorchFile *file) {
    TextBuffer prefix = {0};
    text_appendf(&prefix, "%s/code/", file->root);
    bool found = false;
    for (size_t i = 0; i < file->member_count && !prefix.failed; i++)
        found |= text_starts_with(file->members[i]->name, prefix.text);
    text_buffer_free(&prefix);
    return found;
}

static Status read_byteorder(TorchFile *file) {
    char name[600], text[8] = "";
    snprintf(name, sizeof(name), "%s/byteorder", file->root);
    const ZipMember *member = torch_member(file, name);
    if (!member) return STATUS_OK; /* before PyTorch 2.1: little */
    if (member->size < sizeof(text)) {
        Status status = zip_prefix(file->container, member, text, (size_t)member->size, file->err);
        if (status != STATUS_OK) return status;
    }
    file->big_endian = !strcmp(text, "big");
    if (file->big_endian || !strcmp(text, "little")) return STATUS_OK;
    return error_set_at(file->err, STATUS_FORMAT, file->container->name, (int64_t)member->data,
                        "expected 'little' or 'big' as byte order, found something else");
}

static Status index_members(TorchFile *file) {
    file->member_count = zip_count(file->container);
    file->members = mem_alloc_zeroed(file->member_count, sizeof(*file->members));
    if (!file->members) return error_set(file->err, STATUS_MEMORY, "not enough memory to open the archive");
    for (size_t i = 0; i < file->member_count; i++)
        file->members[i] = zip_member(file->container, i);
    qsort(file->members, file->member_count, sizeof(*file->members), compare_members);
    return STATUS_OK;
}

static Status read_pickle(TorchFile *file, const ZipMember *member, uint8_t **bytes, PickleNode **root) {
    if (member->size > TORCH_MAX_PICKLE)
        return error_set_at(file->err, STATUS_UNSUPPORTED, file->container->name, -1,
                            "expected a data.pkl of at most 128 MB, found %llu bytes",
                            (unsigned long long)member->size);
    *bytes = mem_alloc((size_t)member->size + 1);
    if (!*bytes) return error_set(file->err, STATUS_MEMORY, "not enough memory to read data.pkl");
    Status status = zip_prefix(file->container, member, *bytes, (size_t)member->size, file->err);
    if (status != STATUS_OK) return status;
    return pickle_parse(*bytes, (size_t)member->size, member->stored ? member->data : 0, file->container->name,
                        &file->nodes, root, file->err);
}

static Status torch_open(Container *container, const Progress *progress, Error *err) {
    (void)progress;
    TorchFile file = {.container = container, .err = err};
    const ZipMember *member = find_pickle(container);
    uint8_t *bytes = NULL;
    PickleNode *root = NULL;
    file.root = arena_copy_text(&container->arena, member->name, strlen(member->name) - strlen(PICKLE_NAME));
    Status status = file.root ? index_members(&file)
                              : error_set(err, STATUS_MEMORY, "not enough memory to open the archive");
    if (status == STATUS_OK && is_torchscript(&file))
        status = error_set_at(
            err, STATUS_UNSUPPORTED, container->name, -1,
            "expected tensors saved with torch.save, found a TorchScript program (torch.jit.save); run "
            "it, and save the attention it returns");
    if (status == STATUS_OK) status = read_byteorder(&file);
    if (status == STATUS_OK) status = read_pickle(&file, member, &bytes, &root);
    if (status == STATUS_OK) status = torch_walk(&file, root);
    arena_free(&file.nodes);
    mem_free(file.members);
    mem_free(bytes);
    return status;
}

const Format TORCH_FORMAT = {
    .name = "torch",
    .endings = {".pt", ".pth", ".bin"},
    .folder_endings = 2,
    .place = 4,
    .help = ".pt, .pth",
    .looks_like = zip_looks_like,
    .look_inside = torch_look_inside,
    .open = torch_open,
    .materialise = zip_materialise,
    .close = zip_close,
    .archive = true,
};

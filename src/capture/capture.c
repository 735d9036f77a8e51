/* What a capture says about itself, and closing. */
#include "capture/internal.h"

const char *capture_kind_name(SetKind kind) {
    static const char *const NAMES[] = {"weights", "scores", "attribution"};
    return NAMES[kind];
}

void capture_close(Capture *capture) {
    if (!capture) return;
    for (int set = 0; set < capture->set_count; set++)
        for (int layer = 0; layer < capture->sets[set].layer_count; layer++)
            capture_lse_drop(capture->data[set].layers[layer].lse);
    for (size_t i = 0; i < capture->container_count; i++)
        container_close(&capture->containers[i]);
    mem_free(capture->notes);
    arena_free(&capture->arena);
    mem_free(capture);
}

const char *capture_name(const Capture *capture) {
    return capture->name;
}

const char *capture_path(const Capture *capture) {
    return capture->path;
}

const char *capture_model(const Capture *capture) {
    return capture->model;
}

int capture_set_count(const Capture *capture) {
    return capture->set_count;
}

const SetInfo *capture_set(const Capture *capture, int set) {
    return &capture->sets[set];
}

int capture_set_by_name(const Capture *capture, const char *name) {
    for (int i = 0; i < capture->set_count; i++)
        if (!strcmp(capture->sets[i].name, name)) return i;
    return -1;
}

int capture_layer_index(const SetInfo *set, int number) {
    for (int i = 0; i < set->layer_count; i++)
        if (set->layers[i].number == number) return i;
    return -1;
}

int capture_head_index(const LayerInfo *layer, int number) {
    for (int i = 0; i < layer->head_count; i++)
        if (layer->head_numbers[i] == number) return i;
    return -1;
}

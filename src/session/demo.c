/* Built-in captures: assets/demos.json names them and says where their point is seen, the files lie in the program. */
#include "session/demo.h"
#include "embedded_assets.h"

#include <jansson.h>
#include <string.h>

#define DEMOS_MAX 32

static Demo demos[DEMOS_MAX];
static int demo_total = -1;
static json_t *demo_json; /* keeps the strings; lives as long as the program */

static void load_demos(void) {
    if (demo_total >= 0) return;
    demo_total = 0;
    const EmbeddedFile *file = embedded_assets_find("demos.json");
    if (!file) return;
    json_error_t error;
    demo_json = json_loadb((const char *)file->data, file->size, 0, &error);
    for (size_t i = 0; i < json_array_size(demo_json) && demo_total < DEMOS_MAX; i++) {
        const json_t *entry = json_array_get(demo_json, i);
        const Demo demo = {.name = json_string_value(json_object_get(entry, "name")),
                           .file = json_string_value(json_object_get(entry, "file")),
                           .title = json_string_value(json_object_get(entry, "title")),
                           .description = json_string_value(json_object_get(entry, "description")),
                           .set = json_string_value(json_object_get(entry, "set")),
                           .layer = json_string_value(json_object_get(entry, "layer")),
                           .range = json_string_value(json_object_get(entry, "range"))};
        if (demo.name && demo.file && demo.title && demo.description && embedded_assets_find(demo.file))
            demos[demo_total++] = demo;
    }
}

int demo_count(void) {
    load_demos();
    return demo_total;
}

const Demo *demo_at(int index) {
    return index >= 0 && index < demo_count() ? &demos[index] : NULL;
}

const Demo *demo_find(const char *name) {
    for (int i = 0; i < demo_count(); i++) {
        if (!strcmp(demos[i].name, name)) return &demos[i];
    }
    return NULL;
}

Status demo_open(const Demo *demo, Capture **out, Error *err) {
    const EmbeddedFile *file = embedded_assets_find(demo->file);
    if (!file)
        return error_set(err, STATUS_NOT_FOUND, "the built-in capture '%s' is missing from this program", demo->name);
    const CaptureOpenParams params = {.memory = file->data, .memory_size = file->size, .memory_name = demo->file};
    return capture_open(&params, out, err);
}

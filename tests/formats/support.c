#include "test_formats.h"

Container *open_memory(const void *data, size_t size, const char *name, Error *err) {
    ByteSource *source = NULL;
    memset(err, 0, sizeof(*err));
    Container *container = mem_alloc_zeroed(1, sizeof(*container));
    Status status = container ? bytes_open_memory(data, size, name, &source, err)
                              : error_set(err, STATUS_MEMORY, "not enough memory for the test");
    if (status == STATUS_OK) status = formats_open(NULL, source, name, NULL, container, err);
    for (size_t i = 0; status == STATUS_OK && i < container->tensor_count; i++) {
        status = container_materialise(container, &container->tensors[i], NULL, err);
        if (status != STATUS_OK) container_close(container);
    }
    if (status == STATUS_OK) return container;
    mem_free(container);
    /* one sentence, without its full stop, and where */
    assert_int_equal(err->status, status);
    assert_true(strlen(err->message) > 10);
    assert_true(err->message[strlen(err->message) - 1] != '.');
    assert_null(strchr(err->message, '\n'));
    return NULL;
}

void close_file(Container *container) {
    if (container) container_close(container);
    mem_free(container);
}

Status refuse_memory(const void *data, size_t size, const char *name, const char *word, Error *err) {
    Container *container = open_memory(data, size, name, err);
    if (container) {
        close_file(container);
        fail_msg("opened, but should be refused with '%s'", word);
    }
    if (!strstr(err->message, word)) fail_msg("expected '%s' in: %s", word, err->message);
    return err->status;
}

void look_around(const Container *container) {
    Error err = {0};
    for (size_t i = 0; i < container->tensor_count; i++) {
        const Tensor *tensor = &container->tensors[i];
        uint8_t first[8], last[8];
        const size_t size = (size_t)tensor->item_size;
        if (size == 0 || size > sizeof(first) || tensor->count == 0) continue;
        assert_non_null(tensor->source);
        assert_int_equal(bytes_read(tensor->source, tensor->offset, first, size, &err), STATUS_OK);
        const uint64_t end = tensor->offset + (uint64_t)(tensor->count - 1) * size;
        assert_int_equal(bytes_read(tensor->source, end, last, size, &err), STATUS_OK);
    }
}

/* Files that are written, read back; and every allocation on the way failing once. SVG, PDF and whole pictures:
 * tests/e2e. */
#include "export/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 37
#define HEIGHT 21
#define FAILURES_MAX 60

static char folder[] = "/tmp/attnscope-export-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(in_folder("x.png"));
    return rmdir(folder); /* fails where a temporary file was left */
}

static void fill(uint8_t *rgba) {
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const uint8_t a = (uint8_t)(i % 256);
        for (int c = 0; c < 3; c++)
            rgba[4 * i + c] = (uint8_t)((i * 7 + c * 31) % (a + 1)); /* multiplied by alpha */
        rgba[4 * i + 3] = a;
    }
}

static Status write_png(const char *path, const char *text, bool alpha) {
    static uint8_t rgba[WIDTH * HEIGHT * 4];
    const ExportText texts[] = {{"Software", "attnscope test"}, {"attnscope.command", text}};
    const ExportPixelsParams params = {
        .width = WIDTH, .height = HEIGHT, .alpha = alpha, .texts = texts, .text_count = BASE_COUNT(texts)};
    ExportPixels *png;
    Error err = {0};
    fill(rgba);
    Status status = export_png_open(path, &params, &png, &err);
    if (status != STATUS_OK) return status;
    for (int y = 0; y < HEIGHT && status == STATUS_OK; y += 4) {
        status = export_pixels_rows(png, rgba + y * WIDTH * 4, HEIGHT - y < 4 ? HEIGHT - y : 4, &err);
    }
    if (status == STATUS_OK) return export_pixels_commit(png, &err);
    export_pixels_discard(png);
    return status;
}

static void test_texts_round_trip(void **state) {
    (void)state;
    const char *const TEXTS[] = {"attnscope run.npz --layer 3", "na\xC3\xAFve \xE6\x97\xA5", "not UTF-8: \xFF\xFE", ""};
    for (size_t i = 0; i < BASE_COUNT(TEXTS); i++) {
        char *text = NULL;
        assert_int_equal(write_png(in_folder("x.png"), TEXTS[i], i % 2 == 0), STATUS_OK);
        assert_true(export_is_png(in_folder("x.png")));
        assert_int_equal(export_png_text(in_folder("x.png"), "attnscope.command", &text, NULL), STATUS_OK);
        assert_string_equal(text, TEXTS[i]);
        mem_free(text);
        assert_int_equal(export_png_text(in_folder("x.png"), "attnscope.comman", &text, NULL), STATUS_NOT_FOUND);
        assert_null(text);
    }
}

/* Whatever byte is changed, reading ends with the text, or with a sentence. */
static void test_damage_is_survived(void **state) {
    (void)state;
    const char *path = in_folder("x.png");
    char *bytes, *text;
    size_t size;
    assert_int_equal(write_png(path, "attnscope run.npz", false), STATUS_OK);
    assert_int_equal(file_read_all(path, 1 << 20, &bytes, &size, NULL), STATUS_OK);
    for (size_t at = 0; at < size && at < 400; at++) {
        for (int bit = 0; bit < 8; bit += 3) {
            Error err = {0};
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
            assert_int_equal(file_write_all(path, bytes, size, NULL), STATUS_OK);
            const Status status = export_png_text(path, "attnscope.command", &text, &err);
            if (status == STATUS_OK)
                assert_string_equal(text, "attnscope run.npz");
            else
                assert_true(err.message[0] && !text);
            mem_free(text);
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
        }
    }
    for (size_t cut = 0; cut < 300; cut += 7) {
        assert_int_equal(file_write_all(path, bytes, cut, NULL), STATUS_OK);
        if (export_png_text(path, "attnscope.command", &text, NULL) == STATUS_OK)
            assert_string_equal(text, "attnscope run.npz");
        mem_free(text);
    }
    mem_free(bytes);
}

static void test_allocations_that_fail(void **state) {
    (void)state;
    int failed = 0;
    for (uint64_t n = 1; n < FAILURES_MAX; n++) {
        mem_fail_after(n, false);
        const Status status = write_png(in_folder("x.png"), "a", true);
        mem_fail_after(0, false);
        assert_true(status == STATUS_OK || status == STATUS_MEMORY);
        failed += status == STATUS_MEMORY;
        char *text = NULL;
        mem_fail_after(n, false);
        const Status read = export_png_text(in_folder("x.png"), "attnscope.command", &text, NULL);
        mem_fail_after(0, false);
        assert_true(read == STATUS_OK || read == STATUS_MEMORY || read == STATUS_NOT_FOUND);
        assert_true((read == STATUS_OK) == (text != NULL));
        mem_free(text);
    }
    assert_true(failed >= 3);
}

static uint32_t u32(const char *at) {
    const uint8_t *p = (const uint8_t *)at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void test_fonts_are_embedded_whole_or_not_at_all(void **state) {
    (void)state;
    Fonts *fonts;
    FontData font;
    if (draw_fonts_open(NULL, &fonts, NULL) != STATUS_OK) skip();
    const FontGlyph glyph = draw_font_glyph(fonts, 'n', FONT_REGULAR);
    assert_true(glyph.face >= 0 && glyph.glyph > 0);
    assert_true(draw_font_data(fonts, glyph.face, &font));
    assert_false(draw_font_data(fonts, 1000, &font) || draw_font_data(fonts, -1, &font));
    assert_int_equal(draw_font_glyph(fonts, 0x200d, FONT_REGULAR).face, FONT_GLYPH_INVISIBLE);
    TextBuffer out = {0};
    const Status status = export_woff(&font, &out, NULL);
    if (status == STATUS_OK) {
        assert_memory_equal(out.text, "wOFF", 4);
        assert_int_equal(u32(out.text + 8), out.length);
        assert_true(out.length % 4 == 0 && out.length < font.size);
        const int tables = (uint8_t)out.text[12] << 8 | (uint8_t)out.text[13];
        for (int i = 0; i < tables; i++) {
            const char *entry = out.text + 44 + 20 * i;
            assert_true(u32(entry + 4) % 4 == 0 && u32(entry + 4) + u32(entry + 8) <= out.length &&
                        u32(entry + 8) <= u32(entry + 12));
        }
    }
    text_buffer_free(&out);
    for (size_t size = 0; size < 300; size += 13) {
        const FontData cut = {.data = font.data, .size = size};
        assert_int_equal(export_woff(&cut, &out, NULL), STATUS_UNSUPPORTED);
    }
    for (uint64_t n = 1; n < 20; n++) {
        mem_fail_after(n, false);
        const Status failing = export_woff(&font, &out, NULL);
        mem_fail_after(0, false);
        assert_true(failing == STATUS_OK || failing == STATUS_MEMORY || failing == STATUS_UNSUPPORTED);
        text_buffer_free(&out);
    }
    draw_fonts_close(fonts);
}

static void test_npy_headers(void **state) {
    (void)state;
    char header[EXPORT_NPY_HEADER_MAX];
    const size_t length = export_npy_header(3, 4, 0, header);
    assert_true(length % 64 == 0 && header[length - 1] == '\n');
    assert_memory_equal(header, "\x93NUMPY\x01\x00", 8);
    assert_int_equal((uint8_t)header[8] | (uint8_t)header[9] << 8, length - 10);
    assert_non_null(strstr(header + 10, "'shape': (3, 4), }"));
    export_npy_header(INT64_MAX, INT64_MAX, 2, header);
    assert_non_null(strstr(header + 10, "(9223372036854775807, 9223372036854775807, 2)"));
}

/* A writer from outside, found as those of the program are. */
static void test_writers_are_told_by_name(void **state) {
    static const ExportWriter GUEST = {.ending = ".guest", .kind = EXPORT_PIXELS, .pixels = export_png_open};
    const ExportWriter *const guests[] = {&GUEST, NULL};
    char endings[128];
    (void)state;
    const ExportWriter *png = export_writer(NULL, "a.png", EXPORT_PICTURES);
    assert_ptr_equal(png->pixels, export_png_open);
    assert_null(export_writer(NULL, "a.png", EXPORT_VECTORS | EXPORT_NUMBERS));
    assert_null(export_writer(NULL, "a.PNG", EXPORT_PICTURES));
    assert_ptr_equal(export_writer(NULL, "a.svg", EXPORT_PICTURES)->vectors, export_svg);
    assert_int_equal(export_writer(NULL, "a.csv", EXPORT_TABLE)->separator, ',');
    assert_non_null(export_writer(NULL, "a.safetensors", EXPORT_CAPTURE)->capture);
    assert_ptr_equal(export_writer(guests, "x.guest", EXPORT_PICTURES), &GUEST);
    assert_null(export_writer(guests, "x.png", EXPORT_PICTURES));
    assert_string_equal(export_endings(NULL, EXPORT_PICTURES | EXPORT_NUMBERS, endings, sizeof endings),
                        ".png, .svg, .pdf or .npy");
    assert_string_equal(export_endings(NULL, EXPORT_TABLE | EXPORT_NUMBERS, endings, sizeof endings),
                        ".tsv, .csv or .npy");
    assert_string_equal(export_endings(guests, EXPORT_PICTURES, endings, sizeof endings), ".guest");
    assert_string_equal(export_endings(guests, EXPORT_TABLE, endings, sizeof endings), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_round_trip),      cmocka_unit_test(test_damage_is_survived),
        cmocka_unit_test(test_allocations_that_fail), cmocka_unit_test(test_fonts_are_embedded_whole_or_not_at_all),
        cmocka_unit_test(test_npy_headers),           cmocka_unit_test(test_writers_are_told_by_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

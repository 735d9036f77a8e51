/* How a token is shown. Tokenisers mark word boundaries and line breaks with characters that people should not have
 * to read:
 *
 *   byte-level BPE   each byte is a printable character (GPT-2's table): Ġ is a space, Ċ a line break; undone as a
 *   whole
 *   SentencePiece    ▁ is a space
 *   WordPiece        ##ing continues a word
 *   old BPE          </w> ends a word
 *
 * Line breaks show as ↵, tabs as ⇥, other control characters and invalid bytes as \xNN. */
#include "formats/internal.h"

#define MARK_LINE_BREAK "\xe2\x86\xb5"      /* U+21B5 */
#define MARK_TAB "\xe2\x87\xa5"             /* U+21E5 */
#define MARK_CARRIAGE_RETURN "\xe2\x90\x8d" /* U+240D */
enum { CODE_G_DOT = 0x120, CODE_C_DOT = 0x10a, CODE_LOWER_ONE_EIGHTH = 0x2581 };

static bool is_plain_byte(uint32_t code) {
    return (code >= 0x21 && code <= 0x7e) || (code >= 0xa1 && code <= 0xac) || (code >= 0xae && code <= 0xff);
}

/* GPT-2's bytes_to_unicode, backwards: plain bytes stand for themselves, the n-th other one for 256 + n. -1: none. */
static int byte_of_code(uint32_t code) {
    if (is_plain_byte(code)) return (int)code;
    uint32_t n = 256;
    for (uint32_t byte = 0; byte < 256 && code >= 256; byte++) {
        if (is_plain_byte(byte)) continue;
        if (n++ == code) return (int)byte;
    }
    return -1;
}

static bool starts_with(const char *bytes, size_t length, const char *prefix) {
    size_t n = strlen(prefix);
    return length >= n && !memcmp(bytes, prefix, n);
}

TokenEncoding token_text_encoding(const char *const *raw, const size_t *lengths, int64_t count) {
    bool wordpiece = false;
    for (int64_t i = 0; i < count; i++) {
        wordpiece |= lengths[i] > 2 && starts_with(raw[i], lengths[i], "##");
        for (size_t at = 0; at < lengths[i];) {
            uint32_t code = utf8_decode(raw[i], lengths[i], &at);
            if (code == CODE_G_DOT || code == CODE_C_DOT) return TOKENS_BYTE_LEVEL;
        }
    }
    return wordpiece ? TOKENS_WORDPIECE : TOKENS_AS_IS;
}

/* The bytes a byte-level token stands for; false where a character is not of the table (an added token). */
static bool undo_byte_level(const char *raw, size_t length, TextBuffer *out) {
    for (size_t at = 0; at < length;) {
        int byte = byte_of_code(utf8_decode(raw, length, &at));
        if (byte < 0) return false;
        char c = (char)byte;
        text_append_bytes(out, &c, 1);
    }
    return true;
}

/* Valid UTF-8 without NUL; with `visible`, without control characters either. */
static void append_escaped(TextBuffer *out, const char *bytes, size_t length, bool visible) {
    for (size_t at = 0; at < length;) {
        size_t start = at;
        uint32_t code = utf8_decode(bytes, length, &at);
        bool invalid = code == 0xfffd && !(at - start == 3 && !memcmp(bytes + start, "\xef\xbf\xbd", 3));
        if (invalid || code == 0)
            text_appendf(out, "\\x%02x", (unsigned char)bytes[start]);
        else if (visible && code == '\n')
            text_append(out, MARK_LINE_BREAK);
        else if (visible && code == '\t')
            text_append(out, MARK_TAB);
        else if (visible && code == '\r')
            text_append(out, MARK_CARRIAGE_RETURN);
        else if (visible && (code < 0x20 || (code >= 0x7f && code < 0xa0)))
            text_appendf(out, "\\x%02x", (unsigned)code);
        else if (visible && code == CODE_LOWER_ONE_EIGHTH)
            text_append(out, " ");
        else
            text_append_bytes(out, bytes + start, at - start);
    }
}

static bool is_special(const char *text) {
    static const char *const NAMES[] = {"[CLS]", "[SEP]",  "[PAD]",           "[MASK]",       "[BOS]", "[EOS]",
                                        "<s>",   "</s>",   "<pad>",           "<bos>",        "<eos>", "<cls>",
                                        "<sep>", "<mask>", "<start_of_turn>", "<end_of_turn>"};
    char trimmed[64];
    size_t start = strspn(text, " \t\r\n"), length = strlen(text + start);
    while (length > 0 && strchr(" \t\r\n", text[start + length - 1]))
        length--;
    if (length < 3 || length >= sizeof(trimmed)) return false;
    memcpy(trimmed, text + start, length);
    trimmed[length] = '\0';
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (text_equal_nocase(trimmed, NAMES[i])) return true;
    /* <|...|>, also with full-width bars */
    return (text_starts_with(trimmed, "<|") && text_ends_with(trimmed, "|>")) ||
           (text_starts_with(trimmed, "<\xef\xbd\x9c") && text_ends_with(trimmed, "\xef\xbd\x9c>"));
}

static void append_display(TextBuffer *out, const char *bytes, size_t length, TokenEncoding encoding, Token *token) {
    TextBuffer decoded = {0};
    if (encoding == TOKENS_BYTE_LEVEL && !token->special && undo_byte_level(bytes, length, &decoded)) {
        bytes = decoded.text ? decoded.text : "";
        length = decoded.length;
    }
    token->space_before = starts_with(bytes, length, " ") || starts_with(bytes, length, "\xe2\x96\x81");
    if (encoding == TOKENS_WORDPIECE && length > 2 && starts_with(bytes, length, "##")) {
        bytes += 2;
        length -= 2;
    } else if (encoding == TOKENS_WORDPIECE) {
        token->space_before = true;
    }
    if (length > 4 && !memcmp(bytes + length - 4, "</w>", 4)) length -= 4;
    append_escaped(out, bytes, length, true);
    out->failed |= decoded.failed;
    text_buffer_free(&decoded);
}

bool token_text_make(Arena *arena, const char *bytes, size_t length, TokenEncoding encoding, Token *out) {
    TextBuffer text = {0};
    memset(out, 0, sizeof(*out));
    append_escaped(&text, bytes, length, false);
    out->raw = text.failed ? NULL : arena_copy_text(arena, text.text ? text.text : "", text.length);
    if (!out->raw) {
        text_buffer_free(&text);
        return false;
    }
    out->special = is_special(out->raw);
    text.length = 0;
    if (text.text) text.text[0] = '\0';
    append_display(&text, bytes, length, encoding, out);
    const char *display = text.text ? text.text : "";
    if (text.failed)
        out->display = NULL;
    else
        out->display = !strcmp(display, out->raw) ? out->raw : arena_copy_text(arena, display, strlen(display));
    text_buffer_free(&text);
    return out->display != NULL;
}

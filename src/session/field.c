/* Editing by code points: the text never holds half of one, whatever was typed or pasted. */
#include "session/field.h"

#include <string.h>

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t before(const Field *field, size_t at) {
    if (at == 0) return 0;
    at--;
    while (at > 0 && is_continuation(field->text[at]))
        at--;
    return at;
}

static size_t after(const Field *field, size_t at) {
    if (at >= field->length) return field->length;
    at++;
    while (at < field->length && is_continuation(field->text[at]))
        at++;
    return at;
}

/* Folders of a path are words, too. */
static bool parts_words(char c) {
    return c == ' ' || c == '/' || c == ',' || c == ':';
}

static size_t word_before(const Field *field, size_t at) {
    while (at > 0 && parts_words(field->text[at - 1]))
        at--;
    while (at > 0 && !parts_words(field->text[at - 1]))
        at--;
    return at;
}

static size_t word_after(const Field *field, size_t at) {
    while (at < field->length && parts_words(field->text[at]))
        at++;
    while (at < field->length && !parts_words(field->text[at]))
        at++;
    return at;
}

static void remove_bytes(Field *field, size_t from, size_t to) {
    memmove(field->text + from, field->text + to, field->length - to + 1);
    field->length -= to - from;
    field->caret = from;
}

void field_insert(Field *field, const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        const uint32_t code = utf8_decode(text, length, &at);
        char bytes[4];
        if (code < ' ' || code == 0x7F || code == 0xFFFD) continue;
        const size_t size = utf8_encode(code, bytes);
        if (field->length + size >= sizeof field->text) return;
        memmove(field->text + field->caret + size, field->text + field->caret, field->length - field->caret + 1);
        memcpy(field->text + field->caret, bytes, size);
        field->length += size;
        field->caret += size;
    }
}

void field_set(Field *field, const char *text) {
    field->text[0] = 0;
    field->length = field->caret = 0;
    field_insert(field, text, strlen(text));
}

void field_replace(Field *field, size_t from, size_t to, const char *text) {
    remove_bytes(field, from, to);
    field_insert(field, text, strlen(text));
}

static bool move_caret(Field *field, int key, bool word) {
    switch (key) {
    case KEY_LEFT:
        field->caret = word ? word_before(field, field->caret) : before(field, field->caret);
        return true;
    case KEY_RIGHT:
        field->caret = word ? word_after(field, field->caret) : after(field, field->caret);
        return true;
    case KEY_HOME:
        field->caret = 0;
        return true;
    case KEY_END:
        field->caret = field->length;
        return true;
    default:
        return false;
    }
}

bool field_event(Field *field, const InputEvent *event, bool *changed) {
    const size_t length = field->length;
    *changed = false;
    if (event->type == EVENT_TEXT) {
        field_insert(field, event->text, strlen(event->text));
        *changed = field->length != length;
        return true;
    }
    if (event->type != EVENT_KEY_DOWN || (event->mods & (MOD_ALT | MOD_SUPER))) return false;
    const bool ctrl = event->mods & MOD_CTRL;
    if (move_caret(field, event->key, ctrl)) return true;
    const size_t caret = field->caret;
    if (event->key == KEY_BACKSPACE || (ctrl && event->key == 'w'))
        remove_bytes(field, ctrl ? word_before(field, caret) : before(field, caret), caret);
    else if (event->key == KEY_DELETE) {
        remove_bytes(field, caret, ctrl ? word_after(field, caret) : after(field, caret));
    } else if (ctrl && event->key == 'u')
        remove_bytes(field, 0, field->length);
    else
        return false;
    *changed = field->length != length;
    return true;
}

/* Sentences about how a capture was read. */
#include "capture/internal.h"

bool capture_add_note(Capture *capture, bool warning, const char *format, ...) {
    char text[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!mem_grow((void **)&capture->notes, &capture->note_capacity, capture->note_count + 1, sizeof(Note)))
        return false;
    Note *note = &capture->notes[capture->note_count];
    note->warning = warning;
    note->text = arena_copy_text(&capture->arena, text, strlen(text));
    if (!note->text) return false;
    capture->note_count++;
    return true;
}

int capture_note_count(const Capture *capture) {
    return (int)capture->note_count;
}

const char *capture_note(const Capture *capture, int note) {
    return capture->notes[note].text;
}

bool capture_note_is_warning(const Capture *capture, int note) {
    return capture->notes[note].warning;
}

/* SDL's events in our own numbering, and names for keys.
 *
 * Key symbols follow the keyboard's layout, scancodes the place of the key. Letters go by symbol, so that "q" is where
 * it is printed; on a layout without Latin letters (a symbol outside ASCII on a letter's place) by place. Digits go by
 * place, because some layouts have them on the shifted level. Punctuation that needs Shift on the one layout and not on
 * the other ('+', '?') is reported as on a US keyboard, base key and Shift, so that one binding serves both. */
#include "platform/internal.h"

#include <string.h>

typedef struct KeyName {
    int key;
    const char *name; /* as printed; further names are read only */
} KeyName;

static const KeyName key_names[] = {
    {KEY_ESCAPE, "Esc"},     {KEY_ESCAPE, "Escape"},
    {KEY_ENTER, "Enter"},    {KEY_ENTER, "Return"},
    {KEY_TAB, "Tab"},        {KEY_BACKSPACE, "Backspace"},
    {KEY_DELETE, "Delete"},  {KEY_DELETE, "Del"},
    {KEY_INSERT, "Insert"},  {KEY_INSERT, "Ins"},
    {KEY_UP, "Up"},          {KEY_DOWN, "Down"},
    {KEY_LEFT, "Left"},      {KEY_RIGHT, "Right"},
    {KEY_HOME, "Home"},      {KEY_END, "End"},
    {KEY_PAGE_UP, "PgUp"},   {KEY_PAGE_UP, "PageUp"},
    {KEY_PAGE_DOWN, "PgDn"}, {KEY_PAGE_DOWN, "PageDown"},
    {KEY_F1, "F1"},          {KEY_F2, "F2"},
    {KEY_F3, "F3"},          {KEY_F4, "F4"},
    {KEY_F5, "F5"},          {KEY_F6, "F6"},
    {KEY_F7, "F7"},          {KEY_F8, "F8"},
    {KEY_F9, "F9"},          {KEY_F10, "F10"},
    {KEY_F11, "F11"},        {KEY_F12, "F12"},
    {' ', "Space"},          {'+', "Plus"},
    {'-', "Minus"},
};

static const struct {
    int mod;
    const char *name;
} mod_names[] = {
    /* in the order they are printed */
    {MOD_CTRL, "Ctrl"},   {MOD_CTRL, "Control"}, {MOD_ALT, "Alt"},   {MOD_ALT, "Option"},
    {MOD_SHIFT, "Shift"}, {MOD_SUPER, "Super"},  {MOD_SUPER, "Cmd"}, {MOD_SUPER, "Meta"},
};

/* Shifted symbol and base key of a US keyboard; not the digits' row, whose symbols have keys of their own elsewhere. */
static const char shifted_symbols[] = "?+:\"<>{}|_~";
static const char base_symbols[] = "/=;',.[]\\-`";

static void use_base_key(int *key, int *mods) {
    const char *found = *key > 0 && *key < 0x80 ? strchr(shifted_symbols, *key) : NULL;
    if (found) {
        *key = (unsigned char)base_symbols[found - shifted_symbols];
        *mods |= MOD_SHIFT;
    }
}

static const struct {
    SDL_Keycode sym;
    int key, key_without_num_lock; /* 0: the same */
} symbol_keys[] = {
    {SDLK_ESCAPE, KEY_ESCAPE, 0},
    {SDLK_RETURN, KEY_ENTER, 0},
    {SDLK_RETURN2, KEY_ENTER, 0},
    {SDLK_TAB, KEY_TAB, 0},
    {SDLK_BACKSPACE, KEY_BACKSPACE, 0},
    {SDLK_DELETE, KEY_DELETE, 0},
    {SDLK_INSERT, KEY_INSERT, 0},
    {SDLK_UP, KEY_UP, 0},
    {SDLK_DOWN, KEY_DOWN, 0},
    {SDLK_LEFT, KEY_LEFT, 0},
    {SDLK_RIGHT, KEY_RIGHT, 0},
    {SDLK_HOME, KEY_HOME, 0},
    {SDLK_END, KEY_END, 0},
    {SDLK_PAGEUP, KEY_PAGE_UP, 0},
    {SDLK_PAGEDOWN, KEY_PAGE_DOWN, 0},
    {SDLK_F1, KEY_F1, 0},
    {SDLK_F2, KEY_F2, 0},
    {SDLK_F3, KEY_F3, 0},
    {SDLK_F4, KEY_F4, 0},
    {SDLK_F5, KEY_F5, 0},
    {SDLK_F6, KEY_F6, 0},
    {SDLK_F7, KEY_F7, 0},
    {SDLK_F8, KEY_F8, 0},
    {SDLK_F9, KEY_F9, 0},
    {SDLK_F10, KEY_F10, 0},
    {SDLK_F11, KEY_F11, 0},
    {SDLK_F12, KEY_F12, 0},
    {SDLK_KP_ENTER, KEY_ENTER, 0},
    {SDLK_KP_PLUS, '+', 0},
    {SDLK_KP_MINUS, '-', 0},
    {SDLK_KP_MULTIPLY, '*', 0},
    {SDLK_KP_DIVIDE, '/', 0},
    {SDLK_KP_EQUALS, '=', 0},
    {SDLK_KP_PERIOD, '.', KEY_DELETE},
    {SDLK_KP_COMMA, ',', 0},
    {SDLK_KP_0, '0', KEY_INSERT},
    {SDLK_KP_1, '1', KEY_END},
    {SDLK_KP_2, '2', KEY_DOWN},
    {SDLK_KP_3, '3', KEY_PAGE_DOWN},
    {SDLK_KP_4, '4', KEY_LEFT},
    {SDLK_KP_5, '5', 0},
    {SDLK_KP_6, '6', KEY_RIGHT},
    {SDLK_KP_7, '7', KEY_HOME},
    {SDLK_KP_8, '8', KEY_UP},
    {SDLK_KP_9, '9', KEY_PAGE_UP},
};

static bool has_num_lock_off(Uint16 mod) {
#ifdef __APPLE__
    (void)mod; /* Apple keyboards have no such key */
    return false;
#else
    return !(mod & KMOD_NUM);
#endif
}

/* 0 for keys that have no meaning here. */
static int key_of(const SDL_Keysym *keysym) {
    SDL_Scancode place = keysym->scancode;
    if (place >= SDL_SCANCODE_1 && place <= SDL_SCANCODE_9) {
        return '1' + (int)(place - SDL_SCANCODE_1);
    }
    if (place == SDL_SCANCODE_0) {
        return '0';
    }
    if (place == SDL_SCANCODE_TAB) { /* with Shift some layouts have a symbol of its own on it */
        return KEY_TAB;
    }
    SDL_Keycode sym = keysym->sym;
    for (size_t i = 0; i < BASE_COUNT(symbol_keys); i++) {
        if (symbol_keys[i].sym == sym) {
            int other = symbol_keys[i].key_without_num_lock;
            return other && has_num_lock_off(keysym->mod) ? other : symbol_keys[i].key;
        }
    }
    bool ascii = sym >= ' ' && sym < 0x7f;
    if (!ascii && place >= SDL_SCANCODE_A && place <= SDL_SCANCODE_Z) {
        return 'a' + (int)(place - SDL_SCANCODE_A);
    }
    bool printable = sym >= ' ' && !(sym & SDLK_SCANCODE_MASK) && sym <= 0x10FFFF;
    return printable ? (int)sym : 0;
}

static int mods_of(SDL_Keymod mod) {
    int mods = 0;
    mods |= mod & KMOD_SHIFT ? MOD_SHIFT : 0;
    mods |= mod & KMOD_CTRL ? MOD_CTRL : 0;
    mods |= mod & KMOD_ALT ? MOD_ALT : 0;
    mods |= mod & KMOD_GUI ? MOD_SUPER : 0;
    return mods;
}

static unsigned buttons_of(Uint32 state) {
    unsigned buttons = 0;
    buttons |= state & SDL_BUTTON_LMASK ? 1u << BUTTON_LEFT : 0;
    buttons |= state & SDL_BUTTON_MMASK ? 1u << BUTTON_MIDDLE : 0;
    buttons |= state & SDL_BUTTON_RMASK ? 1u << BUTTON_RIGHT : 0;
    return buttons;
}

/* What a key types on a US keyboard; 0: nothing. */
static char typed_by(const SDL_Keysym *keysym) {
    static const char digits_shifted[] = ")!@#$%^&*(";
    if (keysym->sym < ' ' || keysym->sym > '~' || (keysym->mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI))) {
        return 0;
    }
    char c = (char)keysym->sym;
    bool shift = keysym->mod & KMOD_SHIFT;
    if (c >= 'a' && c <= 'z') {
        return shift != ((keysym->mod & KMOD_CAPS) != 0) ? (char)(c - 'a' + 'A') : c;
    }
    if (shift && c >= '0' && c <= '9') {
        return digits_shifted[c - '0'];
    }
    const char *base = shift ? strchr(base_symbols, c) : NULL;
    return base ? shifted_symbols[base - base_symbols] : c;
}

static bool translate_key(Platform *platform, const SDL_KeyboardEvent *key, InputEvent *out) {
    platform->mods = mods_of((SDL_Keymod)key->keysym.mod);
    if (key->type == SDL_KEYDOWN && platform->keys_before_text > 0) {
        platform->keys_before_text--;
        if ((out->text[0] = typed_by(&key->keysym)) != 0) {
            out->type = EVENT_TEXT;
            return true;
        }
    }
    out->type = key->type == SDL_KEYDOWN ? EVENT_KEY_DOWN : EVENT_KEY_UP;
    out->key = key_of(&key->keysym);
    out->mods = platform->mods;
    out->repeat = key->repeat != 0;
    use_base_key(&out->key, &out->mods);
    return out->key != 0;
}

static void fill_mouse(const Platform *platform, InputEvent *out) {
    out->x = (float)platform->mouse_x;
    out->y = (float)platform->mouse_y;
    out->buttons = platform->buttons;
    out->mods = platform->mods;
}

static bool translate_motion(Platform *platform, const SDL_MouseMotionEvent *motion, InputEvent *out) {
    platform->mouse_x = motion->x;
    platform->mouse_y = motion->y;
    platform->buttons = buttons_of(motion->state);
    out->type = EVENT_MOUSE_MOVE;
    fill_mouse(platform, out);
    return true;
}

static bool translate_button(Platform *platform, const SDL_MouseButtonEvent *button, InputEvent *out) {
    static const int numbers[] = {
        [SDL_BUTTON_LEFT] = BUTTON_LEFT, [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE, [SDL_BUTTON_RIGHT] = BUTTON_RIGHT};
    if (button->button >= BASE_COUNT(numbers) || !numbers[button->button]) {
        return false;
    }
    bool down = button->type == SDL_MOUSEBUTTONDOWN;
    unsigned bit = 1u << numbers[button->button];
    platform->buttons = down ? platform->buttons | bit : platform->buttons & ~bit;
    platform->mouse_x = button->x;
    platform->mouse_y = button->y;
    out->type = down ? EVENT_MOUSE_DOWN : EVENT_MOUSE_UP;
    out->button = numbers[button->button];
    out->clicks = button->clicks;
    fill_mouse(platform, out);
    return true;
}

static bool translate_wheel(const Platform *platform, const SDL_MouseWheelEvent *wheel, InputEvent *out) {
    float sign = wheel->direction == SDL_MOUSEWHEEL_FLIPPED ? -1.0f : 1.0f;
    out->type = EVENT_WHEEL;
#if SDL_VERSION_ATLEAST(2, 0, 18)
    out->wheel_x = sign * wheel->preciseX;
    out->wheel_y = sign * wheel->preciseY;
#else
    out->wheel_x = sign * (float)wheel->x;
    out->wheel_y = sign * (float)wheel->y;
#endif
    fill_mouse(platform, out);
    return out->wheel_x != 0 || out->wheel_y != 0;
}

static bool translate_window(Platform *platform, const SDL_WindowEvent *window, InputEvent *out) {
    switch (window->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        out->type = EVENT_RESIZE;
        return true;
#if SDL_VERSION_ATLEAST(2, 0, 18)
    case SDL_WINDOWEVENT_DISPLAY_CHANGED: /* the new screen may have another density */
        out->type = EVENT_RESIZE;
        return true;
#endif
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
        out->type = EVENT_EXPOSE;
        return true;
    case SDL_WINDOWEVENT_FOCUS_GAINED:
        platform->mods = mods_of(SDL_GetModState()); /* keys pressed while another window had them */
        out->type = EVENT_FOCUS_GAINED;
        return true;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        platform->mods = 0;
        platform->buttons = 0;
        out->type = EVENT_FOCUS_LOST;
        return true;
    case SDL_WINDOWEVENT_LEAVE:
        out->type = EVENT_MOUSE_LEAVE;
        return true;
    default:
        return false;
    }
}

static bool translate_drop(const SDL_DropEvent *drop, InputEvent *out) {
    bool used = false;
    if (drop->type == SDL_DROPFILE && drop->file) {
        int length = snprintf(out->path, sizeof(out->path), "%s", drop->file);
        used = length > 0 && (size_t)length < sizeof(out->path); /* never open a path that was cut */
        out->type = EVENT_DROP_FILE;
    }
    SDL_free(drop->file);
    return used;
}

bool platform_translate(Platform *platform, const SDL_Event *event, InputEvent *out) {
    *out = (InputEvent){0};
    switch (event->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        return translate_key(platform, &event->key, out);
    case SDL_TEXTINPUT:
        out->type = EVENT_TEXT;
        snprintf(out->text, sizeof(out->text), "%s", event->text.text);
        return platform->text_input && out->text[0];
    case SDL_MOUSEMOTION:
        return translate_motion(platform, &event->motion, out);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        return translate_button(platform, &event->button, out);
    case SDL_MOUSEWHEEL:
        return translate_wheel(platform, &event->wheel, out);
    case SDL_WINDOWEVENT:
        return translate_window(platform, &event->window, out);
    case SDL_DROPFILE:
    case SDL_DROPTEXT:
    case SDL_DROPBEGIN:
    case SDL_DROPCOMPLETE:
        return translate_drop(&event->drop, out);
    case SDL_QUIT:
        out->type = EVENT_QUIT;
        return true;
    default:
        if (event->type == platform->wake_event) {
            atomic_store(&platform->wake_pending, false);
            out->type = EVENT_WAKE;
            return true;
        }
        return false;
    }
}

static bool take_wake(Platform *platform, InputEvent *out) {
    *out = (InputEvent){0};
    if (!atomic_exchange(&platform->wake_pending, false)) {
        return false;
    }
    out->type = EVENT_WAKE;
    return true;
}

bool platform_poll(Platform *platform, InputEvent *out) {
    if (!platform_is_window(platform)) {
        return take_wake(platform, out);
    }
    SDL_Event event;
    while (SDL_PollEvent(&event)) {
        if (platform_translate(platform, &event, out)) {
            return true;
        }
    }
    *out = (InputEvent){0};
    return false;
}

/* Milliseconds until `deadline_ns`, rounded up, so that a wait never ends just before it. */
static int ms_until(uint64_t deadline_ns) {
    Clock clock = clock_system();
    uint64_t now = clock_now_ns(&clock);
    return now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
}

static bool wait_offscreen(Platform *platform, int timeout_ms, uint64_t deadline_ns, InputEvent *out) {
    mutex_lock(platform->wake_mutex);
    bool woken = take_wake(platform, out);
    int left = timeout_ms;
    while (!woken && left != 0) {
        if (timeout_ms < 0) {
            cond_wait(platform->wake_cond, platform->wake_mutex);
        } else {
            cond_wait_for(platform->wake_cond, platform->wake_mutex, (uint64_t)left * 1000000u);
            left = ms_until(deadline_ns);
        }
        woken = take_wake(platform, out);
    }
    mutex_unlock(platform->wake_mutex);
    return woken;
}

bool platform_wait(Platform *platform, int timeout_ms, InputEvent *out) {
    Clock clock = clock_system();
    uint64_t deadline = timeout_ms > 0 ? clock_now_ns(&clock) + (uint64_t)timeout_ms * 1000000u : 0;
    if (!platform_is_window(platform)) {
        return wait_offscreen(platform, timeout_ms, deadline, out);
    }
    int left = timeout_ms;
    SDL_Event event;
    while (SDL_WaitEventTimeout(&event, left)) {
        if (platform_translate(platform, &event, out)) {
            return true;
        }
        left = timeout_ms < 0 ? -1 : ms_until(deadline);
    }
    *out = (InputEvent){0};
    return false;
}

void platform_wake(Platform *platform) {
    if (!platform_is_window(platform)) {
        mutex_lock(platform->wake_mutex);
        atomic_store(&platform->wake_pending, true);
        cond_signal(platform->wake_cond);
        mutex_unlock(platform->wake_mutex);
        return;
    }
    if (atomic_exchange(&platform->wake_pending, true)) {
        return;
    }
    SDL_Event event = {.type = platform->wake_event};
    if (SDL_PushEvent(&event) != 1) { /* a full queue wakes by itself; the next call tries again */
        atomic_store(&platform->wake_pending, false);
    }
}

void platform_text_input(Platform *platform, bool on) {
    bool was_on = platform->text_input;
    platform->text_input = on;
    if (!platform_is_window(platform)) {
        return;
    }
    if (on && was_on) {
        return; /* text of what waits is on its way */
    }
    platform->keys_before_text = 0;
    if (on) {
        /* Who types on while a frame is drawn must not lose letters: SDL made no text of those that wait already. */
        SDL_Event waiting[64];
        int count = SDL_PeepEvents(waiting, 64, SDL_PEEKEVENT, SDL_KEYDOWN, SDL_KEYDOWN);
        platform->keys_before_text = count > 0 ? count : 0;
        SDL_StartTextInput();
    } else {
        SDL_StopTextInput();
    }
}

/* True when text[0..length) is `name`, whatever the case. */
static bool is_name(const char *text, size_t length, const char *name) {
    return strlen(name) == length && SDL_strncasecmp(text, name, length) == 0;
}

static bool parse_mod(const char *text, size_t length, int *mods) {
    for (size_t i = 0; i < BASE_COUNT(mod_names); i++) {
        if (is_name(text, length, mod_names[i].name)) {
            *mods |= mod_names[i].mod;
            return true;
        }
    }
    return false;
}

static int parse_key(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < BASE_COUNT(key_names); i++) {
        if (is_name(text, length, key_names[i].name)) {
            return key_names[i].key;
        }
    }
    size_t at = 0;
    uint32_t code = utf8_decode(text, length, &at);
    if (at != length || code <= ' ' || code == 0x7f || code == 0xFFFD) {
        return 0;
    }
    return code >= 'A' && code <= 'Z' ? (int)code - 'A' + 'a' : (int)code;
}

bool platform_key_parse(const char *name, int *key, int *mods) {
    int found_mods = 0;
    for (const char *plus; (plus = strchr(name, '+')) && plus > name && plus[1]; name = plus + 1) {
        if (!parse_mod(name, (size_t)(plus - name), &found_mods)) {
            return false;
        }
    }
    int found = parse_key(name);
    if (!found) {
        return false;
    }
    use_base_key(&found, &found_mods);
    *key = found;
    *mods = found_mods;
    return true;
}

static void append(char *out, size_t out_size, const char *text) {
    size_t used = strlen(out);
    snprintf(out + used, out_size - used, "%s", text);
}

void platform_key_format(int key, int mods, char *out, size_t out_size) {
    if (out_size == 0) {
        return;
    }
    out[0] = 0;
    const char *base = key > 0 && key < 0x80 ? strchr(base_symbols, key) : NULL;
    if (base && (mods & MOD_SHIFT)) {
        key = (unsigned char)shifted_symbols[base - base_symbols];
        mods &= ~MOD_SHIFT;
    }
    int left = mods;
    for (size_t i = 0; i < BASE_COUNT(mod_names); i++) {
        if (left & mod_names[i].mod) {
            left &= ~mod_names[i].mod;
            append(out, out_size, mod_names[i].name);
            append(out, out_size, "+");
        }
    }
    for (size_t i = 0; i < BASE_COUNT(key_names); i++) {
        bool printed_as_itself = key == '+' || key == '-';
        if (key_names[i].key == key && !printed_as_itself) {
            append(out, out_size, key_names[i].name);
            return;
        }
    }
    bool letter = key >= 'a' && key <= 'z';
    char symbol[5] = "";
    utf8_encode((uint32_t)(letter && mods ? key - 'a' + 'A' : key), symbol);
    append(out, out_size, symbol);
}

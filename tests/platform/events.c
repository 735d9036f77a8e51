/* SDL events of keyboards and mice that the test machine does not have, translated without a window. */
#include "test_platform.h"

#include "platform/internal.h"

#include <string.h>

static Platform window = {.mode = PLATFORM_WINDOW, .wake_event = SDL_USEREVENT + 1};

static void check_key(SDL_Keycode sym, SDL_Scancode place, int mod, int wanted_key, int wanted_mods) {
    SDL_Event event = {.key = {.type = SDL_KEYDOWN, .keysym = {.sym = sym, .scancode = place, .mod = (Uint16)mod}}};
    InputEvent out;
    bool used = platform_translate(&window, &event, &out);
    if (used != (wanted_key != 0) || (used && (out.key != wanted_key || out.mods != wanted_mods))) {
        print_error("sym 0x%x at %d: key %d mods %d, wanted %d and %d\n", (unsigned)sym, (int)place, out.key, out.mods,
                    wanted_key, wanted_mods);
        fail();
    }
}

static void test_letters_and_digits(void **state) {
    (void)state;
    check_key(SDLK_a, SDL_SCANCODE_A, KMOD_NONE, 'a', 0);
    check_key(SDLK_a, SDL_SCANCODE_Q, KMOD_LCTRL, 'a', MOD_CTRL);  /* AZERTY: what is printed counts */
    check_key(SDLK_m, SDL_SCANCODE_SEMICOLON, KMOD_NONE, 'm', 0);  /* AZERTY */
    check_key(0x444, SDL_SCANCODE_A, KMOD_RSHIFT, 'a', MOD_SHIFT); /* Cyrillic: the place counts */
    check_key(0x131, SDL_SCANCODE_I, KMOD_NONE, 'i', 0);           /* Turkish dotless i */
    check_key(0xf6, SDL_SCANCODE_SEMICOLON, KMOD_NONE, 0xf6, 0);   /* German, not a letter's place */
    check_key(SDLK_AMPERSAND, SDL_SCANCODE_1, KMOD_NONE, '1', 0);  /* AZERTY digits */
    check_key(0xe0, SDL_SCANCODE_0, KMOD_LSHIFT, '0', MOD_SHIFT);
    check_key(SDLK_9, SDL_SCANCODE_9, KMOD_LALT | KMOD_LGUI, '9', MOD_ALT | MOD_SUPER);
}

static void test_other_keys(void **state) {
    (void)state;
    check_key(SDLK_TAB, SDL_SCANCODE_TAB, KMOD_LSHIFT, KEY_TAB, MOD_SHIFT);
    check_key(SDLK_UNKNOWN, SDL_SCANCODE_TAB, KMOD_LSHIFT, KEY_TAB, MOD_SHIFT);
    check_key(SDLK_ESCAPE, SDL_SCANCODE_ESCAPE, KMOD_CAPS | KMOD_NUM, KEY_ESCAPE, 0); /* locks are no modifiers */
    check_key(SDLK_RETURN, SDL_SCANCODE_RETURN, KMOD_NONE, KEY_ENTER, 0);
    check_key(SDLK_DELETE, SDL_SCANCODE_DELETE, KMOD_NONE, KEY_DELETE, 0);
    check_key(SDLK_F12, SDL_SCANCODE_F12, KMOD_NONE, KEY_F12, 0);
    check_key(SDLK_PAGEDOWN, SDL_SCANCODE_PAGEDOWN, KMOD_NONE, KEY_PAGE_DOWN, 0);
    check_key(SDLK_SLASH, SDL_SCANCODE_SLASH, KMOD_LSHIFT, '/', MOD_SHIFT);
    check_key(SDLK_PLUS, SDL_SCANCODE_RIGHTBRACKET, KMOD_NONE, '=', MOD_SHIFT); /* German plus: as on a US keyboard */
    check_key(SDLK_EQUALS, SDL_SCANCODE_EQUALS, KMOD_LSHIFT, '=', MOD_SHIFT);
    check_key(SDLK_LSHIFT, SDL_SCANCODE_LSHIFT, KMOD_LSHIFT, 0, 0); /* a modifier alone is no key */
    check_key(SDLK_F13, SDL_SCANCODE_F13, KMOD_NONE, 0, 0);
    check_key(SDLK_UNKNOWN, SDL_SCANCODE_UNKNOWN, KMOD_NONE, 0, 0);
}

static void test_keypad(void **state) {
    (void)state;
    check_key(SDLK_KP_8, SDL_SCANCODE_KP_8, KMOD_NUM, '8', 0);
    check_key(SDLK_KP_0, SDL_SCANCODE_KP_0, KMOD_NUM | KMOD_LSHIFT, '0', MOD_SHIFT);
#ifndef __APPLE__
    check_key(SDLK_KP_8, SDL_SCANCODE_KP_8, KMOD_NONE, KEY_UP, 0);
    check_key(SDLK_KP_PERIOD, SDL_SCANCODE_KP_PERIOD, KMOD_NONE, KEY_DELETE, 0);
#endif
    check_key(SDLK_KP_ENTER, SDL_SCANCODE_KP_ENTER, KMOD_NONE, KEY_ENTER, 0);
    check_key(SDLK_KP_PLUS, SDL_SCANCODE_KP_PLUS, KMOD_NONE, '=', MOD_SHIFT);
    check_key(SDLK_KP_MINUS, SDL_SCANCODE_KP_MINUS, KMOD_NUM, '-', 0);
    check_key(SDLK_KP_DIVIDE, SDL_SCANCODE_KP_DIVIDE, KMOD_NUM, '/', 0);
}

static void test_mouse(void **state) {
    (void)state;
    InputEvent out;
    SDL_Event motion = {.motion = {.type = SDL_MOUSEMOTION, .x = 30, .y = 40}};
    motion.motion.state = SDL_BUTTON_LMASK | SDL_BUTTON_RMASK;
    assert_true(platform_translate(&window, &motion, &out));
    assert_int_equal(out.type, EVENT_MOUSE_MOVE);
    assert_true(out.x == 30 && out.y == 40);
    assert_int_equal(out.buttons, (1u << BUTTON_LEFT) | (1u << BUTTON_RIGHT));
    SDL_Event button = {.button = {.type = SDL_MOUSEBUTTONDOWN, .button = SDL_BUTTON_RIGHT, .clicks = 2}};
    button.button.x = 5;
    button.button.y = 6;
    assert_true(platform_translate(&window, &button, &out));
    assert_true(out.type == EVENT_MOUSE_DOWN && out.button == BUTTON_RIGHT && out.clicks == 2);
    assert_true(out.x == 5 && out.y == 6);
    assert_int_equal(out.buttons, (1u << BUTTON_LEFT) | (1u << BUTTON_RIGHT));
    button.button.type = SDL_MOUSEBUTTONUP;
    assert_true(platform_translate(&window, &button, &out));
    assert_int_equal(out.type, EVENT_MOUSE_UP);
    assert_int_equal(out.buttons, 1u << BUTTON_LEFT); /* as of this event, whatever the mouse does by now */
    button.button.button = SDL_BUTTON_X2;
    assert_false(platform_translate(&window, &button, &out));
}

static void test_wheel(void **state) {
    (void)state;
    InputEvent out;
    SDL_Event control = {.key = {.type = SDL_KEYDOWN, .keysym = {.sym = SDLK_LCTRL, .mod = KMOD_LCTRL}}};
    SDL_Event motion = {.motion = {.type = SDL_MOUSEMOTION, .x = 12, .y = 34}};
    assert_false(platform_translate(&window, &control, &out));
    assert_true(platform_translate(&window, &motion, &out));
    assert_int_equal(out.mods, MOD_CTRL);
    SDL_Event event = {.wheel = {.type = SDL_MOUSEWHEEL, .x = 0, .y = 1, .preciseX = 0.25f, .preciseY = 1.5f}};
    assert_true(platform_translate(&window, &event, &out));
    assert_int_equal(out.type, EVENT_WHEEL);
    assert_true(out.wheel_x == 0.25f && out.wheel_y == 1.5f);
    assert_true(out.x == 12 && out.y == 34 && out.mods == MOD_CTRL);
    control.key.type = SDL_KEYUP;
    control.key.keysym.mod = KMOD_NONE;
    assert_false(platform_translate(&window, &control, &out));
    event.wheel.direction = SDL_MOUSEWHEEL_FLIPPED;
    assert_true(platform_translate(&window, &event, &out));
    assert_true(out.wheel_x == -0.25f && out.wheel_y == -1.5f);
    event.wheel.preciseX = event.wheel.preciseY = 0;
    assert_false(platform_translate(&window, &event, &out));
}

static void check_window_event(Uint8 which, EventType wanted) {
    SDL_Event event = {.window = {.type = SDL_WINDOWEVENT, .event = which}};
    InputEvent out;
    assert_int_equal(platform_translate(&window, &event, &out), wanted != EVENT_NONE);
    assert_int_equal(out.type, wanted);
}

static void test_window_events(void **state) {
    (void)state;
    check_window_event(SDL_WINDOWEVENT_SIZE_CHANGED, EVENT_RESIZE);
    check_window_event(SDL_WINDOWEVENT_RESIZED, EVENT_NONE); /* comes together with the one above */
    check_window_event(SDL_WINDOWEVENT_EXPOSED, EVENT_EXPOSE);
    check_window_event(SDL_WINDOWEVENT_FOCUS_LOST, EVENT_FOCUS_LOST);
    check_window_event(SDL_WINDOWEVENT_FOCUS_GAINED, EVENT_FOCUS_GAINED);
    check_window_event(SDL_WINDOWEVENT_LEAVE, EVENT_MOUSE_LEAVE);
    check_window_event(SDL_WINDOWEVENT_CLOSE, EVENT_NONE); /* SDL_QUIT follows */
    SDL_Event event = {.type = SDL_QUIT};
    InputEvent out;
    assert_true(platform_translate(&window, &event, &out));
    assert_int_equal(out.type, EVENT_QUIT);
    event.type = window.wake_event;
    atomic_store(&window.wake_pending, true);
    assert_true(platform_translate(&window, &event, &out));
    assert_int_equal(out.type, EVENT_WAKE);
    assert_false(atomic_load(&window.wake_pending));
}

static void test_drop(void **state) {
    (void)state;
    InputEvent out;
    SDL_Event event = {.drop = {.type = SDL_DROPFILE, .file = SDL_strdup("/tmp/a b.npz")}};
    assert_true(platform_translate(&window, &event, &out));
    assert_int_equal(out.type, EVENT_DROP_FILE);
    assert_string_equal(out.path, "/tmp/a b.npz");
    char *longer = SDL_malloc(EVENT_PATH_SIZE + 1);
    assert_non_null(longer);
    memset(longer, 'x', EVENT_PATH_SIZE);
    longer[EVENT_PATH_SIZE] = 0;
    event.drop.file = longer;
    assert_false(platform_translate(&window, &event, &out)); /* a cut path would name another file */
    event.drop.type = SDL_DROPTEXT;
    event.drop.file = SDL_strdup("some text");
    assert_false(platform_translate(&window, &event, &out));
    event.drop.type = SDL_DROPCOMPLETE;
    event.drop.file = NULL;
    assert_false(platform_translate(&window, &event, &out));
}

static void test_text_only_when_on(void **state) {
    (void)state;
    InputEvent out;
    SDL_Event event = {.text = {.type = SDL_TEXTINPUT, .text = "\xc3\xa9"}};
    window.text_input = false;
    assert_false(platform_translate(&window, &event, &out));
    window.text_input = true;
    assert_true(platform_translate(&window, &event, &out));
    assert_int_equal(out.type, EVENT_TEXT);
    assert_string_equal(out.text, "\xc3\xa9");
    window.text_input = false;
}

int test_events_group(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_and_digits),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_keypad),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_wheel),
        cmocka_unit_test(test_window_events),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_text_only_when_on),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}

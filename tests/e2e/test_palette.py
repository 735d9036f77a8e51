"""The palette in a real window: every command with its arguments, and files to open."""
import shutil

import numpy as np
import pytest

from desktop import Window
from support import random_patterns

LAYERS, HEADS, TOKENS = (0, 1, 2, 5), 4, 60


@pytest.fixture
def capture(program):
    folder = program.cwd / "runs"
    folder.mkdir()
    path = folder / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, causal=True)
                      for layer in LAYERS})
    return path


@pytest.fixture
def window(program, display, capture):
    settings = program.home / "config" / "attnscope" / "config"
    settings.parent.mkdir(parents=True)
    settings.write_text("file-dialog = own\n")
    window = Window(program, display, capture, "--size", "960x600")
    window.settled()
    yield window
    window.close()


def write(window, text):
    window.xdotool("type", "--delay", 5, text)


def palette(window, condition):
    return window.wait(lambda s: s["palette"] and condition(s["palette"]))["palette"]


def closed(window):
    return window.wait(lambda s: s["palette"] is None)


def test_letters_find_a_command_and_enter_runs_it(window):
    window.key("ctrl+p")
    everything = palette(window, lambda p: p["count"] > 40)
    assert everything["selected"] == 0
    write(window, "thli")
    assert palette(window, lambda p: p["text"] == "thli")["items"][0] == "theme light"
    before = window.pixels()
    window.key("Return")
    closed(window)
    window.settled()
    assert window.pixels().mean() > before.mean() + 20
    window.key("ctrl+p")  # what was used lately comes first
    assert palette(window, lambda p: True)["items"][0] == "theme"
    window.key("Escape")
    closed(window)


def test_fast_typing_loses_no_letter(window):
    """Keys that come in before the palette is on screen belong to it, too."""
    for text in ("cmap Magma", "range p99", "heads w:0*0.5,3*0.5"):
        window.xdotool("key", "--delay", 0, "ctrl+p", *[{" ": "space", "*": "asterisk", ":": "colon", ".": "period",
                                                        ",": "comma"}.get(c, c) for c in text])
        palette(window, lambda p: p["text"] == text)
        window.key("Escape")
        closed(window)


def test_arguments_are_offered_completed_and_checked(window):
    window.key("ctrl+p")
    write(window, "lay")
    assert palette(window, lambda p: p["text"] == "lay")["items"][0] == "layer"
    window.key("Tab")
    offered = palette(window, lambda p: p["text"] == "layer ")
    assert offered["items"][:4] == ["0", "1", "2", "5"] and "first" in offered["items"]
    write(window, "7")
    window.key("Return")  # there is none: the sentence stands below, the text can be mended
    wrong = palette(window, lambda p: p["error"])
    assert "no layer 7" in wrong["error"] and wrong["text"] == "layer 7"
    window.key("BackSpace")
    write(window, "5")
    window.key("Return")
    assert closed(window)["layer"] == 5


def test_the_keyboard_belongs_to_the_field(window):
    """Letters that are commands elsewhere are text here; arrows choose, and move the caret."""
    before = window.settled()
    window.key("ctrl+p")
    write(window, "cmap mq")
    window.key("Left", "Delete")
    state = window.wait(lambda s: s["palette"] and s["palette"]["text"] == "cmap m")
    for name in ("layer", "heads", "cmap", "camera", "view", "help"):
        assert state[name] == before[name], name
    items = state["palette"]["items"]
    assert items[0] == "magma" and "plasma" in items
    window.key(*["Down"] * items.index("plasma"))
    palette(window, lambda p: p["selected"] == items.index("plasma"))
    window.key("Return")
    assert closed(window)["cmap"] == "plasma"


def test_the_mouse_chooses_and_leaves(window):
    window.key("ctrl+p")
    write(window, "cmap ")
    items = palette(window, lambda p: p["text"] == "cmap ")["items"]
    # The card begins 48 points from the top: 12 of padding, a field of 32, 8, then rows of 24.
    window.point(0.5, (48 + 12 + 32 + 8 + 24 * items.index("inferno") + 12) / 600)
    palette(window, lambda p: p["selected"] == items.index("inferno"))
    window.xdotool("click", 1)
    assert closed(window)["cmap"] == "inferno"
    window.key("ctrl+p")
    palette(window, lambda p: True)
    window.point(0.5, 0.97)
    window.xdotool("click", 1)
    assert closed(window)["layer"] == 0


def test_commands_of_another_view_say_how_to_get_there(window):
    window.key("g")
    window.wait(lambda s: s["view"] == "grid")
    window.key("ctrl+p")
    write(window, "cursor 3,3")
    window.key("Return")
    assert "matrix" in palette(window, lambda p: p["error"])["error"]
    window.key("Escape")
    assert closed(window)["view"] == "grid"


def test_a_head_set_is_typed_with_shift_h(window):
    window.key("shift+h")
    palette(window, lambda p: p["text"] == "heads ")
    write(window, "max:1,3")
    window.key("Return")
    assert closed(window)["heads"] == "max:1,3"


def test_files_are_chosen_from_a_list(window, capture):
    other = capture.parent / "deeper" / "other.npz"
    other.parent.mkdir()
    shutil.copy(capture, other)
    (capture.parent / "notes.txt").write_text("not a capture")
    window.key("ctrl+p")
    write(window, f"open {capture.parent}/")
    listed = palette(window, lambda p: "capture.npz" in p["items"])
    assert listed["items"].index("deeper/") < listed["items"].index("capture.npz") < listed["items"].index("notes.txt")
    write(window, "dee")
    palette(window, lambda p: p["items"][:1] == ["deeper/"])
    window.key("Return")  # a folder is entered, not opened
    palette(window, lambda p: p["text"].endswith("/deeper/") and "other.npz" in p["items"])
    write(window, "oth")
    palette(window, lambda p: p["items"][:1] == ["other.npz"])
    window.key("Return")
    assert closed(window)["file"] == str(other)


def test_a_folder_is_opened_whole_with_ctrl_enter(window, capture):
    folder = capture.parent / "parts"
    folder.mkdir()
    for layer in (3, 4):
        np.save(folder / f"layer{layer}.npy", random_patterns(HEADS, 20, 20, seed=layer))
    window.key("ctrl+o")
    palette(window, lambda p: "parts/" in p["items"])
    write(window, "par")
    palette(window, lambda p: p["items"][:1] == ["parts/"])
    window.key("ctrl+Return")
    state = closed(window)
    assert (state["layer"], state["layers"], state["tokens_q"]) == (3, 2, 20)


def test_ctrl_o_lists_the_folder_of_the_open_capture(window, capture):
    window.key("ctrl+o")
    listed = palette(window, lambda p: "capture.npz" in p["items"])
    assert listed["text"] == f"open {capture.parent}/" and listed["selected"] == 0
    window.key("Escape")
    closed(window)


def test_a_file_that_cannot_be_opened_leaves_the_list_and_the_capture(window, capture):
    (capture.parent / "broken.npy").write_bytes(b"\x93NUMPY")
    window.key("ctrl+o")
    palette(window, lambda p: "broken.npy" in p["items"])
    write(window, "broken")
    palette(window, lambda p: p["items"][:1] == ["broken.npy"])
    window.key("Return")
    assert "broken.npy" in palette(window, lambda p: p["error"])["error"]
    window.key("Escape")
    assert closed(window)["file"] == str(capture)

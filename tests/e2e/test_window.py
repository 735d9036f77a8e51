"""A real window on a virtual display, driven by real key and mouse events; checked by state and pixels."""
import os
import re
import time

import numpy as np
import pytest

from desktop import Window
from support import random_patterns

LAYERS, HEADS, TOKENS = (0, 1, 2, 5), 4, 300  # layer numbers with a gap


@pytest.fixture
def capture(program):
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, causal=True)
                      for layer in LAYERS})
    return path


@pytest.fixture
def window(program, display, capture):
    window = Window(program, display, capture)
    yield window
    window.close()


def span(state):
    camera = state["camera"]
    return camera["q1"] - camera["q0"], camera["k1"] - camera["k0"]


def test_it_starts_with_the_whole_first_layer(window):
    state = window.settled()
    assert state["file"].endswith("capture.npz")
    assert (state["layer"], state["layer_index"], state["heads"], state["view"]) == (0, 0, "mean", "matrix")
    camera = state["camera"]
    assert camera["q0"] <= 0.5 and camera["k0"] <= 0.5
    assert camera["q1"] >= TOKENS - 0.5 and camera["k1"] >= TOKENS - 0.5
    assert (state["tokens_q"], state["tokens_k"]) == (TOKENS, TOKENS)


def test_the_matrix_is_on_screen_in_its_colours(window, capture):
    """Where the state says that cells are, the screen has the colours of the weights: sqrt, 0 to the upper range, viridis."""
    colormaps = pytest.importorskip("matplotlib").colormaps
    weights = np.load(capture)["attentions.0"].astype(np.float64).mean(0)
    window.settled()
    window.point(0.45, 0.5)
    window.wheel(8)
    window.point(0.45, 0.02)  # no crosshair over the matrix
    state = window.settled()
    assert state["level"] == [0, 0] and state["transform"] == "sqrt"
    camera, (left, top), (width, height) = state["camera"], state["origin"], state["cell"]
    pixels, compared = window.pixels(), 0
    for query in range(int(camera["q0"]) + 3, int(camera["q1"]) - 3, 3):
        for key in range(int(camera["k0"]) + 3, min(int(camera["k1"]) - 3, query), 5):
            value = weights[query, key]
            if value < 0.99 * state["range"][1]:  # not where "beyond" begins
                shown = pixels[int(top + (query + 0.5) * height), int(left + (key + 0.5) * width)]
                wanted = np.array(colormaps["viridis"](np.sqrt(value / state["range"][1])))[:3] * 255
                assert np.abs(shown - wanted).max() <= 4, (query, key)
                compared += 1
    assert compared > 50


def test_up_and_down_scrub_through_layers_in_both_directions(window):
    window.settled()
    first = window.pixels()
    window.key("Down")
    assert window.wait(lambda s: s["layer"] == 1 and s["exactness"] == "exact")["layer_index"] == 1
    window.settled()
    assert (window.pixels() != first).any(axis=-1).mean() > 0.1
    window.key("Down", "Down")
    window.wait(lambda s: s["layer"] == 5 and s["layer_index"] == 3)
    window.key("Up")
    window.wait(lambda s: s["layer"] == 2)
    window.key("End")
    window.wait(lambda s: s["layer"] == 5)
    window.key("Home")
    window.wait(lambda s: s["layer"] == 0)
    window.settled()
    matrix = slice(window.height // 4, window.height // 2), slice(window.width // 3, window.width // 2)
    np.testing.assert_array_equal(window.pixels()[matrix], first[matrix])


def test_the_wheel_zooms_about_the_cursor(window):
    window.settled()
    window.point(0.45, 0.5)
    window.wheel(4)  # a pattern that is smaller than the plot stays in its middle
    before = window.settled()
    window.wheel(5)
    window.wait(lambda s: span(s)[1] < 0.7 * span(before)[1])
    after = window.settled()
    assert abs(after["cursor"]["query"] - before["cursor"]["query"]) <= 1
    assert abs(after["cursor"]["key"] - before["cursor"]["key"]) <= 1
    window.wheel(-5)
    window.wait(lambda s: span(s) == pytest.approx(span(before), rel=1e-6))


def test_plus_and_minus_and_fit(window):
    before = window.settled()
    window.key("plus", "plus", "plus", "plus")
    window.wait(lambda s: span(s)[0] < 0.6 * span(before)[0] and span(s)[1] < 0.6 * span(before)[1])
    near = window.settled()
    window.key("minus")
    window.wait(lambda s: span(s)[1] > span(near)[1])
    window.key("f")
    window.wait(lambda s: s["camera"] == pytest.approx(before["camera"], abs=1e-6))


def test_a_drag_pans(window):
    window.settled()
    window.point(0.45, 0.5)
    window.wheel(8)
    before = window.settled()
    window.drag(-80, -50)
    window.wait(lambda s: s["camera"]["k0"] > before["camera"]["k0"] and s["camera"]["q0"] > before["camera"]["q0"])
    after = window.settled()
    assert span(after) == pytest.approx(span(before), rel=1e-6)
    window.key("h")
    window.wait(lambda s: s["camera"]["k0"] < after["camera"]["k0"])
    window.key("l", "l", "j")
    window.wait(lambda s: s["camera"]["k0"] > after["camera"]["k0"] and s["camera"]["q0"] > after["camera"]["q0"])


def test_zoomed_in_the_level_is_fine(window):
    window.settled()
    window.point(0.45, 0.5)
    window.wheel(40)
    state = window.settled()
    assert state["level"] == [0, 0]
    assert max(span(state)) < 60


def test_the_value_under_the_cursor_is_the_value_in_the_file(window, capture):
    weights = np.load(capture)["attentions.0"].astype(np.float64).mean(0)
    window.settled()
    for x, y in ((0.4, 0.6), (0.45, 0.7), (0.35, 0.55)):
        window.point(x, y)
        state = window.wait(lambda s: s["cursor"] is not None and s["cursor"]["value"] is not None)
        window.settled()
        cursor = window.state["cursor"]
        assert cursor["value"] == pytest.approx(weights[cursor["query"], cursor["key"]], rel=1e-5, abs=1e-12)
    assert state is not None


def test_digits_toggle_and_solo_heads(window):
    window.settled()
    window.key("2")
    window.wait(lambda s: s["heads"] in ("mean:0-1,3", "mean:0,1,3"))
    window.key("2")
    window.wait(lambda s: s["heads"] in ("mean", "mean:0-3"))
    window.key("shift+3")
    window.wait(lambda s: s["heads"] == "3")
    window.key("Left")
    window.wait(lambda s: s["heads"] == "2")
    window.key("Right")
    window.wait(lambda s: s["heads"] == "3")
    solo = window.settled()
    picture = window.pixels()
    window.key("m")
    window.wait(lambda s: s["heads"] == "mean")
    window.settled()
    assert (window.pixels() != picture).any(axis=-1).mean() > 0.1
    window.key("m")
    window.wait(lambda s: s["heads"] == solo["heads"])


def test_a_head_taken_out_of_many_ends_exact(program, display):
    """At first made of the mean before and that head; composed from all heads when the hand rests, and then it rests."""
    path = program.cwd / "many.npz"
    np.savez(path, **{"attentions.0": random_patterns(8, 700, 700, seed=3)})
    window = Window(program, display, path)
    window.settled()
    for expected in ("mean:0,1,3-7", "mean:0,1,3,5-7"):
        window.key("2" if expected == "mean:0,1,3-7" else "4")
        window.wait(lambda s: s["heads"] == expected)
        state = window.settled()
        assert (state["heads"], state["exactness"], state["pending"]) == (expected, "exact", False)
    window.close()


def test_colour_transform_pool_and_range(window):
    start = window.settled()
    picture = window.pixels()
    window.key("c")
    assert window.wait(lambda s: s["cmap"] != start["cmap"])["cmap"] == "magma"
    window.settled()
    assert (window.pixels() != picture).any(axis=-1).mean() > 0.1
    window.key("shift+c")
    window.wait(lambda s: s["cmap"] == start["cmap"])
    seen = {start["transform"]}
    for _ in range(2):
        transform = window.state["transform"]
        window.key("t")
        seen.add(window.wait(lambda s: s["transform"] != transform)["transform"])
    assert seen == {"linear", "sqrt", "log"}
    seen = {start["pool"]}
    for _ in range(2):
        pool = window.state["pool"]
        window.key("o")
        seen.add(window.wait(lambda s: s["pool"] != pool)["pool"])
    assert seen == {"mean", "mass", "max"}
    assert window.state["range"][1] > window.state["range"][0]


@pytest.mark.parametrize("key, whole_window", [("s", False), ("shift+s", True)])
def test_a_screenshot_lands_in_the_current_folder(window, program, key, whole_window):
    image = pytest.importorskip("matplotlib.image")
    window.key("Down")
    window.wait(lambda s: s["layer"] == 1)
    window.settled()
    window.key(key)
    state = window.wait(lambda s: ".png" in (s["message"] or ""))
    (path,) = program.cwd.glob("*.png")
    assert path.name in state["message"]
    assert re.fullmatch(r"capture-layer1-mean-.*\.png", path.name)
    pixels = image.imread(path)
    if whole_window:
        assert pixels.shape[:2] == (window.height, window.width)
    assert len(np.unique((pixels[..., :3] * 255).round().astype(int).reshape(-1, 3), axis=0)) > 60


def test_help_labels_full_screen_and_escape(window):
    assert window.settled()["help"] is False
    window.key("F1")
    window.wait(lambda s: s["help"] is True)
    window.key("Escape")
    window.wait(lambda s: s["help"] is False)
    window.key("question")
    window.wait(lambda s: s["help"] is True)
    window.key("question")
    window.wait(lambda s: s["help"] is False)
    labels = window.state["labels"]
    window.key("v")
    window.wait(lambda s: s["labels"] is not labels)
    window.key("F11")
    window.wait(lambda s: s["fullscreen"] is True)
    window.key("F11")
    window.wait(lambda s: s["fullscreen"] is False)
    window.key("Escape")
    time.sleep(0.5)
    assert window.process.poll() is None, "Esc must not quit"


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_quit(window, key):
    window.key(key)
    assert window.process.wait(30) == 0


def test_modifiers_count(window):
    """Ctrl+F is not f, Alt+c is not c."""
    start = window.settled()
    window.key("alt+c", "alt+t")
    window.key("Down")
    state = window.wait(lambda s: s["layer"] == 1)
    assert (state["cmap"], state["transform"]) == (start["cmap"], start["transform"])


def test_play_goes_on_by_itself_and_stops(window):
    window.settled()
    window.key("space")
    layer = window.wait(lambda s: s["layer"] != 0)["layer"]
    window.wait(lambda s: s["layer"] not in (0, layer))
    window.key("space")
    layer = window.wait(lambda s: s["playing"] is False)["layer"]
    time.sleep(1.5)
    assert window.state["layer"] == layer


def test_nothing_is_drawn_when_nothing_happens(window):
    """Redraw on demand: neither frames nor processor time while the hand rests."""
    window.point(0.45, 0.5)
    window.settled()
    time.sleep(1)

    def ticks():
        fields = open(f"/proc/{window.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    frames, used = window.state["frames"], ticks()
    time.sleep(2)
    assert window.state["frames"] == frames
    assert (ticks() - used) / os.sysconf("SC_CLK_TCK") <= 0.04


def test_a_small_window_and_a_large_one(window):
    for width, height in ((480, 320), (1280, 800), (700, 790)):
        window.xdotool("windowsize", "--sync", window.id, width, height)
        window.key("f")
        window.settled()
        picture = window.display.pixels()[window.y:window.y + height, window.x:window.x + width]
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 60


def test_the_card_is_shown_once(program, display):
    window = Window(program, display)
    assert window.state["card"] is True
    window.key("Escape")
    window.wait(lambda s: s["card"] is False)
    window.key("q")
    window.process.wait(30)
    window.close()
    again = Window(program, display)
    assert again.state["card"] is False
    again.close()


def test_a_file_that_shrinks_while_open_gives_a_message(window, capture):
    """The stored members of the .npz are read in place; the file loses its second half behind the program's back."""
    window.settled()
    os.truncate(capture, capture.stat().st_size // 4)
    window.key("End")
    window.point(0.45, 0.5)
    window.wheel(5)
    time.sleep(1)
    window.key("Home", "f")  # of this layer everything has been read
    state = window.wait(lambda s: "capture.npz" in s["message"] and s["layer"] == 0, "a message that names the file")
    assert (state["layer"], state["exactness"]) == (0, "exact")
    assert window.process.poll() is None

"""Everything that a mouse can press, without a mouse: F6, arrows, Enter; in a real window."""
import numpy as np
import pytest

from desktop import Window
from support import random_patterns

LAYERS, HEADS, TOKENS = (0, 1, 2, 5), 40, 40  # more heads than the panel has room for


@pytest.fixture
def window(program, display):
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, causal=True)
                      for layer in LAYERS})
    window = Window(program, display, path)
    window.settled()
    yield window
    window.close()


def focused(window, condition):
    return window.wait(lambda s: s["focus"] and condition(s["focus"]))


def go_to(window, panel):
    for _ in range(6):
        window.key("F6")
        state = window.settled()
        if state["focus"] and state["focus"]["panel"] == panel:
            return state
    pytest.fail(f"F6 does not reach {panel}")


def test_f6_goes_around_the_panels_and_esc_leaves(window):
    seen = []
    for _ in range(4):
        before = window.state["focus"]
        window.key("F6")
        seen.append(window.wait(lambda s: s["focus"] and s["focus"] != before)["focus"]["panel"])
    assert seen == ["top", "heads", "right", "layers"]
    window.key("F6")
    window.wait(lambda s: s["focus"] is None)
    window.key("shift+F6")
    focused(window, lambda f: f["panel"] == "layers")
    window.key("Escape")
    state = window.wait(lambda s: s["focus"] is None)
    window.key("Down")  # the view's again
    assert window.wait(lambda s: s["layer_index"] == 1)["heads"] == state["heads"]


def test_the_focus_is_seen(window):
    before = window.settled()
    window.point(0.5, 0.02)
    window.settled()
    bare = window.pixels().astype(int)
    window.key("F6", "F6", "F6", "F6")
    focused(window, lambda f: f["panel"] == "layers")
    window.settled()
    changed = (np.abs(window.pixels().astype(int) - bare) > 30).any(axis=-1)
    bottom = changed[-56:]
    assert bottom.any() and before["focus"] is None


def test_the_scrubber_follows_arrows(window):
    go_to(window, "layers")
    assert window.state["focus"]["command"] == "layer 0"
    window.key("Right")
    assert window.wait(lambda s: s["layer"] == 1)["focus"]["command"] == "layer 1"
    window.key("Right", "Right")
    window.wait(lambda s: s["layer"] == 5)
    window.key("Left")
    window.wait(lambda s: s["layer"] == 2)
    window.key("Left", "Left", "Left")
    focused(window, lambda f: f["command"] == "play")
    window.key("Return")
    window.wait(lambda s: s["playing"])
    window.key("space")
    window.wait(lambda s: not s["playing"])


def test_heads_are_chosen_and_added_also_those_below(window):
    go_to(window, "heads")
    focused(window, lambda f: f["command"] == "combine mean")
    window.key("Right")
    focused(window, lambda f: f["command"] == "combine max")
    window.key("Return")
    window.wait(lambda s: s["heads"] == "max")
    window.key("Left", "Down")
    focused(window, lambda f: f["command"] == "head 0")
    window.key("Down", "Right")
    focused(window, lambda f: f["command"] == "head 4")
    window.key("Return")
    window.wait(lambda s: s["heads"] == "4")
    window.key("Right")
    focused(window, lambda f: f["command"] == "head 5")
    window.key("ctrl+Return")
    assert "4,5" in window.wait(lambda s: s["heads"] != "4")["heads"]
    window.key("Left")  # to the first two columns: the last row has one head
    focused(window, lambda f: f["command"] == "head 4")
    window.key("Left")
    for row in range(2, 14):
        window.key("Down")
        focused(window, lambda f: f["command"] == f"head {3 * row}")
    window.key("Return")
    window.wait(lambda s: s["heads"] == "39")


def test_the_range_is_turned_on_the_colour_bar(window):
    go_to(window, "right")
    focused(window, lambda f: f["command"] == "cmap next")
    low, high = window.settled()["range"]
    window.key("Right")
    state = window.wait(lambda s: s["range"][1] > 1.1 * high)
    assert state["range"] == pytest.approx([low, high * 2 ** 0.25], rel=1e-4) and state["focus"]["command"] == "cmap next"
    window.key("Left", "Left")
    window.wait(lambda s: s["range"][1] == pytest.approx(high / 2 ** 0.25, rel=1e-3))
    window.key("Return")
    assert window.wait(lambda s: s["cmap"] == "magma")["range"][1] < high
    window.key("Down")
    focused(window, lambda f: f["command"] == "transform next")
    window.key("space")
    window.wait(lambda s: s["transform"] == "log")


def test_a_panel_that_folds_lets_go(window):
    go_to(window, "right")
    window.key("i")
    window.wait(lambda s: s["focus"] is None and not s["panels"])
    window.key("F6", "F6")  # what is folded away is passed over
    focused(window, lambda f: f["panel"] == "layers")


def test_tab_goes_through_the_views(window):
    window.key("Tab")
    window.wait(lambda s: s["view"] == "grid")
    window.key("Tab")
    window.wait(lambda s: s["view"] == "matrix")
    window.key("shift+Tab")
    window.wait(lambda s: s["view"] == "grid")
    window.key("F6")
    focused(window, lambda f: f["panel"] == "top")  # panels are reached from any view
    window.key("Escape", "Escape")
    window.wait(lambda s: s["focus"] is None and s["view"] == "matrix")


def test_a_click_gives_the_view_its_keys_back(window):
    go_to(window, "layers")
    window.point(0.45, 0.5)
    window.xdotool("click", 1)
    window.wait(lambda s: s["focus"] is None)

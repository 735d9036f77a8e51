"""Pinned cells: their figures against NumPy, through layers, in pictures, and with real keys in a window."""
import json

import numpy as np
import pytest

from desktop import Window
from support import factored_reference, random_patterns

LAYERS, HEADS, TOKENS = (0, 1, 2, 5), 4, 300


@pytest.fixture
def capture(program):
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, causal=True)
                      for layer in LAYERS})
    return path


def state_of(program, capture, script, *options):
    path = program.cwd / "state.json"
    program.ok(capture, *options, "--exec", f"{script}; wait exact; state {path}")
    return json.loads(path.read_text())


def strongest(line):
    order = sorted(range(len(line)), key=lambda i: (-abs(line[i]), i))[:4]
    return [(i, line[i]) for i in order]


def check(pin, weights, layer_heads, relative=1e-5):
    """`weights`: the shown pattern; `layer_heads`: every head's."""
    query, key = pin["query"], pin["key"]
    assert pin["value"] == pytest.approx(weights[query, key], rel=relative, abs=1e-12)
    np.testing.assert_allclose(pin["head_values"], layer_heads[:, query, key], rtol=relative, atol=1e-12)
    for name, line in (("top_keys", weights[query]), ("top_queries", weights[:, key])):
        for (at, value), (_, wanted) in zip(pin[name], strongest(line)):
            assert value == pytest.approx(wanted, rel=relative)
            assert line[at] == pytest.approx(wanted, rel=relative)
        assert len(pin[name]) == 4
    assert pin["read"] == [weights.shape[1], weights.shape[0]]


@pytest.mark.parametrize("heads", ["mean", "2", "max:1,3"])
def test_the_figures_are_those_of_the_file(program, capture, heads):
    state = state_of(program, capture, f"layer 2; heads {heads}; pin 200,40:250,0:40,200")
    layer = np.load(capture)["attentions.2"].astype(np.float64)
    weights = {"mean": layer.mean(0), "2": layer[2], "max:1,3": layer[[1, 3]].max(0)}[heads]
    assert [(pin["query"], pin["key"]) for pin in state["pins"]] == [(200, 40), (250, 0), (40, 200)]
    for pin in state["pins"][:2]:
        check(pin, weights, layer)
    assert state["pins"][2]["value"] == 0  # masked
    assert state["pin_shown"] == 3


def test_of_queries_and_keys_too(program, captures):
    path = captures / "minilm-alice512.qk.safetensors"
    state = state_of(program, path, "layer 3; head 7; pin 100,90")
    layer = factored_reference(path).layers[3]
    check(state["pins"][0], layer[7], layer, relative=2e-4)


def test_pins_stay_and_their_figures_follow_the_layer(program, capture):
    arrays = np.load(capture)
    state = state_of(program, capture, "pin 200,40; wait exact; layer 5")
    check(state["pins"][0], arrays["attentions.5"].astype(np.float64).mean(0), arrays["attentions.5"])
    state = state_of(program, capture, "pin 200,40; layer 5; head 1; wait exact; mean; layer 0")
    check(state["pins"][0], arrays["attentions.0"].astype(np.float64).mean(0), arrays["attentions.0"])


def test_what_can_be_pinned(program, capture):
    def said(script, code=(1, 2)):
        return program.refused(capture, "--exec", script, code=code)
    assert "outside" in said("pin 300,0")
    assert "crosshair" in said("pin")
    assert "no pin '2'" in said("pin 1,1; pin remove 2")
    assert "pin" in said("pin somewhere", 1)
    assert "nothing is pinned" in said("pin next")
    assert "pinned already" in said("pin " + ":".join(f"{i},{i}" for i in range(10)))
    assert state_of(program, capture, "pin 5,5:6,6; pin 5,5; pin remove 1")["pins"][0]["query"] == 6
    assert state_of(program, capture, "pin 5,5:6,6; pin clear")["pins"] == []
    assert state_of(program, capture, "cursor 7,7; pin; cursor 8,7; pin; cursor 7,7; pin")["pins"][0]["query"] == 8


def test_pictures_show_pins_and_bring_them_back(program, capture):
    weights = np.load(capture)["attentions.1"].astype(np.float64).mean(0)
    program.ok("render", capture, "--layer", 1, "--pin", "200,40:150,10", "-o", "pins.svg")
    text = (program.cwd / "pins.svg").read_text()
    assert f"{weights[200, 40]:.4f}"[:5] in text or f"{weights[200, 40]:.1e}" in text
    program.ok("render", capture, "--layer", 1, "--pin", "200,40:150,10", "-o", "pins.png")
    program.ok("render", capture, "--layer", 1, "-o", "plain.png")
    program.ok("render", "--from", "pins.png", "-o", "again.png")
    image = pytest.importorskip("matplotlib.image").imread
    pins, plain, again = (image(program.cwd / name) for name in ("pins.png", "plain.png", "again.png"))
    assert (pins != plain).any()
    np.testing.assert_array_equal(pins, again)


# ---- in a window ----------------------------------------------------------------------------------------------------


def test_p_pins_and_lets_go(program, display, capture):
    arrays = np.load(capture)
    window = Window(program, display, capture)
    try:
        window.settled()
        window.point(0.4, 0.7)
        cursor = window.settled()["cursor"]
        wide = window.state["plot"]
        window.key("p")
        state = window.wait(lambda s: s["pins"] and s["pins"][0]["read"] == [TOKENS, TOKENS])
        assert (state["pins"][0]["query"], state["pins"][0]["key"]) == (cursor["query"], cursor["key"])
        assert state["plot"][2] < wide[2]  # the inspector takes room
        window.wait(lambda s: s["pins"] and None not in s["pins"][0]["head_values"])
        check(window.state["pins"][0], arrays["attentions.0"].astype(np.float64).mean(0), arrays["attentions.0"])
        window.key("alt+Down", "alt+Down", "p")
        window.wait(lambda s: len(s["pins"]) == 2 and s["pin_shown"] == 2)
        window.key("shift+p")
        window.wait(lambda s: s["pin_shown"] == 1)
        window.key("Down")
        state = window.wait(lambda s: s["layer"] == 1 and s["pins"][0]["read"] == [TOKENS, TOKENS] and
                            None not in s["pins"][0]["head_values"])
        check(state["pins"][0], arrays["attentions.1"].astype(np.float64).mean(0), arrays["attentions.1"])
        window.key("p")  # of the cell under the crosshair, which is pinned
        state = window.wait(lambda s: len(s["pins"]) == 1)
        window.key("F5")
        state = window.wait(lambda s: "read again" in s["message"])
        assert len(state["pins"]) == 1
    finally:
        window.close()


def test_a_long_column_is_read_in_the_background(program, display):
    """8192 tokens from Q and K: the window goes on, and the figures grow until they are whole."""
    program.ok("synth", "--tokens", 8192, "--layers", 2, "--heads", 2, "--dim", 32, "-o", "long.safetensors")
    window = Window(program, display, program.cwd / "long.safetensors", "--head", 1, "--pin", "8000,40")
    try:
        window.key("Down")
        window.wait(lambda s: s["layer"] == 1)
        state = window.wait(lambda s: s["pins"][0]["read"] == [8192, 8192])
        assert state["layer"] == 1 and len(state["pins"][0]["top_queries"]) == 4
        query, weight = state["pins"][0]["top_queries"][0]
        probed = program.json("probe", "long.safetensors", "--layer", 1, "--head", 1, "--query", query, "--key", 40)
        assert weight == pytest.approx(probed["value"], rel=1e-3)
    finally:
        window.close()

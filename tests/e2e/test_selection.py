"""Selected cells: by mouse and keyboard, their figures against NumPy, and files written while the window goes on."""
import json

import numpy as np
import pytest

from desktop import Window
from support import random_patterns

HEADS, TOKENS = 4, 300


@pytest.fixture
def capture(program):
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, causal=True)
                      for layer in range(2)})
    return path


def shown(path, layer):
    return np.load(path)[f"attentions.{layer}"].astype(np.float64).mean(0)


def check_figures(state, weights):
    q0, q1, k0, k1 = state["selection"]
    block = weights[q0:q1, k0:k1]
    figures = state["selection_figures"]
    assert figures["mean"] == pytest.approx(block.mean(), rel=1e-5, abs=1e-12)
    assert figures["mass"] == pytest.approx(block.mean() * block.shape[1], rel=1e-5, abs=1e-12)
    assert figures["largest"] == pytest.approx(block.max(), rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("cells", ["100:140,20:50", "0:300,0:300", "10:11,200:201", "5:9,0:300"])
def test_figures_are_those_of_the_cells(program, capture, cells):
    script = f"select-cells {cells}; screenshot window x.png; state now.json"
    program.ok(capture, "--layer", 1, "--exec", script)
    state = json.loads((program.cwd / "now.json").read_text())
    check_figures(state, shown(capture, 1))
    weights = np.load(capture)["attentions.1"][0]
    q0, q1, k0, k1 = state["selection"]
    assert state["selection_figures"]["masked"] == (~np.tril(np.ones_like(weights, bool)))[q0:q1, k0:k1].sum()


def test_figures_follow_layer_and_heads(program, capture):
    script = "select-cells 50:90,20:60; screenshot window x.png; layer 1; head 2; screenshot window y.png; state now.json"
    program.ok(capture, "--exec", script)
    state = json.loads((program.cwd / "now.json").read_text())
    check_figures(state, np.load(capture)["attentions.1"][2].astype(np.float64))


def test_alt_shift_arrows_grow_the_selection(program, display, capture):
    window = Window(program, display, capture)
    try:
        window.settled()
        window.point(0.4, 0.7)
        start = window.settled()["cursor"]
        q, k = start["query"], start["key"]
        window.key("alt+shift+Down", "alt+shift+Down", "alt+shift+Right")
        state = window.wait(lambda s: s["selection"] == [q, q + 3, k, k + 2])
        assert state["cursor"]["locked"]
        window.key("alt+shift+Up", "alt+shift+Up", "alt+shift+Up", "alt+shift+Left", "alt+shift+Left")
        window.wait(lambda s: s["selection"] == [q - 1, q + 1, k - 1, k + 1])  # to the other side of where it began
        state = window.wait(lambda s: s["selection_figures"] is not None)
        check_figures(state, shown(capture, 0))
        window.key("z")
        state = window.wait(lambda s: s["camera"]["q1"] - s["camera"]["q0"] < 30)
        assert state["camera"]["q0"] <= q and state["camera"]["q1"] >= q
    finally:
        window.close()


def test_a_drag_selects_and_ctrl_c_copies(program, display, capture):
    window = Window(program, display, capture)
    try:
        window.settled()
        window.point(0.35, 0.6)
        window.drag(60, 40, button=3)
        state = window.wait(lambda s: s["selection"] is not None and s["selection_figures"] is not None)
        check_figures(state, shown(capture, 0))
        window.key("ctrl+c")
        q0, q1, k0, k1 = state["selection"]
        window.wait(lambda s: s["message"] == f"copied {q1 - q0} x {k1 - k0}")
        window.key("Escape")
        window.wait(lambda s: s["selection"] is None and s["selection_figures"] is None)
    finally:
        window.close()


@pytest.fixture
def long(program):
    program.ok("synth", "--tokens", 16384, "--layers", 2, "--heads", 2, "--dim", 64, "-o", "long.safetensors")
    return program.cwd / "long.safetensors"


def run_command(window, text):
    window.key("ctrl+p")
    window.wait(lambda s: s["palette"] is not None)
    window.xdotool("type", "--delay", 5, text)
    window.key("Return")


def test_a_large_selection_is_written_in_the_background_and_given_up(program, display, long):
    window = Window(program, display, long, "--head", 0)
    try:
        run_command(window, "select-cells 0:16384,0:16384")
        window.wait(lambda s: s["selection"] == [0, 16384, 0, 16384])
        run_command(window, "export all.npy")  # a gigabyte
        window.wait(lambda s: s["writing"])
        window.key("Down")  # the window goes on
        state = window.wait(lambda s: s["layer"] == 1)
        assert state["writing"]
        window.key("Escape")
        state = window.wait(lambda s: not s["writing"])
        assert "given up" in state["message"] and state["selection"] is not None
        assert not list(program.cwd.glob("all.npy*"))
        run_command(window, "select-cells 16000:16100,0:50")
        run_command(window, "export part.npy")
        window.wait(lambda s: "part.npy" in s["message"] and not s["writing"])
        part = np.load(program.cwd / "part.npy")
        probed = program.json("probe", long, "--layer", 1, "--head", 0, "--query", 16010, "--key", 7)
        assert part.shape == (100, 50) and part[10, 7] == pytest.approx(probed["value"], rel=1e-3)
    finally:
        window.close()


def test_opening_another_file_ends_what_reads_the_first(program, display, long, capture):
    window = Window(program, display, long, "--head", 0)
    try:
        run_command(window, "select-cells 0:16384,0:16384")
        window.wait(lambda s: s["selection"] is not None)
        run_command(window, "export all.tsv")
        window.wait(lambda s: s["writing"])
        run_command(window, f"open {capture}")
        state = window.wait(lambda s: s["file"] == str(capture))
        assert not state["writing"] and state["selection"] is None
        assert not list(program.cwd.glob("all.tsv*"))
        window.key("q")
        assert window.process.wait(30) == 0
    finally:
        window.close()

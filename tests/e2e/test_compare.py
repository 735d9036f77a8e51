"""A reference beside the open capture: their difference against NumPy, held keys in a window, side by side, what is refused."""
import json
import time

import numpy as np
import pytest

import answers
from desktop import Window
from support import as_tile, pool, random_patterns, safetensors_bytes

LAYERS, HEADS, TOKENS = (0, 1, 2, 5), 4, 300


def patterns(seed, layers=LAYERS, heads=HEADS, tokens=TOKENS):
    return {f"attentions.{layer}": random_patterns(heads, tokens, tokens, seed=seed + layer, causal=True)
            for layer in layers}


@pytest.fixture
def pair(program):
    """Two captures of one shape, as files and as arrays."""
    files, arrays = [], []
    for name, seed in (("one.npz", 1), ("two.npz", 50)):
        arrays.append(patterns(seed))
        files.append(program.cwd / name)
        np.savez(files[-1], **arrays[-1])
    return files, arrays


def npy(program, *arguments):
    path = program.cwd / "out.npy"
    program.ok("render", *arguments, "-o", path)
    return np.load(path)


def pooled_mean(heads, level):
    """Mean over heads. Single heads and level 0 come from tiles, other composites straight from the source."""
    keep = as_tile if len(heads) == 1 or level == (0, 0) else np.asarray
    return np.mean([keep(pool(head.astype(np.float64), *level, np.mean)) for head in heads], axis=0)


# ---- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [(0, 0), (2, 2), (1, 3), (5, 5), (9, 9)])
@pytest.mark.parametrize("heads, chosen", [("mean", [0, 1, 2, 3]), ("2", [2]), ("mean:0,3", [0, 3])])
def test_the_difference_is_that_of_the_pooled_arrays(program, pair, level, heads, chosen):
    (one, two), (a, b) = pair
    got = npy(program, one, "--ref", two, "--compare", "diff", "--layer", 5, "--head", heads, "--level",
              f"{level[0]},{level[1]}")
    wanted = (pooled_mean(a["attentions.5"][chosen], level) - pooled_mean(b["attentions.5"][chosen], level))
    visible = pool(np.tril(np.ones((TOKENS, TOKENS), bool)), *level, np.any)
    np.testing.assert_allclose(got[..., 0][visible], wanted[visible], atol=2e-7, rtol=0)
    np.testing.assert_array_equal(got[..., 1][visible], got[..., 0][visible])  # G = R
    assert (got[~visible] == [0, np.float32(-1e38)]).all()  # masked in both


@pytest.mark.parametrize("operation, reduce", [("max", np.max), ("min", np.min)])
def test_the_difference_of_what_is_not_linear_comes_from_the_source(program, pair, operation, reduce):
    (one, two), (a, b) = pair
    got = npy(program, one, "--ref", two, "--compare", "diff", "--head", operation, "--level", "3,3")
    sides = [pool(reduce(side["attentions.0"].astype(np.float64), axis=0), 3, 3, np.mean) for side in (a, b)]
    visible = pool(np.tril(np.ones((TOKENS, TOKENS), bool)), 3, 3, np.any)
    np.testing.assert_allclose(got[..., 0][visible], (sides[0] - sides[1])[visible], atol=2e-7, rtol=0)


def test_the_reference_alone_is_that_file(program, pair):
    (one, two), _ = pair
    options = ("--layer", 2, "--level", "2,2")
    np.testing.assert_array_equal(npy(program, one, "--ref", two, "--compare", "ref", *options),
                                  npy(program, two, *options))
    np.testing.assert_array_equal(npy(program, one, "--ref", two, *options), npy(program, one, *options))


def test_a_capture_minus_itself_is_nothing(program, captures):
    """Stored as weights and as Q and K: what differs is rounding."""
    got = npy(program, captures / "stories15M.npz", "--ref", captures / "stories15M.qk.safetensors", "--compare", "diff",
              "--layer", 3, "--level", "1,1")
    assert np.abs(got[..., 0]).max() < 1e-6
    same = npy(program, captures / "stories15M.npz", "--ref", captures / "stories15M.npz", "--compare", "diff", "--level",
               "2,2")
    assert (same[..., 0] == 0).all()


def state_of(program, *arguments, script=""):
    path = program.cwd / "now.json"
    program.ok(*arguments, "--exec", f"{script}; wait exact; state {path}")
    return json.loads(path.read_text())


def test_the_cell_under_the_crosshair_in_both(program, pair):
    (one, two), (a, b) = pair
    state = state_of(program, one, "--ref", two, "--layer", 1, script="cursor 200,40; compare diff")
    values = [side["attentions.1"].astype(np.float64).mean(0)[200, 40] for side in (a, b)]
    cursor = state["cursor"]
    assert cursor["value"] == pytest.approx(values[0], rel=1e-5)
    assert cursor["reference"] == pytest.approx(values[1], rel=1e-5)
    assert cursor["difference"] == pytest.approx(values[0] - values[1], rel=1e-4, abs=1e-8)
    assert state["compare"] == "diff" and state["exactness"] == "exact"
    assert state["range"][0] == -state["range"][1]


def test_probe_gives_value_reference_and_difference(program, pair):
    (one, two), (a, b) = pair
    options = ("--ref", two, "--layer", 5, "--head", "mean:1-2", "--query", 77, "--key", 12)
    values = [side["attentions.5"][1:3].astype(np.float64).mean(0) for side in (a, b)]
    got = program.json("probe", one, *options)
    assert got["value"] == pytest.approx(values[0][77, 12], rel=1e-6)
    assert got["reference"] == pytest.approx(values[1][77, 12], rel=1e-6)
    assert got["difference"] == pytest.approx(values[0][77, 12] - values[1][77, 12], rel=1e-5)
    lines = program.ok("probe", one, *options).splitlines()
    assert lines[1].startswith("reference ") and lines[2].startswith("difference ")
    ranges = ("--ref", two, "--layer", 5, "--head", "mean:1-2", "--query", "70:75", "--key", "60:80")
    got = program.json("probe", one, *ranges)
    for key, wanted in (("values", values[0]), ("reference", values[1]), ("difference", values[0] - values[1])):
        np.testing.assert_allclose(np.array(got[key]), wanted[70:75, 60:80], rtol=1e-5, atol=1e-9)
    assert "--json" in program.refused("probe", one, *ranges, code=1)
    np.savez(program.cwd / "short.npz", **patterns(9, tokens=50))
    assert "no query 77" in program.refused("probe", one, "--ref", "short.npz", "--query", 77, "--key", 12, code=(1, 2))
    np.savez(program.cwd / "few.npz", **patterns(9, layers=(0, 1)))
    assert "no layer 5" in program.refused("probe", one, "--ref", "few.npz", "--layer", 5, "--query", 7, "--key", 2,
                                           code=(1, 2))


def test_plots_side_by_side_have_one_size(program, pair, captures):
    """Also where only one of them has tokens, whose labels take more room."""
    state = state_of(program, captures / "stories15M.npz", "--ref", pair[0][0], script="compare side")
    assert state["beside"]["plot"][2:] == state["plot"][2:]
    assert state["beside"]["origin"][1] == state["origin"][1]


def test_ranges_of_pictures_and_of_differences_are_kept_apart(program, pair):
    (one, two), _ = pair
    start = ("--ref", two)
    plain = state_of(program, one, *start)["range"]
    difference = state_of(program, one, *start, script="compare diff")["range"]
    assert difference[0] == -difference[1] != 0
    both = state_of(program, one, *start, script="range 0:0.5; compare diff; range -0.1:0.1; compare off")
    assert both["range"] == pytest.approx([0, 0.5])
    again = state_of(program, one, *start, script="range 0:0.5; compare diff; range -0.1:0.1; compare off; compare diff")
    assert again["range"] == pytest.approx([-0.1, 0.1])
    reference = state_of(program, one, *start, script="compare ref")
    assert reference["range"] == plain  # A and B in the same colours


def test_a_picture_opens_with_its_reference(program, pair):
    image = pytest.importorskip("matplotlib.image")
    (one, two), _ = pair
    for mode in ("diff", "ref", "side"):
        program.ok("render", "one.npz", "--ref", "two.npz", "--compare", mode, "--layer", 2, "--size", "400x300", "-o",
                   "first.png")
        program.ok("render", "--from", "first.png", "--size", "400x300", "-o", "second.png")
        first, second = (image.imread(program.cwd / name) for name in ("first.png", "second.png"))
        np.testing.assert_array_equal(first, second)
    two.unlink()
    assert "--ref" in program.refused("render", "--from", "first.png", "-o", "third.png")


def test_vector_pictures_and_movies_of_a_difference(program, pair):
    (one, two), _ = pair
    program.ok("render", one, "--ref", two, "--compare", "side", "-o", "side.svg")
    text = (program.cwd / "side.svg").read_text()
    assert "one.npz" in text and "two.npz" in text
    program.ok("record", one, "--ref", two, "--compare", "diff", "--sweep", "layers", "--hold", 0.1, "--fade", 0, "--fps",
               10, "--size", "320x240", "-o", "frames")
    assert len(list((program.cwd / "frames").glob("*.png"))) >= len(LAYERS)


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_what_does_not_match_is_said_in_a_sentence(program, pair):
    (one, two), _ = pair
    np.savez(program.cwd / "short.npz", **patterns(9, tokens=120))
    np.savez(program.cwd / "few.npz", **patterns(9, layers=(0, 1)))
    (program.cwd / "signed.safetensors").write_bytes(safetensors_bytes(
        {f"attentions.{layer}": patterns(3)[f"attentions.{layer}"] - np.float32(0.01) for layer in LAYERS},
        {"attn.kind": "attribution"}))
    said = program.refused("render", one, "--ref", "short.npz", "--compare", "diff", "-o", "x.png", code=(1, 2))
    assert "300 x 300" in said and "120 x 120" in said
    said = program.refused("render", one, "--ref", "few.npz", "--layer", 5, "--compare", "ref", "-o", "x.png", code=(1, 2))
    assert "no layer 5" in said
    said = program.refused("render", one, "--ref", "signed.safetensors", "--compare", "diff", "-o", "x.png", code=(1, 2))
    assert "attribution" in said
    said = program.refused("render", one, "--compare", "diff", "-o", "x.png", code=(1, 2))
    assert "no reference is open" in said
    program.refused("render", one, "--ref", "missing.npz", "-o", "x.png")
    assert "beside" in program.refused("render", one, "--ref", two, "--compare", "beside", "-o", "x.png", code=1)
    program.refused("render", one, "--ref", two, "--compare", "side", "--level", "1,1", "-o", "x.npy", code=1)
    # Of different lengths: side by side, not as a difference.
    program.ok("render", one, "--ref", "short.npz", "--compare", "side", "-o", "x.png")


def test_info_says_what_can_be_compared(program, pair):
    (one, two), _ = pair
    (found,) = program.json("info", one, "--ref", two)["reference"]["sets"]
    assert found == {"name": "decoder", "comparable": list(LAYERS), "why": None}
    np.savez(program.cwd / "few.npz", **patterns(9, layers=(0, 2)))
    (found,) = program.json("info", one, "--ref", "few.npz")["reference"]["sets"]
    assert found["comparable"] == [0, 2] and "no layer 1" in found["why"]
    text = program.ok("info", one, "--ref", "few.npz")
    assert "2 of 4 layers" in text and "no layer 1" in text
    program.refused("info", one, "--ref", "missing.npz")


def test_two_files_that_do_not_merge_suggest_a_reference(program, pair):
    (one, two), _ = pair
    said = program.refused("info", one, two)
    assert "--ref" in said and "one.npz" in said and "two.npz" in said


def test_a_layer_that_only_one_has_is_named_in_the_picture(program, pair):
    (one, _), _ = pair
    np.savez(program.cwd / "few.npz", **patterns(9, layers=(0, 1)))
    state = state_of(program, one, "--ref", "few.npz", script="compare diff; layer 5")
    assert state["exactness"] == "not comparable" and state["pending"] is False
    state = state_of(program, one, "--ref", "few.npz", script="compare diff; layer 5; layer 1")
    assert state["exactness"] == "exact" and state["compare"] == "diff"


def test_probabilities_of_tokens_are_no_reference_and_need_none(program, pair):
    (one, two), _ = pair
    strip = program.cwd / "answer.json"
    strip.write_text(json.dumps(answers.chat()))
    assert "probabilities" in program.refused(one, "--ref", strip, "--exec", "state", code=(1, 2))
    assert "probabilities" in program.refused(strip, "--ref", one, "--exec", "state", code=(1, 2))
    program.ok("render", strip, "-o", "answer.png")
    program.ok(one, "--ref", two, "--exec", "compare diff; open answer.png; state now.json")
    state = json.loads((program.cwd / "now.json").read_text())
    assert state["file"].endswith("answer.json") and (state["reference"], state["compare"]) == (None, "off")


# ---- in a window ----------------------------------------------------------------------------------------------------


@pytest.fixture
def window(program, display, pair):
    window = Window(program, display, pair[0][0], "--ref", pair[0][1])
    yield window
    window.close()


def down(window, key):
    window.xdotool("keydown", key)


def up(window, key):
    window.xdotool("keyup", key)


def colours(window, state, weights, tolerance, beside=None):
    """Compares pixels in the middle of cells with viridis of the weights."""
    maps = pytest.importorskip("matplotlib").colormaps
    camera, (left, top), (width, height) = state["camera"], (beside or state)["origin"], state["cell"]
    plot = (beside or state)["plot"]
    pixels, compared = window.pixels(), 0
    for query in range(int(camera["q0"]) + 3, int(camera["q1"]) - 3, 3):
        for key in range(int(camera["k0"]) + 3, min(int(camera["k1"]) - 3, query), 5):
            value, x, y = weights[query, key], left + (key + 0.5) * width, top + (query + 0.5) * height
            inside = plot[0] <= x < plot[0] + plot[2] and plot[1] <= y < plot[1] + plot[3]
            if not inside or not 0 <= value < 0.99 * state["range"][1]:
                continue
            wanted = np.array(maps["viridis"](np.sqrt(value / state["range"][1])))[:3] * 255
            assert np.abs(pixels[int(y), int(x)] - wanted).max() <= tolerance, (query, key)
            compared += 1
    assert compared > 30


def test_holding_y_shows_the_reference_and_letting_go_brings_back(window, pair):
    _, (a, b) = pair
    window.settled()
    window.point(0.45, 0.5)
    window.wheel(8)
    window.point(0.45, 0.02)
    before = window.settled()
    assert before["compare"] == "off" and before["reference"].endswith("two.npz")
    picture = window.pixels()
    down(window, "y")
    held = window.wait(lambda s: s["compare"] == "ref")
    held = window.settled()
    assert held["camera"] == before["camera"] and held["range"] == before["range"] and held["layer"] == before["layer"]
    colours(window, held, b["attentions.0"].astype(np.float64).mean(0), 4)
    time.sleep(1)  # the key repeats meanwhile
    assert window.state["compare"] == "ref"
    up(window, "y")
    window.wait(lambda s: s["compare"] == "off")
    window.settled()
    np.testing.assert_array_equal(window.pixels(), picture)


def test_holding_d_shows_the_difference_through_layers(window):
    window.settled()
    down(window, "d")
    first = window.wait(lambda s: s["compare"] == "diff" and s["exactness"] == "exact")
    assert first["range"][0] == -first["range"][1] < 0
    window.key("Down")
    second = window.wait(lambda s: s["layer"] == 1 and s["compare"] == "diff" and s["exactness"] == "exact")
    assert second["range"] != first["range"]
    up(window, "d")
    after = window.wait(lambda s: s["compare"] == "off")
    assert after["layer"] == 1 and after["range"][0] == 0


def test_losing_the_focus_lets_go(window):
    window.settled()
    down(window, "y")
    window.wait(lambda s: s["compare"] == "ref")
    root = window.xdotool("search", "--maxdepth", 0, ".*").split()[0]
    window.xdotool("windowfocus", root)
    window.wait(lambda s: s["compare"] == "off")
    up(window, "y")
    window.xdotool("windowfocus", "--sync", window.id)


def test_a_held_key_wins_over_what_was_chosen(program, display, pair):
    window = Window(program, display, pair[0][0], "--ref", pair[0][1], "--compare", "side")
    try:
        assert window.settled()["compare"] == "side"
        down(window, "d")
        assert window.wait(lambda s: s["compare"] == "diff")["beside"] is None
        up(window, "d")
        assert window.wait(lambda s: s["compare"] == "side")["beside"] is not None
    finally:
        window.close()


def test_side_by_side_both_show_the_same_place(program, display, pair):
    _, (a, b) = pair
    window = Window(program, display, pair[0][0], "--ref", pair[0][1], "--compare", "side")
    try:
        state = window.settled()
        for plot in (state["plot"], state["beside"]["plot"]):
            assert plot[2] > 100 and plot[3] > 100
        assert state["beside"]["plot"][0] > state["plot"][0] + state["plot"][2]  # no overlap
        right = state["beside"]["plot"]
        window.point((right[0] + right[2] / 2) / window.width, (right[1] + right[3] / 2) / window.height)
        before = window.wait(lambda s: s["cursor"] is not None)
        window.wheel(8)  # over the reference: the cell under the mouse stays
        window.wait(lambda s: s["camera"]["k1"] - s["camera"]["k0"] < 100)
        after = window.settled()
        assert abs(after["cursor"]["query"] - before["cursor"]["query"]) <= 1
        assert abs(after["cursor"]["key"] - before["cursor"]["key"]) <= 1
        values = [side["attentions.0"].astype(np.float64).mean(0)[after["cursor"]["query"], after["cursor"]["key"]]
                  for side in (a, b)]
        after = window.wait(lambda s: "reference" in s["cursor"])
        assert after["cursor"]["value"] == pytest.approx(values[0], rel=1e-5, abs=1e-12)
        assert after["cursor"]["reference"] == pytest.approx(values[1], rel=1e-5, abs=1e-12)
        window.point(0.45, 0.01)
        state = window.settled()
        colours(window, state, a["attentions.0"].astype(np.float64).mean(0), 4)
        colours(window, state, b["attentions.0"].astype(np.float64).mean(0), 4, state["beside"])
    finally:
        window.close()


def test_without_a_reference_the_keys_say_so(program, display, pair):
    window = Window(program, display, pair[0][0])
    try:
        window.settled()
        down(window, "y")
        assert "no reference" in window.wait(lambda s: s["message"])["message"]
        up(window, "y")
        assert window.state["compare"] == "off"
    finally:
        window.close()

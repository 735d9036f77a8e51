"""Hidden keys, row scale and value weighting, against NumPy on the varied weights."""
import json

import numpy as np
import pytest

from desktop import Window
from support import factored_reference, pool, random_patterns, reference, safetensors_bytes, softmax

SPECIAL = [0, 7]


def vary(weights, hide=(), scale="none", norms=None, causal=True):
    """weights: [head, query, key] in f64; norms: None or [head, key]."""
    varied = np.array(weights, np.float64)
    if norms is not None:
        varied *= norms[:, None, :]
    varied[..., list(hide)] = 0
    queries, keys = varied.shape[1:]
    if scale == "sum":
        total = varied.sum(-1, keepdims=True)
    elif scale == "max":
        total = varied.max(-1, keepdims=True)
    else:
        visible = np.clip(np.arange(queries) + 1 + keys - queries, 0, keys) if causal else np.full(queries, keys)
        return varied * visible[None, :, None] if scale == "uniform" else varied
    return np.divide(varied, total, out=np.zeros_like(varied), where=total > 0)


@pytest.fixture(scope="module")
def valued(tmp_path_factory):
    """Two layers of 4 heads on 45 tokens, causal, with value vectors in 2 heads: stored weights, and Q and K."""
    folder = tmp_path_factory.mktemp("valued")
    random = np.random.default_rng(5)
    tokens = ["[CLS]" if i == 0 else "[SEP]" if i == 7 else f"t{i}" for i in range(45)]
    metadata = {"attn.causal": "true", "attn.scale": "0.25", "tokens": str(tokens).replace("'", '"')}
    dense, factored, values = {}, {}, {}
    for layer in range(2):
        v = random.normal(size=(1, 45, 2, 6)).astype("<f4") * random.gamma(1, size=(1, 45, 2, 1)).astype("<f4")
        values[layer] = np.repeat(np.linalg.norm(v[0].astype(np.float64), axis=-1).T, 2, axis=0)
        dense[f"blocks.{layer}.attn.hook_pattern"] = random_patterns(1, 4, 45, 45, seed=layer, causal=True)
        dense[f"blocks.{layer}.attn.hook_v"] = factored[f"blocks.{layer}.attn.hook_v"] = v
        factored[f"blocks.{layer}.attn.hook_q"] = random.normal(size=(1, 45, 4, 16)).astype("<f4") * np.float32(2)
        factored[f"blocks.{layer}.attn.hook_k"] = random.normal(size=(1, 45, 2, 16)).astype("<f4")
    (folder / "dense.safetensors").write_bytes(safetensors_bytes(dense, metadata))
    (folder / "factored.safetensors").write_bytes(safetensors_bytes(factored, metadata))
    weights = {"dense": [dense[f"blocks.{layer}.attn.hook_pattern"][0].astype(np.float64) for layer in range(2)]}
    weights["factored"] = []
    for layer in range(2):
        q, k = (factored[f"blocks.{layer}.attn.hook_{name}"][0].astype(np.float64).transpose(1, 0, 2) for name in "qk")
        scores = 0.25 * q @ np.repeat(k, 2, axis=0).transpose(0, 2, 1)
        weights["factored"].append(softmax(np.where(np.tril(np.ones((45, 45), bool)), scores, -np.inf)))
    return folder, weights, values


CASES = [(["--hide", "first"], dict(hide=[0])),
         (["--hide", "special", "--row-scale", "sum"], dict(hide=SPECIAL, scale="sum")),
         (["--hide", "first,3-5", "--row-scale", "max"], dict(hide=[0, 3, 4, 5], scale="max")),
         (["--row-scale", "uniform"], dict(scale="uniform")),
         (["--value-weighted"], dict(norms=True)),
         (["--value-weighted", "--hide", "special", "--row-scale", "sum"], dict(norms=True, hide=SPECIAL, scale="sum"))]


@pytest.mark.parametrize("kind", ["dense", "factored"])
@pytest.mark.parametrize("options, variant", CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_probe_of_a_variant(program, valued, kind, options, variant):
    folder, weights, values = valued
    path = folder / f"{kind}.safetensors"
    for layer in range(2):
        norms = values[layer] if variant.get("norms") else None
        expected = vary(weights[kind][layer], **{**variant, "norms": norms})
        for head, combined in (("2", expected[2]), ("mean", expected.mean(0)), ("max:0,3", expected[[0, 3]].max(0))):
            answer = program.json("probe", path, "--layer", layer, "--head", head, "--query", ":", "--key", ":", *options)
            np.testing.assert_allclose(np.array(answer["values"]), combined, rtol=2e-5, atol=1e-9)
        for query, key in ((30, 7), (44, 0), (20, 11), (3, 9)):
            answer = program.json("probe", path, "--layer", layer, "--head", "1", "--query", query, "--key", key, *options)
            assert answer["value"] == pytest.approx(expected[1, query, key], rel=2e-5, abs=1e-9)
            assert answer["raw"] == pytest.approx(weights[kind][layer][1, query, key], rel=2e-5, abs=1e-9)
            assert answer["hidden"] == (key in variant.get("hide", ()))
            assert answer["masked"] == (key > query)


def test_scores_are_hidden_only(program, valued):
    path = valued[0] / "factored.safetensors"
    arguments = ("probe", path, "--layer", 0, "--head", 0, "--values", "scores", "--query", "9:14", "--key", "0:9")
    plain = np.array(program.json(*arguments)["values"])
    varied = program.json(*arguments, "--hide", "first", "--row-scale", "sum", "--value-weighted")["values"]
    plain[:, 0] = 0
    np.testing.assert_array_equal(np.float32(varied), np.float32(plain))


@pytest.mark.parametrize("options, words", [
    (["--hide", "frist"], ["frist", "special"]), (["--hide", "3-1"], ["3-1"]), (["--row-scale", "mean"], ["mean", "uniform"])])
def test_wrong_options_are_refused(program, valued, options, words):
    path = valued[0] / "dense.safetensors"
    error = program.refused("probe", path, "--query", 1, "--key", 0, *options, code=1)
    for word in words:
        assert word in error


def test_value_weighting_needs_values(program, captures):
    error = program.refused("probe", captures / "stories15M.npz", "--query", 1, "--key", 0, "--value-weighted")
    assert "hook_v" in error


def test_values_of_another_shape_are_named_and_ignored(program):
    pattern = random_patterns(1, 4, 9, 9, causal=True)
    for shape in ((1, 8, 4, 3), (1, 9, 3, 3), (2, 9, 4, 3), (9, 4), (1, 9, 8, 3)):
        (program.cwd / "odd.safetensors").write_bytes(safetensors_bytes(
            {"blocks.0.attn.hook_pattern": pattern, "blocks.0.attn.hook_v": np.ones(shape, "<f4")}))
        notes = program.json("info", "odd.safetensors")["notes"]
        assert any("hook_v" in note and str(shape[0]) in note for note in notes), notes
        program.refused("probe", "odd.safetensors", "--query", 1, "--key", 0, "--value-weighted")


def test_convert_keeps_values(program, valued):
    program.ok("convert", valued[0] / "factored.safetensors", "kept.safetensors")
    arguments = ("--layer", 1, "--head", 3, "--query", "40:45", "--key", ":", "--value-weighted")
    assert program.json("probe", "kept.safetensors", *arguments) == \
        program.json("probe", valued[0] / "factored.safetensors", *arguments)


def test_a_real_sink_is_divided_away(program, captures):
    """The first key takes most of many rows: what is left of them sums to 1."""
    path = captures / "stories15M.qk.safetensors"
    weights = factored_reference(path).layers[4]
    answer = program.json("probe", path, "--layer", 4, "--head", 2, "--query", "1:188", "--key", ":", "--hide", "first",
                          "--row-scale", "sum")
    got = np.array(answer["values"])
    np.testing.assert_allclose(got.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(got, vary(weights, hide=[0], scale="sum")[2, 1:], rtol=1e-4, atol=1e-9)
    assert reference(captures / "stories15M.npz").layers[4][2, :, 0].max() > 0.5


# ---- pictures as numbers ----------------------------------------------------------------------------------------------

def rendered(program, path, *arguments):
    program.ok("render", path, *arguments, "-o", "x.npy")
    image = np.load(program.cwd / "x.npy")
    return image[..., 0], image[..., 1]


def check_render(program, path, layer, head, level, options, expected, hidden=(), rtol=2e-5):
    """`expected`: the varied weights of the head set; what is hidden or above the diagonal is masked."""
    mean, largest = rendered(program, path, "--layer", layer, "--head", head, "--level", f"{level[0]},{level[1]}", *options)
    atol = 1e-7 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(mean, pool(expected, *level, np.mean), rtol=rtol, atol=atol)
    most = pool(expected, *level, np.max)
    np.testing.assert_allclose(np.maximum(largest, 0), most, rtol=rtol, atol=atol)
    keys = np.array([key in hidden for key in range(expected.shape[1])])[None, :] | np.zeros(expected.shape, bool)
    assert (largest[pool(keys, *level, np.all).astype(bool)] == -1).all()


@pytest.mark.parametrize("kind", ["dense", "factored"])
@pytest.mark.parametrize("level", [(0, 0), (2, 2), (1, 3), (6, 6)], ids=str)
def test_render_of_a_variant(program, valued, kind, level):
    folder, weights, values = valued
    for options, variant in CASES:
        norms = values[1] if variant.get("norms") else None
        expected = vary(weights[kind][1], **{**variant, "norms": norms})
        for head, combined in (("2", expected[2]), ("mean:0,3", expected[[0, 3]].mean(0))):
            check_render(program, folder / f"{kind}.safetensors", 1, head, level, options, combined,
                         hidden=variant.get("hide", ()))


@pytest.mark.parametrize("name, layer, causal", [
    ("stories15M.npz", 3, True), ("stories15M.qk.safetensors", 3, True), ("minilm-alice512.qk.safetensors", 2, False),
    ("minilm-alice512.layer3.npy", 3, False), ("whisper-tiny-cross.npy", 1, False)])
def test_render_of_variants_of_real_captures(program, captures, name, layer, causal):
    path = captures / name
    weights = reference(path).layers[layer].astype(np.float64)
    cases = [(["--hide", "first", "--row-scale", "sum"], dict(hide=[0], scale="sum")),
             (["--hide", "0-2,9", "--row-scale", "max"], dict(hide=[0, 1, 2, 9], scale="max")),
             (["--row-scale", "uniform"], dict(scale="uniform"))]
    for options, variant in cases:
        expected = vary(weights, **variant, causal=causal)
        for head, combined, level in (("1", expected[1], (3, 3)), ("mean", expected.mean(0), (2, 4)),
                                      ("max:0,2", expected[[0, 2]].max(0), (3, 3)), ("5", expected[5], (0, 0))):
            check_render(program, path, layer, head, level, options, combined, variant.get("hide", ()), rtol=5e-5)


# ---- the view ---------------------------------------------------------------------------------------------------------

def shown(program, path, script, *options, window=True):
    """The state after a script, with no display."""
    program.ok("render", path, *options, "--exec", f"{script}; wait exact; state state.json", "-o", "x.png",
               *(["--window"] if window else []))
    return json.loads((program.cwd / "state.json").read_text())


def test_commands_change_the_state_and_its_command_line(program, valued):
    path = valued[0] / "dense.safetensors"
    state = shown(program, path, "hide first")
    assert (state["hide"], state["row_scale"], state["value_weighted"]) == ("first", "none", False)
    state = shown(program, path, "hide 7,3-5; row-scale next; value-weighted; copy-command")
    assert (state["hide"], state["row_scale"], state["value_weighted"]) == ("3-5,7", "sum", True)
    assert "--hide 3-5,7 --row-scale sum --value-weighted" in state["message"]
    again = shown(program, path, "copy-command", "--hide", "3-5,7", "--row-scale", "sum", "--value-weighted")
    assert again["message"] == state["message"]
    stops = ["first", "special", "9", "none", "first"]
    script = "hide 9; hide none"
    for stop in stops:
        script += "; hide next"
        assert shown(program, path, script)["hide"] == stop
    state = shown(program, path, "select-cells 3:9,11:14; hide selection")
    assert state["hide"] == "11-13"
    assert shown(program, path, "row-scale max; row-scale next")["row_scale"] == "uniform"
    for command in ("hide frist", "row-scale mean", "hide selection", "value-weighted maybe"):
        program.refused("render", path, "--exec", command, "-o", "x.png", code=(1, 2))


@pytest.mark.parametrize("kind", ["dense", "factored"])
def test_the_cursor_reads_the_variant_and_the_weight_beside_it(program, valued, kind):
    folder, weights, values = valued
    expected = vary(weights[kind][0], hide=[0], scale="sum", norms=values[0]).mean(0)
    state = shown(program, folder / f"{kind}.safetensors", "cursor 30,12", "--hide", "first", "--row-scale", "sum",
                  "--value-weighted")
    assert state["exactness"] == "exact"
    assert state["cursor"]["value"] == pytest.approx(expected[30, 12], rel=2e-5)
    assert state["cursor"]["raw"] == pytest.approx(weights[kind][0].mean(0)[30, 12], rel=2e-5)
    state = shown(program, folder / f"{kind}.safetensors", "cursor 30,0", "--hide", "first")
    assert state["cursor"]["value"] == 0 and state["cursor"]["raw"] > 0


def test_what_is_exported_is_what_is_drawn(program, valued):
    folder, weights, _ = valued
    shown(program, folder / "dense.safetensors", "select-cells 20:30,0:25; export cells.npy", "--head", "2", "--hide",
          "special", "--row-scale", "max")
    expected = vary(weights["dense"][0], hide=SPECIAL, scale="max")[2, 20:30, :25]
    np.testing.assert_allclose(np.load(program.cwd / "cells.npy"), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("view", [["--head", "mean"], ["--head", "1"], ["--head", "max"], ["--view", "grid"]], ids=str)
@pytest.mark.parametrize("size", ["480x320", "1000x800"])
def test_pictures_of_variants_are_exact(program, captures, view, size):
    """Pooled and not, and the same as those that were there at once."""
    path = captures / "minilm-alice512.qk.safetensors"
    options = ("--layer", 2, "--hide", "special,4", "--row-scale", "sum", "--size", size, *view)
    images = pytest.importorskip("PIL.Image")
    state = shown(program, path, "fit", *options, window=False)
    assert state["exactness"] == "exact" and not state["pending"]
    pixels = np.array(images.open(program.cwd / "x.png")).astype(int)
    script = "hide none; row-scale none; wait exact; row-scale sum; wait exact; hide special,4"
    state = shown(program, path, script, *options, window=False)
    assert state["exactness"] == "exact"
    assert np.abs(np.array(images.open(program.cwd / "x.png")) - pixels).max() <= 2  # a weight is rounded, then scaled


def test_the_automatic_range_ignores_hidden_keys(program):
    """A sink that takes nearly all: without it the range is that of the rest."""
    weights = random_patterns(1, 2, 300, 300, seed=3, causal=True).astype(np.float64)
    weights[..., 1:] *= 1e-3
    weights[..., 0] = 1 - weights[..., 1:].sum(-1)
    (program.cwd / "sink.safetensors").write_bytes(
        safetensors_bytes({"blocks.0.attn.hook_pattern": weights.astype("<f4")}, {"attn.causal": "true"}))
    plain = shown(program, "sink.safetensors", "fit", "--head", "0", "--range", "p100")["range"][1]
    hidden = shown(program, "sink.safetensors", "fit", "--head", "0", "--range", "p100", "--hide", "first")["range"][1]
    assert plain > 0.4 and hidden < 1e-3


# ---- beside a reference -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", [(0, 0), (2, 2), (6, 6)], ids=str)
def test_the_difference_of_two_variants(program, valued, level):
    """Of stored weights and of those from Q and K, which differ, both without special tokens and scaled."""
    folder, weights, _ = valued
    options = ("--ref", folder / "factored.safetensors", "--compare", "diff", "--layer", 1, "--head", "mean:1,2", "--hide",
               "special", "--row-scale", "sum")
    mean, largest = rendered(program, folder / "dense.safetensors", *options, "--level", f"{level[0]},{level[1]}")
    one, two = (vary(weights[kind][1], hide=SPECIAL, scale="sum")[[1, 2]].mean(0) for kind in ("dense", "factored"))
    np.testing.assert_allclose(mean, pool(one - two, *level, np.mean), atol=1e-6, rtol=1e-4)
    if level == (0, 0):
        assert (largest[:, SPECIAL] == np.float32(-1e38)).all()
    else:
        np.testing.assert_array_equal(largest[largest > -1e37], mean[largest > -1e37])


def test_a_difference_of_variants_is_exact_on_screen(program, valued):
    folder, weights, _ = valued
    for head, script in (("2", "fit"), ("mean", "rect 10:30,10:30"), ("max", "level 2,2")):
        state = shown(program, folder / "dense.safetensors", f"{script}; cursor 40,20; compare diff", "--ref",
                      folder / "factored.safetensors", "--head", head, "--hide", "first", "--row-scale", "max")
        assert state["exactness"] == "exact" and not state["pending"]
        one, two = (vary(weights[kind][0], hide=[0], scale="max") for kind in ("dense", "factored"))
        one, two = {"2": (one[2], two[2]), "mean": (one.mean(0), two.mean(0)), "max": (one.max(0), two.max(0))}[head]
        assert state["cursor"]["value"] == pytest.approx(one[40, 20], rel=1e-5)
        assert state["cursor"]["difference"] == pytest.approx(one[40, 20] - two[40, 20], rel=1e-4, abs=1e-6)


# ---- a real window ----------------------------------------------------------------------------------------------------

def masked_share(window, state, column):
    """How much of the part of a key's column below the diagonal has the colour of masked cells."""
    (left, top), (width, height) = state["origin"], state["cell"]
    pixels = window.pixels()
    masked = pixels[int(top + 2.5 * height), int(left + 40.5 * width)]
    shown = [pixels[int(top + (query + 0.5) * height), int(left + (column + 0.5) * width)] for query in range(10, 44)]
    return np.mean([np.abs(pixel.astype(int) - masked).max() <= 1 for pixel in shown])


def test_b_and_u_go_through_variants(program, valued, display):
    window = Window(program, display, valued[0] / "dense.safetensors")
    try:
        state = window.settled()
        assert (state["hide"], state["row_scale"]) == ("none", "none")
        assert masked_share(window, state, 0) == 0
        window.key("b")
        window.wait(lambda s: s["hide"] == "first" and s["exactness"] == "exact" and not s["pending"])
        state = window.settled()
        assert masked_share(window, state, 0) == 1 and masked_share(window, state, 7) == 0
        window.key("b")
        window.wait(lambda s: s["hide"] == "special")
        state = window.settled()
        assert masked_share(window, state, 0) == 1 and masked_share(window, state, 7) == 1
        before = window.pixels()
        for scale in ("sum", "max", "uniform", "none"):
            window.key("u")
            window.wait(lambda s: s["row_scale"] == scale and s["exactness"] == "exact" and not s["pending"])
            window.settled()
        np.testing.assert_array_equal(window.pixels()[200:500, 300:700], before[200:500, 300:700])
        window.key("b")
        window.wait(lambda s: s["hide"] == "none")
        state = window.settled()
        assert masked_share(window, state, 0) == 0
        window.key("g", "b")
        window.wait(lambda s: s["view"] == "grid" and s["hide"] == "first" and s["exactness"] == "exact")
        window.key("u", "Return")
        window.wait(lambda s: s["view"] == "matrix" and s["row_scale"] == "sum" and s["exactness"] == "exact")
    finally:
        window.close()

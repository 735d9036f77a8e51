"""Attention from Q and K: the same numbers and the same picture as from stored weights; estimates where exact takes long."""
import json
import math
import shutil

import numpy as np
import pytest

from support import ROOT, bfloat16_bytes, pool, safetensors_bytes, softmax

image = pytest.importorskip("matplotlib.image")
HEADS, KEY_HEADS, TOKENS, DIM = 6, 2, 333, 40  # sizes that are multiples of nothing
LEVELS = ((0, 0), (2, 3), (5, 1), (4, 4), (9, 9))


def stored_as(values, dtype):
    """As safetensors_bytes takes it, and the numbers that are then stored."""
    if dtype == "BF16":
        bits, rounded = bfloat16_bytes(values)
        return ("BF16", list(values.shape), bits), rounded.reshape(values.shape)
    rounded = values.astype({"F16": "<f2", "F32": "<f4"}[dtype])
    return rounded, rounded


def weights_of(q, k, causal, window, softcap, scale):
    """[head, query, key] in float64, as models do it."""
    q, k = (x.astype(np.float64).transpose(1, 0, 2) for x in (q, k))
    k = np.repeat(k, q.shape[0] // k.shape[0], axis=0)
    scores = scale * (q @ k.transpose(0, 2, 1))
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    distance = np.arange(q.shape[1])[:, None] - np.arange(k.shape[1])[None, :]
    if causal:
        scores = np.where(distance >= 0, scores, -np.inf)
    if window:
        near = distance < window if causal else np.abs(distance) <= window // 2
        scores = np.where(near, scores, -np.inf)
    return softmax(scores)


def make_pair(folder, dtype="F32", causal=True, window=0, softcap=0.0, scale=1 / math.sqrt(DIM), seed=3):
    """One layer, twice: Q and K, and the weights that NumPy computes from what was stored of them."""
    random = np.random.default_rng(seed)
    q_form, q = stored_as(random.normal(size=(TOKENS, HEADS, DIM)).astype("<f4") * 1.4, dtype)
    k_form, k = stored_as(random.normal(size=(TOKENS, KEY_HEADS, DIM)).astype("<f4") * 1.4, dtype)
    metadata = {"attn.causal": "true" if causal else "false"}
    more = {"attn.scale": repr(scale), "attn.n_kv_heads": str(KEY_HEADS)}
    more |= {"attn.window": str(window)} if window else {}
    more |= {"attn.softcap": repr(softcap)} if softcap else {}
    weights = weights_of(q, k, causal, window, softcap, scale)
    factored, dense = folder / "factored.safetensors", folder / "dense.safetensors"
    factored.write_bytes(safetensors_bytes({"blocks.0.attn.hook_q": q_form, "blocks.0.attn.hook_k": k_form}, metadata | more))
    dense.write_bytes(safetensors_bytes({"blocks.0.attn.hook_pattern": weights.astype("<f4")[None]}, metadata))
    return factored, dense, weights


def blocks(program, path, heads, level, *arguments):
    program.ok("render", path, "--head", heads, "--level", f"{level[0]},{level[1]}", *arguments, "-o", "x.npy")
    return np.load(program.cwd / "x.npy")


@pytest.mark.parametrize("form", [{}, {"dtype": "F16", "causal": False}, {"dtype": "BF16"}, {"window": 50}, {"softcap": 2.5},
                                  {"causal": False, "window": 41, "scale": 0.5}], ids=str)
def test_stored_and_recomputed_weights_are_the_same(program, form):
    factored, dense, _ = make_pair(program.cwd, **form)
    for heads in ("3", "mean", "max", "min:0,4", "diff:1,0"):
        for level in LEVELS if heads == "mean" else LEVELS[1:4:2]:
            a, b = (blocks(program, path, heads, level) for path in (factored, dense))
            assert a.shape == b.shape
            size = np.abs(b[..., 0]) if heads != "diff:1,0" else np.full(b.shape[:2], np.abs(b[..., 0]).max())
            assert (np.abs(a[..., 0] - b[..., 0]) <= 1e-3 * size + 1e-9).all(), (heads, level)
            seen = (a[..., 1] >= -1e30) & (b[..., 1] > 0) if heads == "diff:1,0" else a[..., 1] >= 0
            size = np.abs(b[..., 1]) if heads != "diff:1,0" else np.full(b.shape[:2], np.abs(b[..., 0]).max())
            assert seen.any() and (np.abs(a[..., 1] - b[..., 1])[seen] <= (1e-3 * size + 1e-9)[seen]).all(), (heads, level)


@pytest.mark.parametrize("heads", ["0", "mean", "max", "diff:1,0"])
@pytest.mark.parametrize("view", [(), ("--rect", "100:180,60:200"), ("--pool", "max", "--transform", "log")], ids=str)
def test_stored_and_recomputed_weights_give_the_same_picture(program, heads, view):
    factored, dense, _ = make_pair(program.cwd)
    if heads == "diff:1,0":  # where two differences are as far from 0 on either side, rounding says which is shown
        view += ("--pool", "mean", "--transform", "linear")
    pictures = []
    for path in (factored, dense):
        program.ok("render", path, "--head", heads, *view, "--range", "0:0.05", "--cmap", "grey", "--bare", "--size", "300x300",
                   "-o", "x.png")
        pictures.append(image.imread(program.cwd / "x.png")[..., :3] * 255)
    assert pictures[1].std() > 5  # there is something to compare
    assert np.abs(pictures[0] - pictures[1]).max() <= 2.5


# ---- estimates -----------------------------------------------------------------------------------------------------------

def synth(program, tokens, dim, heads=1):
    path = program.cwd / "long.safetensors"
    program.ok("synth", "--tokens", tokens, "--layers", 1, "--heads", heads, "--dim", dim, "-o", path)
    return path


def states(program, path, script, *arguments):
    """What `state` wrote, one JSON object a line."""
    return [json.loads(line) for line in program.ok(path, *arguments, "--no-cache", "--size", "640x480", "--exec", script).splitlines()]


def test_an_estimate_comes_first_and_becomes_exact(program):
    path = synth(program, 65536, 8)
    first, largest, last = states(program, path, "wait picture; state; pool max; wait picture; state; pool mean; wait exact; state",
                                  "--head", 0)
    assert (first["exactness"], largest["exactness"], last["exactness"]) == ("estimate", "lower bound", "exact")
    assert first["pending"] and not last["pending"]
    assert first["range"][1] == pytest.approx(last["range"][1], rel=0.25)  # an estimate is of the truth


def test_exact_asked_for_is_never_an_estimate(program):
    """Blocks of 512 x 512 weights, which the window would estimate, against single rows of the same file."""
    path = synth(program, 65536, 8)
    coarse = blocks(program, path, "0", (9, 9), "--rect", "64000:65536,0:65536")
    fine = blocks(program, path, "0", (4, 9), "--rect", "64000:65536,0:65536")
    assert coarse.shape == (3, 128, 2) and fine.shape == (96, 128, 2)
    np.testing.assert_allclose(coarse[..., 0], pool(fine[..., 0], 5, 0, np.mean), rtol=1e-3, atol=1e-9)
    seen = coarse[..., 1] >= 0
    np.testing.assert_allclose(coarse[..., 1][seen], pool(fine[..., 1], 5, 0, np.max)[seen], rtol=1e-3)


def test_a_very_long_sequence_opens_and_any_part_of_it_is_exact(program):
    """131,072 tokens: 17 billion weights a head. The overview is an estimate; a part at full size is what NumPy says."""
    tokens, dim, q0, k0 = 131072, 4, 131000, 70000
    path = synth(program, tokens, dim, heads=2)
    (first,) = states(program, path, "wait picture; state", "--head", "mean")
    assert first["exactness"] == "estimate" and (first["tokens_q"], first["tokens_k"]) == (tokens, tokens)
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    q, k = (np.frombuffer(raw, "<f2", tokens * 2 * dim, 8 + size + header[f"blocks.0.attn.hook_{name}"]["data_offsets"][0])
            .reshape(tokens, 2, dim)[:, 1].astype(np.float64) for name in "qk")
    scores = float(header["__metadata__"]["attn.scale"]) * (q[q0:] @ k.T)
    distance = np.arange(q0, tokens)[:, None] - np.arange(tokens)[None, :]
    expected = softmax(np.where(distance >= 0, scores, -np.inf))[:, k0:k0 + 64]
    got = blocks(program, path, "1", (0, 0), "--rect", f"{q0}:{tokens},{k0}:{k0 + 64}")
    np.testing.assert_allclose(got[..., 0], expected, rtol=1e-3, atol=1e-10)
    probe = program.json("probe", path, "--layer", 0, "--head", 1, "--query", q0 + 50, "--key", k0 + 7)
    assert probe["value"] == pytest.approx(expected[50, 7], rel=2e-5)


def test_bench_need_not_wait_for_what_takes_minutes(program):
    path = synth(program, 131072, 4)
    report = program.json("bench", path, "--tour", "zoom", "--frames", 5, "--wait", 0, "--size", "320x240")
    assert report["time_to_exact_ms"] is None and report["first_picture_ms"] > 0
    assert "--wait" in program.refused("bench", path, "--wait", "soon", code=1)


# ---- compute shaders -----------------------------------------------------------------------------------------------------

@pytest.fixture
def compute(program):
    """Skips where the driver has no compute shaders."""
    factored, dense, weights = make_pair(program.cwd)
    recompute = states(program, factored, "wait exact; state", "--recompute", "gpu")[0]["recompute"]
    if recompute["on"] != "gpu":
        pytest.skip(recompute["why"])
    return factored, dense, weights


@pytest.mark.parametrize("form", [{}, {"dtype": "BF16", "window": 50}, {"causal": False, "softcap": 2.5}], ids=str)
def test_compute_shaders_give_what_numpy_does(program, compute, form):
    factored, _, weights = make_pair(program.cwd, **form)
    for head in (0, 5):
        for level in LEVELS:
            got = blocks(program, factored, head, level, "--recompute", "gpu")
            np.testing.assert_allclose(got[..., 0], pool(weights[head], *level, np.mean), rtol=1e-3, atol=1e-9)
            seen = got[..., 1] >= 0
            np.testing.assert_allclose(got[..., 1][seen], pool(weights[head], *level, np.max)[seen], rtol=1e-3, atol=1e-9)


def test_the_window_says_who_computes(program, compute):
    gpu, cpu = states(program, compute[0], "wait exact; state; recompute cpu; heads 2; wait exact; state", "--recompute", "gpu", "--head", 1)
    assert gpu["recompute"]["mode"] == gpu["recompute"]["on"] == "gpu" and gpu["recompute"]["gpu_tasks"] > 0
    assert cpu["recompute"]["mode"] == cpu["recompute"]["on"] == "cpu" and cpu["recompute"]["kernel"]
    assert cpu["recompute"]["gpu_tasks"] == gpu["recompute"]["gpu_tasks"]


def test_auto_measures_and_software_loses(program, compute):
    report = program.json("bench", compute[0], "--tour", "pan", "--frames", 5, "--size", "320x240")
    recompute = report["recompute"]
    assert recompute["mode"] == "auto" and recompute["gpu_gflops"] > 0 and recompute["cpu_gflops"] > 0
    if any(name in report["renderer"] for name in ("llvmpipe", "softpipe", "swrast")):
        assert recompute["on"] == "cpu" and recompute["gpu_tasks"] == 0


def test_without_compute_shaders_the_processor_computes(program, compute):
    """OpenGL 3.3, as Mesa can pretend; macOS stops at 4.1."""
    program.environment.update(MESA_GL_VERSION_OVERRIDE="3.3", MESA_GLSL_VERSION_OVERRIDE="330")
    if states(program, compute[0], "state", "--recompute", "gpu")[0]["recompute"]["on"] == "gpu":
        pytest.skip("this driver does not pretend")
    for mode in ("auto", "gpu"):
        first, last = states(program, compute[0], "state; wait exact; state", "--recompute", mode)
        assert last["recompute"]["on"] == "cpu" and last["exactness"] == "exact"
    assert "compute shaders" in first["message"] and "processor" in first["message"]


def test_a_gpu_that_cannot_is_said_and_does_without(program, compute):
    """Too small a budget for buffers; a shader that does not compile."""
    small = states(program, compute[0], "state; wait exact; state", "--recompute", "gpu", "--gpu-budget", "15M")
    assert all(state["recompute"]["on"] == "cpu" and "budget" in state["recompute"]["why"] for state in small)
    assert "processor" in small[0]["message"] and small[1]["exactness"] == "exact"
    shutil.copytree(ROOT / "shaders", program.cwd / "shaders")
    with open(program.cwd / "shaders" / "recompute.comp", "a") as shader:
        shader.write("nonsense")
    program.environment["ATTNSCOPE_SHADERS"] = str(program.cwd / "shaders")
    (broken,) = states(program, compute[0], "wait exact; state", "--recompute", "gpu")
    assert broken["recompute"]["on"] == "cpu" and "compile" in broken["recompute"]["why"] and broken["exactness"] == "exact"
    assert "auto, cpu or gpu" in program.refused("render", compute[0], "--recompute", "tpu", "-o", "x.png", code=1)


# ---- what is wrong with Q and K --------------------------------------------------------------------------------------------

def pair_of(q, k, metadata=None, **more):
    named = {"blocks.0.attn.hook_q": q, "blocks.0.attn.hook_k": k}
    return safetensors_bytes({name: value for name, value in named.items() if value is not None} | more, metadata)


def numbers(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("<f4")


@pytest.mark.parametrize("q, k, words", [
    (numbers(20, 4, 8), numbers(20, 4, 6), ("8", "6")),            # head sizes
    (numbers(20, 4, 8), numbers(20, 3, 8), ("4", "3", "head")),    # 4 heads cannot share 3
    (numbers(20, 4, 8), None, ("keys", "hook_q")),
    (None, numbers(20, 4, 8), ("hook_k",)),
], ids=["sizes", "heads", "no keys", "no queries"])
def test_pairs_that_do_not_fit_are_refused_with_a_reason(program, q, k, words):
    path = program.cwd / "bad.safetensors"
    path.write_bytes(pair_of(q, k))
    said = program.refused("info", path)
    assert all(word in said for word in words), said


def test_numbers_that_are_none_are_counted_and_spoil_their_rows_only(program):
    q, k = numbers(20, 2, 8), numbers(20, 2, 8)
    q[7, 0, 3], k[15, 1, 2] = np.nan, np.inf
    path = program.cwd / "strange.safetensors"
    path.write_bytes(pair_of(q, k, {"attn.causal": "true"}))
    info = program.json("info", path)
    assert info["sets"][0]["qk_nonfinite"] == 2 and info["sets"][0]["nonfinite"] == 8 + sum(range(16, 21))
    assert "in Q and K" in program.ok("info", path)
    for head, strange in ((0, [7]), (1, range(15, 20))):
        largest = blocks(program, path, head, (0, 0))[..., 1]
        assert [row for row in range(20) if (largest[row] == -2).any()] == list(strange)


def test_a_scale_that_nobody_gave_is_said_to_be_assumed(program):
    (program.cwd / "q.safetensors").write_bytes(pair_of(numbers(20, 4, 16), numbers(20, 4, 16)))
    (program.cwd / "s.safetensors").write_bytes(pair_of(numbers(20, 4, 16), numbers(20, 4, 16), {"attn.scale": "0.25"}))
    assert "scale 0.25 (assumed)" in program.ok("info", "q.safetensors")
    assert "assumed" not in program.ok("info", "s.safetensors").split("notes")[0]


def test_info_of_a_very_long_sequence_computes_some_rows_only(program):
    tokens = 40000
    info = program.json("info", synth(program, tokens, 8))["sets"][0]
    assert info["row_sum"]["sampled"] and info["row_sum"]["min"] == pytest.approx(1, abs=1e-4)
    assert info["masked"] == tokens * (tokens - 1) // 2 and info["nonfinite"] == info["qk_nonfinite"] == 0
    short = program.json("info", make_pair(program.cwd)[0])["sets"][0]
    assert not short["row_sum"]["sampled"] and short["masked"] == HEADS * TOKENS * (TOKENS - 1) // 2


def test_info_names_the_kernel(program):
    factored, dense, _ = make_pair(program.cwd)
    assert program.json("info", factored)["kernel"] in ("portable", "neon", "avx2", "avx512")
    assert program.json("info", dense)["kernel"] is None
    assert "kernel" in program.ok("info", factored)

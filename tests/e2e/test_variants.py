"""Hidden keys, row scale and value weighting, against NumPy on the varied weights."""
import numpy as np
import pytest

from support import factored_reference, random_patterns, reference, safetensors_bytes, softmax

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

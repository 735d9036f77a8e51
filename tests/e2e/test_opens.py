"""Files as colleagues have them: .pt, and (where the libraries that write them can be imported) the real thing."""
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

import torch_files
from support import random_patterns, read_safetensors, safetensors_bytes
from torch_files import Tensor

MEMORY_LIMIT = 3 << 30
CAUSAL = random_patterns(3, 2, 9, 9, causal=True)


def layers_of(array):
    return tuple(Tensor(layer[None]) for layer in array)


def values_of(program, file, layer, head, *options):
    """All of a pattern; a masked cell is 0."""
    wanted = dict(zip(options[::2], options[1::2])).get("--set")
    info = next(s for s in program.json("info", file)["sets"] if wanted in (None, s["name"]))
    answer = program.json("probe", file, *options, "--layer", layer, "--head", head, "--query", f"0:{info['queries']}",
                          "--key", f"0:{info['keys']}")
    return np.array([[np.nan if value is None else value for value in row] for row in answer["values"]])


def assert_reads(program, file, array, *options):
    """array: [layer, head, query, key]. Every bit of f32 counts."""
    for layer, heads in enumerate(array):
        for head in {0, len(heads) - 1}:
            values = values_of(program, file, layer, head, *options)
            np.testing.assert_array_equal(values.astype("f4"), np.asarray(heads[head]).astype("f4"))


# ---- .pt ------------------------------------------------------------------------------------------------------------------

def test_a_real_pt_equals_the_npz_of_the_same_run(program, captures):
    expected = np.load(captures / "stories15M.npz")["attentions"]
    for layer in range(6):
        for head in (0, layer):
            values = values_of(program, captures / "stories15M.attentions.pt", layer, head)
            np.testing.assert_array_equal(values.astype("f4"), expected[layer, head].astype("f2").astype("f4"))


def test_a_tuple_of_layers_with_tokens(program):
    content = torch_files.dumps({"attentions": layers_of(CAUSAL), "tokens": [f"t{i}" for i in range(9)], "model": "tiny"})
    (program.cwd / "x.pth").write_bytes(content)
    info = program.json("info", "x.pth")
    assert info["tokens"] and info["model"] == "tiny" and info["sets"][0]["name"] == "decoder"
    assert_reads(program, "x.pth", CAUSAL)
    cell = program.json("probe", "x.pth", "--layer", 1, "--head", 0, "--query", 5, "--key", 2)
    assert (cell["query_token"], cell["key_token"]) == ("t5", "t2")


def test_the_steps_of_generate(program):
    """Each step is the pattern as it was then: rows that came later are masked; the last is the whole."""
    full = random_patterns(2, 1, 2, 9, 9, seed=3, causal=True)
    (program.cwd / "x.pt").write_bytes(torch_files.dumps(torch_files.generated(full, 4)))
    for step, rows in ((0, 4), (3, 7), (5, 9), (None, 9)):
        chosen = [] if step is None else ["--step", step]
        program.ok("render", "x.pt", "--head", "mean", "--level", "0,0", *chosen, "-o", "x.npy")
        texels = np.load(program.cwd / "x.npy")
        np.testing.assert_allclose(texels[:rows, :, 0], full[0, 0].mean(0)[:rows], rtol=1e-3, atol=1e-7)
        assert (texels[rows:, :, 1] == -1).all() and (texels[:rows].max(axis=(1, 2)) > 0).all()
    late = program.json("probe", "x.pt", "--layer", 0, "--head", 0, "--query", 6, "--key", 2, "--step", 2)
    assert late["masked"] and late["value"] == 0
    assert not program.json("probe", "x.pt", "--layer", 0, "--head", 0, "--query", 6, "--key", 2, "--step", 3)["masked"]
    assert "no step 6" in program.refused("probe", "x.pt", "--query", 0, "--key", 0, "--step", 6, code=1)
    program.ok("x.pt", "--exec", "step 2; step +1; wait exact; state s.json")
    assert json.loads((program.cwd / "s.json").read_text())["step"] == 3


def test_generate_is_stitched(program):
    full = [random_patterns(1, 2, 10, 10, causal=True, seed=seed) for seed in (1, 2)]
    (program.cwd / "x.pt").write_bytes(torch_files.dumps(torch_files.generated(full, 4)))
    info = program.json("info", "x.pt")
    assert info["sets"][0]["causal"] and any("7 steps" in note for note in info["notes"])
    assert_reads(program, "x.pt", [layer[0] for layer in full])
    program.ok("render", "x.pt", "--layer", 1, "--head", "mean", "-o", "x.png")


def pickle_of(text):
    return torch_files.archive(text, [b"\0" * 256])


def bomb():
    value = []
    for _ in range(20):
        value = [value] * 10
    return pickle_of(pickle.dumps(value, 2))


def overlapping():
    """Two directory entries for the same bytes."""
    content = torch_files.dumps(layers_of(CAUSAL))
    return content.replace(b"archive/data/1", b"archive/data/0")


REFUSED = {
    "empty.pt": b"",
    "legacy.pt": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    "plain-pickle.pt": pickle.dumps([1, 2, 3], 4),
    "half.pt": (lambda content: content[:len(content) // 2])(torch_files.dumps(layers_of(CAUSAL))),
    "script.pt": torch_files.archive(pickle.dumps(None), extra=[("code/m.py", b"def forward(): pass")]),
    "nothing.pt": pickle_of(pickle.dumps({"a": 1}, 2)),
    "os-system.pt": pickle_of(b"cposix\nsystem\n(S'touch was-here'\ntR."),
    "inst.pt": pickle_of(b"(S'touch was-here'\niposix\nsystem\n."),
    "extension.pt": pickle_of(b"\x80\x02\x82\x01."),
    "buffers.pt": pickle_of(b"\x80\x05\x97."),
    "protocol.pt": pickle_of(b"\x80\x77N."),
    "no-end.pt": pickle_of(b"\x80\x02]"),
    "bomb.pt": bomb(),
    "deep.pt": pickle_of(b"]" * 1_000_000 + b"a" * 999_999 + b"."),
    "itself.pt": pickle_of(b"]p0\ng0\na."),
    "memo-number.pt": pickle_of(b"Nr\xff\xff\xff\xff."),
    "long-text.pt": pickle_of(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."),
    "compressed.pt": torch_files.dumps(layers_of(CAUSAL), compression=zipfile.ZIP_DEFLATED),
    "beyond.pt": torch_files.dumps(Tensor(CAUSAL).view(1, CAUSAL.shape, (162, 81, 9, 1))),
    "beyond-by-strides.pt": torch_files.dumps(Tensor(CAUSAL).view(0, CAUSAL.shape, (162, 81, 10**15, 1))),
    "overflow.pt": torch_files.dumps(Tensor(CAUSAL).view(0, (2**40, 2**40, 9, 9), (0, 0, 9, 1))),
    "ids.pt": torch_files.dumps(Tensor(np.zeros((9, 9), "<i8"))),
    "complex.pt": torch_files.dumps(Tensor(np.zeros((2, 9, 9), "<c8"))),
    "one-axis.pt": torch_files.dumps(Tensor(np.zeros(9, "<f4"))),
    "ragged-steps.pt": torch_files.dumps({"attentions": ((Tensor(np.ones((1, 2, 3, 3), "<f4")),) * 2,
                                                         (Tensor(np.ones((1, 2, 1, 4), "<f4")),
                                                          Tensor(np.ones((1, 3, 1, 4), "<f4"))))}),
    "overlap.pt": overlapping(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(program, name):
    (program.cwd / name).write_bytes(REFUSED[name])
    sentence = program.refused("info", name, memory_limit=MEMORY_LIMIT, timeout=20,
                               environment={"OPENBLAS_NUM_THREADS": "1"})
    assert name in sentence and len(sentence) < 500
    assert not (program.cwd / "was-here").exists()


# ---- JSON --------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["bertviz-bert.json", "bertviz-gpt2.json", "bertviz-opus-mt-en-de.json"])
def test_bertviz_agrees_with_python(program, captures, name):
    groups = json.loads((captures / name).read_text())["attention"]
    groups = groups if isinstance(groups, dict) else {group["name"].lower(): group for group in groups}
    sets = {s["name"]: s for s in program.json("info", captures / name)["sets"]}
    if len(groups) == 1:
        groups = {"decoder": groups["all"]}  # nothing to tell apart, and it is causal
    assert list(sets) == list(groups)
    for set_name, group in groups.items():
        array = np.array(group["attn"]).astype("f4")
        assert sets[set_name]["layers"] == list(range(len(array)))
        for layer in (0, len(array) - 1):
            values = values_of(program, captures / name, layer, layer % 8, "--set", set_name)
            np.testing.assert_array_equal(values.astype("f4"), array[layer, layer % 8])
        sums = array.astype(float).sum(-1)
        assert sets[set_name]["row_sum"]["min"] == pytest.approx(sums.min(), abs=1e-6)
        assert sets[set_name]["row_sum"]["max"] == pytest.approx(sums.max(), abs=1e-6)
        cell = program.json("probe", captures / name, "--set", set_name, "--layer", 0, "--head", 0, "--query", 1, "--key", 2)
        assert (cell["query_token"], cell["key_token"]) == (group["left_text"][1], group["right_text"][2])


def test_bertviz_keeps_layer_numbers(program):
    body = {"attention": [{"name": None, "attn": CAUSAL.tolist(), "left_text": list("abcdefghi"), "right_text": list("abcdefghi")}],
            "include_layers": [2, 5, 11]}
    (program.cwd / "x.json").write_text(json.dumps(body))
    assert program.json("info", "x.json")["sets"][0]["layers"] == [2, 5, 11]
    np.testing.assert_array_equal(values_of(program, "x.json", 11, 1).astype("f4"), CAUSAL[2, 1])


def test_circuitsvis_and_dodrio(program):
    (program.cwd / "c.json").write_text(json.dumps({"tokens": list("abcdefghi"), "attention": CAUSAL[0].tolist()}))
    (program.cwd / "d.json").write_text(json.dumps(CAUSAL.tolist()))
    assert program.json("info", "c.json")["tokens"]
    assert_reads(program, "c.json", CAUSAL[:1])
    assert_reads(program, "d.json", CAUSAL)


def json_of(*arrays):
    return json.dumps({"attention": [{"name": str(i), "attn": array} for i, array in enumerate(arrays)]}).encode()


REFUSED_JSON = {
    "deep.json": b"[" * 200_000,
    "deep-objects.json": b'{"attention":' * 200_000,
    "deep-whole.json": b"[" * 200_000 + b"1" + b"]" * 200_000,
    "ragged.json": json_of([[[[1.0, 0.0], [1.0]]]]),
    "ragged-layers.json": json_of([[[[1.0]]], [[[1.0, 0.0], [0.5, 0.5]]]]),
    "no-numbers.json": b'{"attention": "yes"}',
    "cut.json": json_of(CAUSAL.tolist())[:-40],
    "empty-list.json": b"[]",
    "text.json": b'["a", "b"]',
    "two-values.json": b"[[1.0]] [[1.0]]",
    "long-string.json": b'{"a": "' + b"x" * (2 << 20) + b'", "attention": [[1.0]]}',
    "long-number.json": b'{"attention": [[0.' + b"1" * 100_000 + b"]]}",
    "bad-text.json": b'{"tokens": ["\xff"], "attention": [[1.0]]}',
}


@pytest.mark.parametrize("name", REFUSED_JSON)
def test_bad_json_is_refused_in_one_sentence(program, name):
    (program.cwd / name).write_bytes(REFUSED_JSON[name])
    sentence = program.refused("info", name, memory_limit=MEMORY_LIMIT, timeout=20,
                               environment={"OPENBLAS_NUM_THREADS": "1"})
    assert name in sentence and len(sentence) < 500


def test_long_json_in_bounded_memory(program):
    """80 MB of text, 4 million numbers: a tree of them would not fit the address space that is left."""
    row = ",".join(["0.00097656250000000"] * 1024)
    with open(program.cwd / "x.json", "w") as file:
        file.write('{"attention": [[')
        file.writelines(f"{',' if i else ''}[{row}]" for i in range(4096))
        file.write("]]}")
    assert (program.cwd / "x.json").stat().st_size > 80e6
    cell = program.json("probe", "x.json", "--layer", 0, "--head", 0, "--query", 4095, "--key", 1023,
                        memory_limit=1 << 30, environment={"OPENBLAS_NUM_THREADS": "1"})
    assert cell["value"] == 1 / 1024


# ---- several files ----------------------------------------------------------------------------------------------------------------

def test_a_folder_of_layers(program):
    (program.cwd / "run").mkdir()
    for i, layer in enumerate(CAUSAL):
        np.save(program.cwd / "run" / f"layer{i}.npy", layer)
    (program.cwd / "run" / "tokens.json").write_text(json.dumps(list("abcdefghi")))
    for name in ("run", "run/", "run/layer*.npy"):
        info = program.json("info", name)
        assert info["tokens"] and info["sets"][0]["layers"] == [0, 1, 2]
        assert_reads(program, name, CAUSAL)
    two = program.json("info", "run/layer2.npy", "run/layer0.npy")
    assert two["sets"][0]["layers"] == [0, 2]
    program.ok("render", "run", "--layer", 1, "--head", "mean", "-o", "x.png")


def test_shards(program):
    names = [f"blocks.{i}.attn.hook_pattern" for i in range(3)]
    for i, name in enumerate(names):
        (program.cwd / f"m-{i}.safetensors").write_bytes(safetensors_bytes({name: CAUSAL[i]}))
    (program.cwd / "m.safetensors.index.json").write_text(
        json.dumps({"weight_map": {name: f"m-{i}.safetensors" for i, name in enumerate(names)}}))
    for name in ("m.safetensors.index.json", "."):
        assert_reads(program, name, CAUSAL)


def test_two_files_of_the_same_layers_suggest_ref(program):
    for name in ("a.npy", "b.npy"):
        np.save(program.cwd / name, CAUSAL)
    sentence = program.refused("info", "a.npy", "b.npy")
    assert "--ref" in sentence and "a.npy" in sentence and "b.npy" in sentence


@pytest.mark.parametrize("file", ["../secret.safetensors", "/etc/passwd", "x/../../y.safetensors", ""])
def test_an_index_that_climbs_is_refused(program, file):
    (program.cwd / "m.safetensors.index.json").write_text(json.dumps({"weight_map": {"attn.0": file}}))
    assert f"'{file}'" in program.refused("info", "m.safetensors.index.json")


# ---- convert ----------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["stories15M.attentions.pt", "stories15M.npz", "stories15M.qk.safetensors", "whisper-tiny-cross.npy",
                                  "t2t-broken.npy", "minilm-alice512.layer3.npy", "bertviz-bert.json",
                                  "bertviz-opus-mt-en-de.json"])
def test_converted_captures_are_the_same(program, captures, name):
    assert program.ok("convert", captures / name, "out.safetensors") == ""
    before, after = program.json("info", captures / name), program.json("info", "out.safetensors")
    assert before["tokens"] == after["tokens"] and before["model"] == after["model"]
    by_name = {s["name"]: s for s in after["sets"]}
    assert [by_name[s["name"]] for s in before["sets"]] == before["sets"]
    for s in before["sets"]:
        for layer in (s["layers"][0], s["layers"][-1]):
            old, new = (values_of(program, file, layer, s["heads"] - 1, "--set", s["name"])
                        for file in (captures / name, "out.safetensors"))
            np.testing.assert_array_equal(old, new)
        cell = ("--set", s["name"], "--layer", s["layers"][0], "--head", 0, "--query", 1, "--key", 1)
        assert program.json("probe", captures / name, *cell) == program.json("probe", "out.safetensors", *cell)


def test_a_converted_file_has_the_documented_names(program):
    (program.cwd / "x.pt").write_bytes(torch_files.dumps({"attentions": layers_of(CAUSAL.astype("f2")), "tokens": list("abcdefghi"),
                                                          "model": "tiny"}))
    program.ok("convert", "x.pt", "x.safetensors")
    tensors, metadata = read_safetensors(program.cwd / "x.safetensors")
    assert list(tensors) == [f"decoder.{i}.attn.hook_pattern" for i in range(3)]
    assert metadata["attn.schema"] == "1" and metadata["attn.causal"] == "true" and metadata["attn.kind"] == "weights"
    assert metadata["model"] == "tiny" and json.loads(metadata["tokens"]) == list("abcdefghi")
    np.testing.assert_array_equal(tensors["decoder.1.attn.hook_pattern"][0], CAUSAL.astype("f2")[1])
    program.ok("render", "x.safetensors", "--layer", 1, "-o", "x.png")


def test_convert_leaves_the_old_file_when_it_fails(program):
    (program.cwd / "out.safetensors").write_text("old")
    (program.cwd / "bad.npy").write_bytes(b"nothing")
    program.refused("convert", "bad.npy", "out.safetensors")
    assert (program.cwd / "out.safetensors").read_text() == "old"
    np.save(program.cwd / "good.npy", CAUSAL)
    program.refused("convert", "good.npy", "missing/out.safetensors")
    program.refused("convert", "good.npy", "out.npz", code=1)
    program.refused("convert", "good.npy", code=1)


# ---- the real writers, where they are installed ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: `pip install torch` to run this")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"])
def test_real_torch_dtypes(program, torch, dtype):
    stored = torch.from_numpy(CAUSAL.copy()).to(getattr(torch, dtype))
    torch.save(tuple(layer[None].clone() for layer in stored), program.cwd / "x.pt")
    assert_reads(program, "x.pt", stored.to(torch.float64).numpy())


def test_real_torch_views(program, torch):
    whole = torch.from_numpy(CAUSAL.copy())
    swapped = whole.transpose(2, 3).contiguous().transpose(2, 3)
    odd = torch.zeros(3, 2, 18, 18)
    odd[:, :, ::2, ::2] = whole
    for value in (tuple(whole[:, None]), whole, tuple(swapped[:, None]), tuple(odd[:, None, :, ::2, ::2]),
                  tuple(torch.nn.Parameter(layer[None]) for layer in whole)):
        torch.save(value, program.cwd / "x.pt")
        assert_reads(program, "x.pt", CAUSAL)
    torch.save((whole[:1].expand(4, 2, 9, 9),), program.cwd / "x.pt")
    assert_reads(program, "x.pt", CAUSAL[:1])
    assert_reads(program, "x.pt", CAUSAL[:1], "--batch", 3)


def test_real_torch_files_that_are_something_else(program, torch):
    model = torch.nn.Linear(2, 2)
    for name, save, word in (("old.pt", lambda path: torch.save(torch.ones(2, 2), path, _use_new_zipfile_serialization=False), "1.6"),
                             ("script.pt", lambda path: torch.jit.save(torch.jit.script(model), path), "TorchScript"),
                             ("model.pt", lambda path: torch.save(model, path), "parameters"),
                             ("state.pt", lambda path: torch.save(model.state_dict(), path), "parameters"),
                             ("sparse.pt", lambda path: torch.save(torch.eye(3).to_sparse(), path), "sparse")):
        save(program.cwd / name)
        assert word in program.refused("info", name)


def test_real_h5py(program):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: `pip install h5py` to run this")
    halves = CAUSAL.astype("f2")
    with h5py.File(program.cwd / "x.h5", "w") as file:
        file["attentions"] = CAUSAL
        file["tokens"] = list("abcdefghi")
        file.attrs["model"] = "tiny"
    with h5py.File(program.cwd / "y.h5", "w") as file:
        for i, layer in enumerate(halves):
            file.create_dataset(f"attentions/{i}", data=layer, chunks=(1, 4, 4), compression="gzip")
    result = program.run("info", "x.h5")
    if b"libhdf5" in result.stderr:
        pytest.skip("the program was built without libhdf5")
    info = program.json("info", "x.h5")
    assert info["tokens"] and info["model"] == "tiny"
    assert_reads(program, "x.h5", CAUSAL)
    assert_reads(program, "y.h5", halves)


def test_real_safetensors(program):
    numpy_io = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed: `pip install safetensors` to run this")
    numpy_io.save_file({f"blocks.{i}.attn.hook_pattern": layer for i, layer in enumerate(CAUSAL)}, program.cwd / "x.safetensors",
                       {"model": "tiny"})
    assert_reads(program, "x.safetensors", CAUSAL)
    assert program.json("info", "x.safetensors")["model"] == "tiny"

"""`stats`: numbers about heads, against NumPy in float64."""
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import answers
from support import BINARY, random_patterns, reference

NAMES = ("entropy", "distance", "previous")


def entropy_of(weights):
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(weights > 0, -weights * np.log(weights), 0)
    return terms.sum(axis=1).mean()


def distance_of(weights):
    i, j = np.indices(weights.shape)
    return (weights * abs(i - j)).sum() / weights.sum()


def previous_of(weights):
    return np.diagonal(weights, -1).mean()


def expected(weights):
    weights = np.asarray(weights, np.float64)
    return dict(zip(NAMES, (entropy_of(weights), distance_of(weights), previous_of(weights))))


def check(found, layers, set_name, tolerance=1e-5):
    rows = {(row["layer"], row["head"]): row for row in found if row["set"] == set_name}
    assert sorted(rows) == [(layer, head) for layer in sorted(layers) for head in range(len(layers[layer]))]
    for layer, heads in layers.items():
        for head, weights in enumerate(heads):
            for name, value in expected(weights).items():
                assert rows[layer, head][name] == pytest.approx(value, rel=tolerance, abs=tolerance), (layer, head, name)


@pytest.mark.parametrize("name, set_name", [
    ("minilm-alice512.qk.safetensors", "encoder"), ("minilm-alice512.layer3.npy", "encoder"), ("stories15M.npz", "decoder"),
    ("stories15M.stored.npz", "decoder"), ("stories15M.qk.safetensors", "decoder")])
def test_numbers_are_numpys(program, captures, name, set_name):
    check(program.json("stats", captures / name), reference(captures / name).layers, set_name)


def test_cross_attention_has_no_distances(program, captures):
    found = program.json("stats", captures / "whisper-tiny-cross.npy")
    weights = np.load(captures / "whisper-tiny-cross.npy").astype(np.float64)
    assert [(row["layer"], row["head"]) for row in found] == [(layer, head) for layer in range(4) for head in range(6)]
    for row in found:
        assert row["entropy"] == pytest.approx(entropy_of(weights[row["layer"], row["head"]]), rel=1e-5)
        assert row["distance"] is None and row["previous"] is None


def test_rows_with_nan_are_left_out(program, captures):
    weights = np.load(captures / "t2t-broken.npy").astype(np.float64)
    for row in program.json("stats", captures / "t2t-broken.npy"):
        pattern = weights[row["layer"], row["head"]]
        kept = ~np.isnan(pattern).any(axis=1)
        assert row["entropy"] == pytest.approx(entropy_of(pattern[kept]), rel=1e-5), row
        i, j = np.indices(pattern.shape)
        far, total = (pattern * abs(i - j))[kept].sum(), pattern[kept].sum()
        assert row["distance"] == pytest.approx(far / total, rel=1e-5), row


def test_all_sets_of_a_capture(program, captures):
    path = captures / "bertviz-opus-mt-en-de.json"
    found = program.json("stats", path)
    assert {row["set"] for row in found} == {"encoder", "decoder", "cross"} and len(found) == 3 * 6 * 8
    assert all((row["distance"] is None) == (row["set"] == "cross") for row in found)
    assert program.json("stats", path, "--set", "decoder") == [row for row in found if row["set"] == "decoder"]
    # Two sentences of as many tokens are still two.
    for row in program.json("stats", captures / "bertviz-bert.json", "--layer", 0, "--head", 0):
        assert (row["distance"] is None) == (row["set"] in ("ab", "ba")), row


@pytest.fixture
def small(program):
    """Layers 1 and 4 of 3 heads, causal, as .npz with the layers' numbers in the names."""
    layers = {1: random_patterns(3, 20, 20, seed=1, causal=True), 4: random_patterns(3, 20, 20, seed=2, causal=True)}
    path = program.cwd / "small.npz"
    np.savez(path, **{f"attentions.{number}": weights for number, weights in layers.items()})
    return path, layers


def test_layers_and_heads_are_chosen(program, small):
    found = program.json("stats", small[0])
    check(found, small[1], "decoder")
    assert program.json("stats", small[0], "--layer", 4) == [row for row in found if row["layer"] == 4]
    assert program.json("stats", small[0], "--head", 2) == [row for row in found if row["head"] == 2]
    assert program.json("stats", small[0], "--layer", 1, "--head", 0, "--set", "decoder") == found[:1]


def test_the_table_has_the_same_numbers(program, small):
    lines = program.ok("stats", small[0]).splitlines()
    assert lines[0].split() == ["set", "layer", "head", "entropy/nats", "distance/tokens", "previous"]
    for line, row in zip(lines[1:], program.json("stats", small[0]), strict=True):
        assert line.split()[:3] == [row["set"], str(row["layer"]), str(row["head"])]
        assert [float(word) for word in line.split()[3:]] == pytest.approx([row[name] for name in NAMES], rel=1e-5)
    assert len({len(line) for line in lines}) == 1


def test_a_single_token(program):
    np.save(program.cwd / "one.npy", np.ones((1, 1, 1), "<f4"))
    assert program.ok("stats", "one.npy").splitlines()[1].split()[3:] == ["0", "0", "nan"]
    assert [program.json("stats", "one.npy")[0][name] for name in NAMES] == [0, 0, None]


def test_help_says_how_each_is_computed(program):
    text = program.ok("stats", "--help")
    for name in NAMES:
        assert re.search(rf"^  {name} .*\w", text, re.M)
    assert "--layer N" in text and max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("arguments, said", [
    (["--layer", "2"], "no layer 2: it has 1, 4"),
    (["--head", "3"], "no head 3"),
    (["--layer", "x"], "--layer"),
    (["--head", "-1"], "--head"),
    (["--set", "cross"], "there is decoder"),
    (["--pool", "max"], "--pool"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_options_are_refused(program, small, arguments, said):
    assert said in program.refused("stats", small[0], *arguments, code=1)


def test_what_has_no_heads_is_refused(program, small):
    assert "needs a file" in program.refused("stats", code=1)
    program.refused("stats", "missing.npy")
    (program.cwd / "answer.json").write_text(json.dumps(answers.chat()))
    assert "no heads" in program.refused("stats", "answer.json")


def wait_until_it_listens(process):
    """Until the program catches SIGINT itself."""
    for _ in range(600):
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        if int(re.search(r"^SigCgt:\s*(\w+)", status, re.M)[1], 16) >> (signal.SIGINT - 1) & 1:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("it does not catch SIGINT")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when a program listens")
def test_ctrl_c_ends_it_without_half_a_table(program):
    program.ok("synth", "--tokens", 65536, "--layers", 1, "--heads", 2, "--dim", 16, "-o", "long.safetensors")
    process = subprocess.Popen([BINARY, "stats", "long.safetensors"], cwd=program.cwd, env=program.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_it_listens(process)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 1 and output == b"" and b"interrupted" in error

"""The command line from outside: what a person or a script relies on."""
import json
import re
import shutil

import numpy as np
import pytest

import answers
from support import ROOT, random_patterns, safetensors_bytes

VERBS = ("info", "probe", "stats", "render", "demo", "bench", "synth")


def every_key(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from every_key(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_key(inner)


# ---- help, version, usage -----------------------------------------------------------------------------------------

def test_help_names_every_verb(program):
    text = program.ok("--help")
    for verb in VERBS:
        assert re.search(rf"\b{verb}\b", text), verb
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(program, verb):
    assert verb in program.ok(verb, "--help")


def test_version(program):
    version = re.search(r"project\(attnscope VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert program.ok("--version").split()[:2] == ["attnscope", version]


@pytest.mark.parametrize("arguments", [
    ["--no-such-option"],
    ["info"],
    ["info", "--no-such-option", "x.npy"],
    ["probe", "x.npy", "--query", "a"],
    ["render", "x.npy"],
    ["render", "x.npy", "-o", "x.jpeg"],
    ["synth", "--tokens", "-5", "--layers", "1", "--heads", "1", "-o", "x.safetensors"],
], ids=" ".join)
def test_usage_errors(program, arguments):
    program.refused(*arguments, code=1)


def test_nothing_is_written_to_the_home_of_a_script(program, demo):
    program.ok("info", demo)
    assert list(program.home.iterdir()) == []


# ---- demo ------------------------------------------------------------------------------------------------------------

def test_demo_list(program):
    text = program.ok("demo", "--list")
    for entry in json.loads((ROOT / "assets" / "demos.json").read_text()):
        assert entry["name"] in text
        assert entry["description"] in text


def test_an_unknown_demo_is_named(program):
    assert "nosuchdemo" in program.refused("demo", "nosuchdemo", code=1)


def test_without_a_display_the_demo_is_drawn_to_a_file(program):
    result = program.run()
    path = re.search(r"\S+\.png", (result.stdout + result.stderr).decode())
    assert path, "the path of the picture should be printed"
    assert (program.cwd / path[0]).read_bytes().startswith(b"\x89PNG")


# ---- info --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def small(program):
    """2 layers (1 and 4) x 3 heads x 20 tokens, causal, as .npz with the layers' numbers in the names."""
    layers = {"attentions.1": random_patterns(3, 20, 20, seed=1, causal=True),
              "attentions.4": random_patterns(3, 20, 20, seed=2, causal=True)}
    path = program.cwd / "small.npz"
    np.savez(path, tokens=np.array([f"t{i}" for i in range(20)]), **layers)
    return path, {1: layers["attentions.1"], 4: layers["attentions.4"]}


def test_info_json(program, small):
    info = program.json("info", small[0])
    (only,) = info["sets"]
    assert info["file"].endswith("small.npz")
    assert (info["factored"], info["tokens"]) == (False, True)
    assert isinstance(info["notes"], list)
    assert (only["name"], only["kind"], only["layers"], only["causal"]) == ("decoder", "weights", [1, 4], True)
    assert (only["heads"], only["kv_heads"], only["queries"], only["keys"]) == (3, 3, 20, 20)
    assert (only["dtype"], only["nonfinite"]) == ("f32", 0)
    assert only["row_sum"]["min"] == pytest.approx(1, abs=1e-5)
    assert only["row_sum"]["max"] == pytest.approx(1, abs=1e-5)


def test_info_for_people(program, small):
    text = program.ok("info", small[0])
    for word in ("decoder", "causal", "20", "f32"):
        assert word in text
    assert "\x1b" not in text


def test_the_man_page_documents_every_json_key(program, small):
    page = (ROOT / "assets" / "attnscope.1").read_text()
    documents = [program.json("info", small[0]), program.json("probe", small[0], "--layer", 1, "--head", 0, "--query", 5, "--key", 2),
                 program.json("stats", small[0]),
                 program.json("bench", small[0], "--tour", "pan", "--frames", 5, "--size", "320x240"),
                 json.loads(program.ok("render", small[0], "--exec", "state", "--size", "320x240", "-o", "x.png"))]
    (program.cwd / "answer.json").write_text(json.dumps(answers.chat()))
    documents += [program.json("info", "answer.json"), program.json("probe", "answer.json", "--query", "1:2"),
                  json.loads(program.ok("render", "answer.json", "--token", 1, "--exec", "state", "-o", "x.png"))]
    for key in sorted({key for document in documents for key in every_key(document)}):
        assert re.search(rf"\b{key}\b", page), f"{key} is not in assets/attnscope.1"


def test_info_of_standard_input(program, small):
    from_file = program.json("info", small[0])
    assert program.json("info", "-", data=small[0].read_bytes())["sets"] == from_file["sets"]


# ---- probe --------------------------------------------------------------------------------------------------------------

def test_probe_json(program, small):
    path, layers = small
    probe = program.json("probe", path, "--layer", 4, "--head", 2, "--query", 7, "--key", 3)
    assert (probe["set"], probe["layer"], str(probe["head"]), probe["query"], probe["key"]) == ("decoder", 4, "2", 7, 3)
    assert np.float32(probe["value"]) == layers[4][2, 7, 3]
    assert probe["masked"] is False
    assert (probe["query_token"], probe["key_token"]) == ("t7", "t3")


def test_probe_of_a_masked_cell(program, small):
    probe = program.json("probe", small[0], "--layer", 1, "--head", 0, "--query", 3, "--key", 9)
    assert (probe["value"], probe["masked"]) == (0, True)


def test_probe_of_a_range_as_tsv(program, small):
    path, layers = small
    text = program.ok("probe", path, "--layer", 1, "--head", 1, "--query", "10:14", "--key", "2:5")
    values = [[float(field) for field in line.split("\t")] for line in text.splitlines()]
    np.testing.assert_allclose(values, layers[1][1, 10:14, 2:5], rtol=1e-6)


@pytest.mark.parametrize("heads, combine", [
    ("mean", lambda w: w.mean(0)),
    ("mean:0,2", lambda w: w[[0, 2]].mean(0)),
    ("max", lambda w: w.max(0)),
    ("min:0-1", lambda w: w[:2].min(0)),
    ("w:0*0.5,2*0.25", lambda w: 0.5 * w[0] + 0.25 * w[2]),
    ("diff:2,0", lambda w: w[2] - w[0]),
])
def test_probe_of_a_head_set(program, small, heads, combine):
    path, layers = small
    values = program.json("probe", path, "--layer", 4, "--head", heads, "--query", "15:20", "--key", "0:15")["values"]
    np.testing.assert_allclose(values, combine(layers[4].astype(np.float64))[15:20, :15], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("arguments", [
    ["--layer", 2, "--head", 0, "--query", 0, "--key", 0],
    ["--layer", 1, "--head", 3, "--query", 0, "--key", 0],
    ["--layer", 1, "--head", 0, "--query", 20, "--key", 0],
    ["--layer", 1, "--head", 0, "--query", 0, "--key", "0:21"],
    ["--layer", 1, "--head", "middle", "--query", 0, "--key", 0],
], ids=lambda arguments: " ".join(map(str, arguments)))
def test_probe_outside_of_what_exists(program, small, arguments):
    program.refused("probe", small[0], *arguments, code=(1, 2))


# ---- files that are read in other ways -------------------------------------------------------------------------------------

def test_grouped_query_attention(program):
    rng = np.random.default_rng(3)
    q, k = rng.normal(size=(1, 30, 6, 16)).astype("<f4"), rng.normal(size=(1, 30, 2, 16)).astype("<f4")
    path = program.cwd / "gqa.safetensors"
    path.write_bytes(safetensors_bytes({"blocks.0.attn.hook_q": q, "blocks.0.attn.hook_k": k},
                                       {"attn.scale": "0.3", "attn.causal": "true"}))
    (only,) = program.json("info", path)["sets"]
    assert (only["heads"], only["kv_heads"], only["causal"]) == (6, 2, True)
    scores = 0.3 * np.einsum("qd,kd->qk", q[0, :, 5].astype(float), k[0, :, 1].astype(float))
    scores[np.triu_indices(30, 1)] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    values = program.json("probe", path, "--layer", 0, "--head", 5, "--query", "0:30", "--key", "0:30")["values"]
    np.testing.assert_allclose(values, weights, rtol=2e-5, atol=1e-10)


def test_scores_are_softmaxed(program):
    scores = np.random.default_rng(4).normal(size=(2, 3, 17, 17)).astype("<f4")
    np.save(program.cwd / "scores.npy", scores)
    weights = np.exp(scores[1, 2].astype(float))
    weights /= weights.sum(1, keepdims=True)
    arguments = ("scores.npy", "--layer", 1, "--head", 2, "--query", "0:17", "--key", "0:17")
    np.testing.assert_allclose(program.json("probe", *arguments)["values"], weights, rtol=1e-5)
    np.testing.assert_allclose(program.json("probe", *arguments, "--values", "scores")["values"], scores[1, 2], rtol=1e-6)


def test_a_sidecar_gives_the_tokens(program):
    np.save(program.cwd / "layer7.npy", random_patterns(2, 4, 6))
    (program.cwd / "layer7.tokens.json").write_text(json.dumps({"q_tokens": list("abcd"), "k_tokens": ["Ġu", "v", "w", "x", "y", "##z"]}))
    probe = program.json("probe", "layer7.npy", "--layer", 7, "--head", 1, "--query", 3, "--key", 0)
    assert probe["set"] == "cross"
    assert probe["query_token"] == "d" and probe["key_token"].endswith("u")


# ---- render ---------------------------------------------------------------------------------------------------------------

def test_render_bare_is_the_colormap_of_the_values(program):
    image = pytest.importorskip("matplotlib.image")
    colormaps = pytest.importorskip("matplotlib").colormaps
    weights = random_patterns(1, 8, 8, seed=5, sharpness=1.0)
    np.save(program.cwd / "w.npy", weights)
    program.ok("render", "w.npy", "--head", 0, "--bare", "--size", "160x160", "--transform", "linear", "--range", "0:1",
               "--cmap", "viridis", "-o", "w.png")
    pixels = image.imread(program.cwd / "w.png")[5::20, 5::20, :3]
    np.testing.assert_allclose(pixels, colormaps["viridis"](weights[0])[..., :3], atol=2.5 / 255)


@pytest.mark.parametrize("size", ["640x480", "1280x720", "333x517"])
@pytest.mark.parametrize("bare", [True, False])
def test_render_has_exactly_the_size(program, demo, size, bare):
    image = pytest.importorskip("matplotlib.image")
    program.ok("render", demo, "--layer", 2, "--size", size, *(["--bare"] if bare else []), "-o", "x.png")
    width, height = map(int, size.split("x"))
    assert image.imread(program.cwd / "x.png").shape[:2] == (height, width)


def test_render_themes_differ(program, demo):
    for theme in ("dark", "light"):
        program.ok("render", demo, "--theme", theme, "--size", "640x480", "-o", f"{theme}.png")
    image = pytest.importorskip("matplotlib.image")
    dark, light = (image.imread(program.cwd / f"{theme}.png")[:20, :, :3].mean() for theme in ("dark", "light"))
    assert dark < 0.3 and light > 0.7


def test_render_npy_needs_a_level(program, demo):
    assert "--level" in program.refused("render", demo, "-o", "x.npy", code=1)


def test_render_does_not_replace_a_file_when_it_fails(program):
    (program.cwd / "x.png").write_bytes(b"old")
    program.refused("render", "missing.npy", "-o", "x.png")
    assert (program.cwd / "x.png").read_bytes() == b"old"


def test_exec_runs_commands_in_order(program, demo):
    program.ok("render", demo, "--exec", f"layer 3; head 5; cmap magma; transform log; wait exact; state {program.cwd}/s.json",
               "--size", "640x480", "-o", "x.png")
    state = json.loads((program.cwd / "s.json").read_text())
    assert (state["layer"], state["heads"], state["cmap"], state["transform"]) == (3, "5", "magma", "log")
    assert state["exactness"] == "exact"


def test_exec_names_the_command_that_it_does_not_know(program, demo):
    assert "frobnicate" in program.refused("render", demo, "--exec", "frobnicate 3", "-o", "x.png", code=1)


def test_without_a_font_it_says_what_to_install(program, demo):
    program.refused("render", demo, "-o", "x.png", code=(1, 2), environment={"ATTNSCOPE_FONT": "/nonexistent.ttf"})
    (program.cwd / "empty.conf").write_text('<?xml version="1.0"?><fontconfig></fontconfig>')
    environment = {"FONTCONFIG_FILE": str(program.cwd / "empty.conf")}
    assert "font" in program.refused("render", demo, "-o", "x.png", code=(1, 2), environment=environment)
    program.ok("info", demo, environment=environment)


def test_a_broken_shader_is_named(program, demo):
    folder = program.cwd / "shaders"
    shutil.copytree(ROOT / "shaders", folder)
    environment = {"ATTNSCOPE_SHADERS": str(folder)}
    program.ok("render", demo, "--size", "320x240", "-o", "x.png", environment=environment)
    for path in sorted(folder.glob("*.frag")):
        source = path.read_text()
        path.write_text(source + "\nthis is not GLSL;\n")
        assert path.name in program.refused("render", demo, "-o", "x.png", code=1, environment=environment)
        path.write_text(source)


# ---- synth and bench --------------------------------------------------------------------------------------------------------

def test_synth_makes_attention(program):
    program.ok("synth", "--tokens", 64, "--layers", 2, "--heads", 3, "--dense", "--seed", 7, "-o", "s.safetensors")
    (only,) = program.json("info", "s.safetensors")["sets"]
    assert (only["layers"], only["heads"], only["queries"], only["keys"]) == ([0, 1], 3, 64, 64)
    assert only["row_sum"]["min"] > 0.99 and only["row_sum"]["max"] < 1.01
    program.ok("synth", "--tokens", 64, "--layers", 2, "--heads", 3, "--dense", "--seed", 7, "-o", "t.safetensors")
    assert (program.cwd / "s.safetensors").read_bytes() == (program.cwd / "t.safetensors").read_bytes()


@pytest.mark.parametrize("tour", ["pan", "zoom"])
def test_bench_reports(program, demo, tour):
    report = program.json("bench", demo, "--tour", tour, "--frames", 20, "--size", "640x360")
    assert report["renderer"]
    assert (report["size"], report["tokens"], report["layers"], report["heads"]) == ([640, 360], 297, 6, 12)
    assert report["frames"] >= 20
    frame = report["frame_ms"]
    assert 0 < frame["p50"] <= frame["p95"] <= frame["p99"] <= frame["max"]
    for key in ("first_picture_ms", "time_to_exact_ms", "rss_mb"):
        assert report[key] > 0, key

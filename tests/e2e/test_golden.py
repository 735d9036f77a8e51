"""Some states of the program against pictures that were looked at; see tests/golden/README.md."""
import json
import os
import shutil
import subprocess

import numpy as np
import pytest

import answers
from support import ROOT

GOLDEN = ROOT / "tests" / "golden"
UPDATE = os.environ.get("ATTNSCOPE_UPDATE_GOLDENS") == "1"
BLOCK = 8
MAX_BLOCK_DIFFERENCE = 40 / 255  # one small glyph more or less in a block
MEAN_DIFFERENCE = 1.5 / 255
SAME_PIXELS = 0.9995  # with the same renderer and font; the rest is for changes of a value by one

STATES = {
    "start": ["--window", "--size", "1280x720"],
    "cells": ["--size", "1280x720", "--layer", "2", "--head", "0", "--rect", "46:66,46:70"],
    "light-log-max": ["--window", "--size", "1280x720", "--layer", "3", "--theme", "light", "--transform", "log", "--pool", "max"],
    "difference": ["--size", "1280x720", "--layer", "2", "--head", "diff:0,8"],
    "small": ["--window", "--size", "480x320", "--layer", "5"],
    "text": ["--window", "--size", "1280x720", "--token", "10"],
    "text-light": ["--size", "800x400", "--theme", "light", "--cmap", "cividis"],
    "twice": ["--window", "--size", "800x500", "--scale", "2", "--layer", "4", "--head", "mean:0-3", "--cmap", "magma"],
}


@pytest.fixture(scope="session")
def made_with(binary, cache, tmp_path_factory):
    """Renderer and font: what pictures depend on besides the program."""
    import support
    folder = tmp_path_factory.mktemp("renderer")
    report = support.Program(folder, cache, folder).json("bench", ROOT / "assets" / "jabberwocky.safetensors", "--tour", "pan",
                                                         "--frames", 2, "--size", "320x240")
    font = "unknown"
    if shutil.which("fc-match"):
        font = subprocess.run(["fc-match", "Inter", "family", "fontversion"], capture_output=True, text=True).stdout.strip()
    return {"renderer": report["renderer"], "font": font}


def blocks(picture):
    height, width = (side // BLOCK * BLOCK for side in picture.shape[:2])
    cut = picture[:height, :width, :3]
    return cut.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean(axis=(1, 3))


def golden_answer():
    """A few lines, a token that the API calls very unlikely, one without a probability."""
    answer = answers.chat(answers.TEXT * 12, answers.CHANCES * 12)
    content = answer["choices"][0]["logprobs"]["content"]
    content[20]["logprob"], content[21]["logprob"] = -9999.0, None
    return answer


@pytest.mark.parametrize("name", STATES)
def test_golden(program, demo, made_with, name):
    image = pytest.importorskip("matplotlib.image")
    if name.startswith("text"):
        demo = program.cwd / "answer.json"
        demo.write_text(json.dumps(golden_answer()))
    program.ok("render", demo, *STATES[name], "-o", "x.png")
    golden, note = GOLDEN / f"{name}.png", GOLDEN / "made-with.json"
    if UPDATE:
        shutil.copy(program.cwd / "x.png", golden)
        note.write_text(json.dumps(made_with, indent=2) + "\n")
        pytest.skip("golden picture written")
    drawn, wanted = image.imread(program.cwd / "x.png"), image.imread(golden)
    assert drawn.shape == wanted.shape
    difference = np.abs(blocks(drawn) - blocks(wanted))
    assert difference.mean() <= MEAN_DIFFERENCE
    if json.loads(note.read_text()) == made_with:
        assert difference.max() <= MAX_BLOCK_DIFFERENCE
        assert (np.abs(drawn - wanted) <= 1.5 / 255).all(axis=-1).mean() >= SAME_PIXELS

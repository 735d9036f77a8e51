"""The settings file: what it decides, what beats it, what is said about a bad one; keys of one's own in a real window."""
import json
import os
import shlex

import numpy as np
import pytest
from PIL import Image

from desktop import Window


def configure(program, text):
    folder = program.home / "config" / "attnscope"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "config"


def state(program, *arguments, script=""):
    program.ok(*arguments, "--exec", f"{script}; state state.json")
    return json.loads((program.cwd / "state.json").read_text())


def ground(program, name):
    """Brightness of a corner."""
    return np.asarray(Image.open(program.cwd / name).convert("RGB"))[-2, 2].mean()


def test_settings_hold_unless_the_command_line_says_otherwise(program, demo):
    configure(program, "theme = light\ncmap = magma\ntransform = log\nlabels = off\nrange = p95\npanels = off\n")
    found = state(program, demo, script="screenshot window a.png")
    assert (found["cmap"], found["transform"], found["labels"], found["panels"]) == ("magma", "log", False, False)
    assert ground(program, "a.png") > 200 and found["message"] == "saved a.png"
    found = state(program, demo, "--cmap", "turbo", "--theme", "dark", "--labels", "on", script="screenshot window b.png")
    assert (found["cmap"], found["transform"], found["labels"]) == ("turbo", "log", True)
    assert ground(program, "b.png") < 60


def test_other_verbs_do_not_read_them(program, demo):
    program.ok("render", demo, "--size", "300x200", "-o", "plain.png")
    configure(program, "theme = light\ncmap = magma\nscale = 2\n")
    program.ok("render", demo, "--size", "300x200", "-o", "with.png")
    assert (program.cwd / "plain.png").read_bytes() == (program.cwd / "with.png").read_bytes()


def test_the_copied_line_says_what_settings_decide(program, demo):
    """So that it draws the same on a machine without them, and on one with others."""
    configure(program, "theme = light\ncmap = magma\npool = max\nlabels = on\naspect = stretch\ntransform = linear\n")
    program.ok(demo, "--size", "800x600", "--exec", "cmap viridis; theme dark; screenshot view a.png")
    words = shlex.split(Image.open(program.cwd / "a.png").text["attnscope.command"])
    for option, value in (("--cmap", "viridis"), ("--theme", "dark"), ("--pool", "max"), ("--labels", "on")):
        assert words[words.index(option) + 1] == value
    width, height = Image.open(program.cwd / "a.png").size
    program.ok("render", *words[1:], "--size", f"{width}x{height}", "-o", "b.png")
    np.testing.assert_array_equal(*(np.asarray(Image.open(program.cwd / name)) for name in ("a.png", "b.png")))
    program.ok("--exec", "screenshot view c.png", "--from", "a.png", "--size", "800x600")
    np.testing.assert_array_equal(*(np.asarray(Image.open(program.cwd / name)) for name in ("a.png", "c.png")))


@pytest.mark.parametrize("text, said", [
    ("theme = light\nthem = dark\n", "line 2: there is no setting 'them'"),
    ("theme = light\n[keys]\nCtrl+K = frobnicate\n", "line 3: there is no command 'frobnicate'"),
    ("theme = light\n[keys]\nk = fit\nk = mean\n", "line 4: k is bound in line 3 already"),
])
def test_wrong_lines_are_named_and_the_rest_is_used(program, demo, text, said):
    path = configure(program, text)
    assert said.lower() in state(program, demo)["message"].lower()
    assert path.read_text() == text
    program.ok(demo, "--exec", "screenshot window a.png")
    assert ground(program, "a.png") > 200


@pytest.mark.parametrize("text", [b"theme = light\n\0\0\0", b"\xff\xfe", b"#" * 100000], ids=["zeros", "no text", "large"])
def test_a_broken_file_is_kept_aside(program, demo, text):
    path = configure(program, text)
    message = state(program, demo)["message"]
    assert "config.bad-1" in message and message.count(".") <= 3
    assert not path.exists() and path.with_name("config.bad-1").read_bytes() == text
    assert state(program, demo)["message"] == ""


def test_settings_are_saved_only_when_asked(program, demo):
    path = program.home / "config" / "attnscope" / "config"
    state(program, demo, script="theme light; cmap magma")
    assert not path.exists()
    assert state(program, demo, script="theme light; cmap magma; scale 1.5; settings save")["message"].startswith("saved ")
    assert path.read_text() == "theme = light\nscale = 1.5\ncmap = magma\n"
    assert state(program, demo)["cmap"] == "magma"
    assert [entry.name for entry in path.parent.iterdir()] == ["config"]


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/proc/self"), reason="needs a place nobody can write to")
def test_a_home_that_cannot_be_written_does_no_harm(program, demo):
    program.environment.update(XDG_CONFIG_HOME="/proc/self", XDG_STATE_HOME="/proc/self")
    assert state(program, demo)["exactness"]
    assert "/proc/self" in program.run(demo, "--exec", "settings save").stderr.decode()


def test_keys_of_ones_own(program, display, demo):
    configure(program, "[keys]\nCtrl+K = cmap inferno\nc = layer last\nF5 = none\n")
    window = Window(program, display, demo)
    try:
        window.settled()
        window.key("ctrl+k")
        window.wait(lambda s: s["cmap"] == "inferno")
        window.key("c")
        found = window.wait(lambda s: s["layer_index"] == s["layers"] - 1)
        assert found["cmap"] == "inferno"
        window.key("F5", "Home")
        assert "read again" not in window.wait(lambda s: s["layer_index"] == 0)["message"]
        window.key("ctrl+p")
        window.xdotool("type", "--delay", 5, "settings save")
        window.key("Return")
        window.wait(lambda s: s["palette"] is None and s["message"].startswith("saved"))
        kept = (program.home / "config" / "attnscope" / "config").read_text()
        assert kept == "cmap = inferno\n[keys]\nCtrl+K = cmap inferno\nc = layer last\nF5 = none\n"
    finally:
        window.close()

"""Files that change while they are open, the desktop's file dialog, and what was opened before; in a real window."""
import os
import stat

import numpy as np
import pytest

from desktop import Window
from support import random_patterns

HEADS, TOKENS = 4, 60


def write_capture(path, seed, layers=(0, 1, 2), tokens=TOKENS):
    """As careful programs write: beside it, then in its place."""
    beside = path.with_name("beside.tmp.npz")
    np.savez(beside, **{f"attentions.{layer}": random_patterns(HEADS, tokens, tokens, seed=seed + layer, causal=True)
                        for layer in layers})
    beside.rename(path)


@pytest.fixture
def capture(program):
    path = program.cwd / "capture.npz"
    write_capture(path, 1)
    return path


def opened(program, display, capture, *arguments):
    window = Window(program, display, capture, "--size", "960x600", *arguments)
    window.settled()
    return window


@pytest.fixture
def window(program, display, capture):
    window = opened(program, display, capture)
    yield window
    window.close()


def configure(program, text):
    path = program.home / "config" / "attnscope" / "config"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(window, line):
    window.key("ctrl+p")
    window.xdotool("type", "--delay", 5, line)
    window.key("Return")
    window.wait(lambda s: s["palette"] is None)


def value(window, query, key):
    run(window, f"cursor {query},{key}")
    return window.wait(lambda s: s["cursor"] and s["cursor"]["value"] is not None and s["cursor"]["key"] == key)["cursor"]["value"]


def test_a_changed_file_is_read_again_in_the_same_place(window, capture):
    window.key("Down", "Right")
    run(window, "rect 10:40,5:35")
    run(window, "cmap magma")
    before = window.wait(lambda s: s["layer"] == 1 and s["heads"] == "0" and s["cmap"] == "magma")
    old = value(window, 20, 7)
    write_capture(capture, 50, layers=(1, 2, 7))
    after = window.wait(lambda s: "has changed and was read again" in s["message"])
    for name in ("layer", "heads", "cmap", "view", "file"):
        assert after[name] == before[name], name
    assert after["camera"] == pytest.approx(before["camera"])
    new = random_patterns(HEADS, TOKENS, TOKENS, seed=51, causal=True)[0, 20, 7]
    found = window.wait(lambda s: s["cursor"] and s["cursor"]["value"] not in (None, old))["cursor"]["value"]
    assert found == pytest.approx(new, rel=1e-6)


def test_a_file_that_becomes_unreadable_leaves_the_picture(window, capture):
    window.point(0.5, 0.98)
    window.wait(lambda s: s["cursor"] is None)
    before = window.settled()
    picture = window.pixels()[100:400, 250:600]
    with open(capture, "r+b") as file:
        file.truncate(100)
    message = window.wait(lambda s: "cannot be read" in s["message"])["message"]
    assert message.startswith("capture.npz has changed") and "what was read before" in message
    assert window.state["layers"] == before["layers"]
    np.testing.assert_array_equal(window.pixels()[100:400, 250:600], picture)
    write_capture(capture, 9)  # and is there again
    window.wait(lambda s: "was read again" in s["message"])


def test_a_vanished_file_is_said(window, capture):
    capture.unlink()
    assert "is gone" in window.wait(lambda s: "gone" in s["message"])["message"]
    window.key("F5")
    assert "capture.npz" in window.wait(lambda s: "gone" not in s["message"] and s["message"])["message"]
    assert window.state["layers"] == 3


def test_it_asks_where_that_is_set(program, display, capture):
    configure(program, "auto-reload = ask\n")
    window = opened(program, display, capture)
    try:
        write_capture(capture, 30)
        window.wait(lambda s: "F5 reads it again" in s["message"])
        window.key("F5")
        window.wait(lambda s: s["message"] == "read again: capture.npz")
    finally:
        window.close()


def test_all_files_of_a_capture_are_read_again(program, display):
    """And stand in the copied command line."""
    paths = [program.cwd / f"layer{layer}.npy" for layer in (0, 1)]
    for layer, path in enumerate(paths):
        np.save(path, random_patterns(HEADS, 20, 20, seed=layer))
    window = Window(program, display, paths[0], paths[1], "--size", "960x600")
    try:
        assert window.settled()["layers"] == 2
        window.key("F5")
        assert window.wait(lambda s: "read again" in s["message"])["layers"] == 2
        window.key("ctrl+shift+c")
        copied = window.wait(lambda s: s["message"].startswith("copied: "))["message"]
        assert copied.startswith(f"copied: attnscope {paths[0]} {paths[1]} ")
    finally:
        window.close()


# ---- what was opened before ------------------------------------------------------------------------------------------

def test_recent_files_stand_on_top(program, display, capture):
    configure(program, "file-dialog = own\n")
    other = program.cwd / "elsewhere" / "other.npz"
    other.parent.mkdir()
    write_capture(other, 5)
    opened(program, display, other).close()
    recent = program.home / "state" / "attnscope" / "recent"
    assert recent.read_text() == f"{other}\n"
    window = opened(program, display, capture)
    try:
        window.key("ctrl+o")
        listed = window.wait(lambda s: s["palette"] and len(s["palette"]["items"]) > 2)["palette"]["items"]
        assert listed[0] == "other.npz" and listed.count("capture.npz") == 1  # what is open is no choice
        window.xdotool("type", "--delay", 5, "oth")
        window.wait(lambda s: s["palette"] and s["palette"]["items"][:1] == ["other.npz"])
        window.key("Return")
        window.wait(lambda s: s["palette"] is None and s["file"] == str(other))
    finally:
        window.close()
    assert recent.read_text() == f"{other}\n{capture}\n"


# ---- the desktop's dialog --------------------------------------------------------------------------------------------

def dialog(program, script):
    """A zenity of our own."""
    folder = program.cwd / "bin"
    folder.mkdir()
    tool = folder / "zenity"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {program.cwd}/asked\n{script}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    program.environment["PATH"] = f"{folder}:{os.environ['PATH']}"


def test_the_dialog_of_the_system_chooses(program, display, capture):
    other = program.cwd / "it's; $HOME `id`.npz"  # a name that a shell would trip over
    write_capture(other, 5)
    dialog(program, f"while [ ! -e {program.cwd}/go ]; do sleep 0.05; done\ncat {program.cwd}/go")
    window = opened(program, display, capture)
    try:
        window.key("ctrl+o")
        window.wait(lambda s: s["choosing"])
        window.key("Down")  # the window goes on meanwhile
        window.wait(lambda s: s["layer"] == 1 and s["choosing"])
        window.key("ctrl+o")
        window.wait(lambda s: "open already" in s["message"])
        (program.cwd / "go.tmp").write_text(f"{other}\n")
        (program.cwd / "go.tmp").rename(program.cwd / "go")
        window.wait(lambda s: s["file"] == str(other) and not s["choosing"])
        asked = (program.cwd / "asked").read_text().splitlines()
        assert "--file-selection" in asked and f"--filename={program.cwd}/" in asked
    finally:
        window.close()


def test_a_cancelled_dialog_changes_nothing(program, display, capture):
    dialog(program, "exit 1")
    window = opened(program, display, capture)
    try:
        window.key("ctrl+o")
        window.wait(lambda s: (program.cwd / "asked").exists() and not s["choosing"])
        state = window.settled()
        assert state["file"] == str(capture) and state["palette"] is None and state["message"] == ""
    finally:
        window.close()


@pytest.mark.parametrize("script", ["kill -9 $$", "echo 'no such display' >&2; exit 255"])
def test_a_dialog_that_dies_makes_room_for_the_list(program, display, capture, script):
    dialog(program, script)
    window = opened(program, display, capture)
    try:
        window.key("ctrl+o")
        state = window.wait(lambda s: s["palette"] and "capture.npz" in s["palette"]["items"])
        assert "file dialog of the system failed" in state["message"] and not state["choosing"]
        if "255" in script:
            assert "no such display" in state["message"]
    finally:
        window.close()


def test_the_dialog_ends_with_the_window(program, display, capture):
    dialog(program, f"echo $$ > {program.cwd}/pid; exec sleep 1000")
    window = opened(program, display, capture)
    try:
        window.key("ctrl+o")
        window.wait(lambda s: s["choosing"] and (program.cwd / "pid").exists())
        window.key("q")
        assert window.process.wait(30) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(int((program.cwd / "pid").read_text()), 0)
    finally:
        window.close()

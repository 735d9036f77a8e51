"""Finding tokens: in a real window, from a script, and in pictures."""
import json
import re
import shlex

import numpy as np
import pytest

from desktop import Window
from support import read_safetensors, safetensors_bytes


@pytest.fixture
def window(program, display, demo):
    window = Window(program, display, demo)
    window.settled()
    yield window
    window.close()


def token_texts(path):
    _, metadata = read_safetensors(path)
    return json.loads(metadata["tokens"])


def places(tokens, phrase):
    """Spans of WordPiece tokens that hold the phrase: their text with a boundary that may be passed over anywhere."""
    text, owner = "", []
    for i, token in enumerate(tokens):
        piece = token[2:] if token.startswith("##") else " " + token
        text += piece
        owner += [i] * len(piece)
    pattern = r"\s+".join(re.escape(word) for word in phrase.split())
    spans = []
    for match in re.finditer(pattern, text, re.IGNORECASE):
        first, end = owner[match.start()], owner[match.end() - 1] + 1
        if spans and first < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([first, end])
    return spans


def write(window, text):
    window.xdotool("type", "--delay", 5, text)


@pytest.mark.parametrize("phrase", ["the", "wabe", "brillig", "a", "jabberwock, my son", "mome raths outgrabe", "zebra"])
def test_the_same_places_as_python(program, demo, phrase):
    expected = places(token_texts(demo), phrase)
    program.ok(demo, "--exec", f"find {phrase}; state state.json")
    found = json.loads((program.cwd / "state.json").read_text())["find"]
    assert found["query"] == phrase and found["count"] == len(expected)
    if not expected:
        assert found["current"] == 0 and found["tokens"] is None
        return
    steps = "; ".join(f"find-next; state {n}.json" for n in range(len(expected)))
    program.ok(demo, "--exec", f"find {phrase}; find-previous; {steps}")
    went = [json.loads((program.cwd / f"{n}.json").read_text())["find"] for n in range(len(expected))]
    assert [state["tokens"] for state in went] == expected
    assert [state["current"] for state in went] == list(range(1, len(expected) + 1))


def test_typing_finds_and_keys_go_on(window, demo):
    expected = places(token_texts(demo), "the")
    before = window.settled()
    window.key("slash")
    window.wait(lambda s: s["find"] and s["find"]["open"])
    write(window, "the")
    first = window.wait(lambda s: s["find"]["query"] == "the" and not s["find"]["searching"])
    assert first["find"]["count"] == len(expected) and first["find"]["tokens"] == expected[0]
    assert first["cursor"]["query"] == first["cursor"]["key"] == expected[0][0]
    assert first["camera"] == pytest.approx(before["camera"])  # all of it is on screen: nothing moves
    window.key("Return", "F3", "Down")
    window.wait(lambda s: s["find"]["current"] == 4 and s["find"]["tokens"] == expected[3])
    window.key("Up", "shift+F3")
    window.wait(lambda s: s["find"]["current"] == 2)
    window.key("Escape")
    window.wait(lambda s: not s["find"]["open"])
    window.key("F3")
    window.wait(lambda s: s["find"]["current"] == 3)
    window.key("shift+F3", "shift+F3", "shift+F3")  # around the corner
    window.wait(lambda s: s["find"]["current"] == len(expected))
    window.key("Escape")
    assert window.wait(lambda s: s["find"] is None)["view"] == "matrix"


def test_places_are_marked_along_both_axes(window, demo):
    window.settled()
    window.point(0.45, 0.02)
    window.wait(lambda s: s["cursor"] is None)
    window.settled()
    bare = window.pixels().astype(int)
    window.key("ctrl+f")
    write(window, "the")
    window.wait(lambda s: s["find"] and s["find"]["query"] == "the" and not s["find"]["searching"])
    window.key("Escape", "x")  # no crosshair: only marks differ
    window.wait(lambda s: not s["find"]["open"] and (s["cursor"] is None or not s["cursor"]["locked"]))
    state = window.settled()
    marked = window.pixels().astype(int)
    (left, top), (width, height) = state["origin"], state["cell"]
    changed = (np.abs(marked - bare) > 40).any(axis=-1)
    for first, end in places(token_texts(demo), "the"):
        middle = (first + end) / 2
        assert changed[int(top + middle * height), int(left) - 5:int(left)].any(), first
        assert changed[int(top) - 5:int(top), int(left + middle * width)].any(), first
    none = places(token_texts(demo), "the")[0][1] + 2  # a token that is not marked
    assert not changed[int(top + (none + 0.5) * height), int(left) - 5:int(left)].any()


def test_the_camera_moves_only_as_far_as_needed(window, demo):
    places_of_the = places(token_texts(demo), "the")
    window.key("ctrl+p")
    write(window, "rect 0:30,0:30")
    window.key("Return")
    window.wait(lambda s: s["palette"] is None and not s["camera"]["fitted"])
    before = window.settled()
    size = before["camera"]["q1"] - before["camera"]["q0"]
    window.key("slash")
    write(window, "the")
    inside = window.wait(lambda s: s["find"] and s["find"]["query"] == "the" and not s["find"]["searching"])
    assert places_of_the[0][1] < 28 and inside["camera"] == pytest.approx(before["camera"])
    beyond = next(n for n, span in enumerate(places_of_the) if span[0] > 40)
    window.key(*["F3"] * beyond)
    moved = window.wait(lambda s: s["find"]["current"] == beyond + 1)["camera"]
    first, end = places_of_the[beyond]
    assert moved["q0"] < first and end < moved["q1"] and moved["k0"] < first and end < moved["k1"]
    assert moved["q1"] - moved["q0"] == pytest.approx(size) and end + 4 > moved["q1"]  # at the near edge
    window.key("Escape", "BackSpace")
    window.wait(lambda s: s["camera"]["q0"] < first - 30)


def test_a_phrase_that_is_not_there_says_so(window):
    window.key("slash")
    write(window, "zebra")
    state = window.wait(lambda s: s["find"] and s["find"]["query"] == "zebra" and not s["find"]["searching"])
    assert state["find"]["count"] == 0 and not (state["cursor"] and state["cursor"]["locked"])
    window.key("BackSpace", "BackSpace", "BackSpace", "BackSpace", "BackSpace")
    window.wait(lambda s: s["find"]["query"] == "")
    window.key("Escape")
    window.wait(lambda s: s["find"] is None)


def test_the_copied_command_line_draws_the_same_picture(program, demo):
    """Marks, crosshair, camera and theme included."""
    program.ok(demo, "--size", "900x640", "--theme", "light", "--exec",
               "find the; find-next; find-next; zoom 5.3; pan 33,-21; cmap magma; screenshot view a.png")
    from PIL import Image
    line = Image.open(program.cwd / "a.png").text["attnscope.command"]
    words = shlex.split(line)
    assert "--find" in words and "--cursor" in words and words[words.index("--theme") + 1] == "light"
    a = np.asarray(Image.open(program.cwd / "a.png"))
    program.ok("render", *words[1:], "--size", f"{a.shape[1]}x{a.shape[0]}", "-o", "c.png")
    np.testing.assert_array_equal(a, np.asarray(Image.open(program.cwd / "c.png")))
    program.ok("render", "--from", "a.png", "--size", f"{a.shape[1]}x{a.shape[0]}", "-o", "b.png")
    np.testing.assert_array_equal(a, np.asarray(Image.open(program.cwd / "b.png")))
    without = [w for i, w in enumerate(words) if w not in ("--find",) and words[i - 1] != "--find"]
    program.ok("render", *without[1:], "--size", f"{a.shape[1]}x{a.shape[0]}", "-o", "d.png")
    assert (a != np.asarray(Image.open(program.cwd / "d.png"))).any()


def test_what_ctrl_shift_c_copies_draws_the_window(program, display, demo):
    """Search, theme and scale; the line is in the clipboard and in the message."""
    window = Window(program, display, demo, "--size", "900x640", "--scale", "1.25", "--theme", "light")
    try:
        window.settled()
        for line in ("find wabe", "zoom 6", "pan -40,-40"):
            window.key("ctrl+p")
            write(window, line)
            window.key("Return")
            window.wait(lambda s: s["palette"] is None)
        window.key("F3")
        window.wait(lambda s: s["find"] and s["find"]["current"] == 2)
        window.point(0.5, 0.02)
        state = window.settled()
        window.key("ctrl+shift+c")
        message = window.wait(lambda s: s["message"].startswith("copied: "))["message"]
        words = shlex.split(message[len("copied: "):])
        for option, value in (("--find", "wabe"), ("--theme", "light"), ("--scale", "1.25")):
            assert words[words.index(option) + 1] == value
        assert "--camera" in words and "--cursor" in words
        # 720 x 512 points at this scale are the pixels of the window.
        program.ok("render", *words[1:], "--size", "720x512", "--window", "-o", "copied.png")
        from PIL import Image
        drawn = np.asarray(Image.open(program.cwd / "copied.png").convert("RGB")).astype(int)
        shown = window.pixels().astype(int)
        assert drawn.shape == shown.shape
        left, top, width, height = (int(value) for value in state["plot"])
        # Labels, marks, crosshair and cells; what is said at the foot is not of the view.
        part = slice(top - 20, top + height - 120), slice(left - 60, left + width - 20)
        assert (np.abs(drawn[part] - shown[part]).max(axis=-1) <= 2).mean() > 0.999
    finally:
        window.close()


def test_131072_tokens(program):
    count = 131072
    rng = np.random.default_rng(3)
    words = [" " + word for word in ("alpha", "beta", "gamma", "delta", "needle")]
    tokens = [words[i] for i in rng.choice(5, count, p=[.3, .3, .2, .1999, .0001])]
    q = rng.normal(size=(1, count, 1, 4)).astype("<f2")
    path = program.cwd / "long.safetensors"
    path.write_bytes(safetensors_bytes({"blocks.0.attn.hook_q": q, "blocks.0.attn.hook_k": q},
                                       {"tokens": json.dumps(tokens)}))
    wanted = [i for i, token in enumerate(tokens) if token == " needle"]
    assert len(wanted) > 2
    program.ok(path, "--exec", "rect 0:50,0:50; find needle; find-next; state state.json; find gamma; state all.json")
    state = json.loads((program.cwd / "state.json").read_text())
    assert state["find"]["count"] == len(wanted) and state["find"]["tokens"] == [wanted[1], wanted[1] + 1]
    assert state["camera"]["q0"] <= wanted[1] < state["camera"]["q1"]
    assert json.loads((program.cwd / "all.json").read_text())["find"]["count"] == tokens.count(" gamma")


def test_a_capture_without_texts_says_so(program):
    np.save(program.cwd / "layer0.npy", np.full((2, 8, 8), 1 / 8, "f4"))
    assert "no token texts" in program.run("layer0.npy", "--exec", "find x").stderr.decode()

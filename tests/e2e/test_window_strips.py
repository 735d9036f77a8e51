"""Probabilities of tokens in a real window, with real keys and a real mouse."""
import json

import pytest

import answers
from desktop import Window

COUNT = 2000


@pytest.fixture
def window(program, display):
    tokens = [" word" if n % 11 < 10 else ".\n" for n in range(COUNT)]
    path = program.cwd / "answer.json"
    path.write_text(json.dumps(answers.chat(tokens, [0.1 + 0.8 * (n % 7) / 7 for n in range(COUNT)], choices=2)))
    window = Window(program, display, path)
    yield window
    window.close()


def text_is(window, **wanted):
    return window.wait(lambda state: state["text"] and all(state["text"][key] == value for key, value in wanted.items()), wanted)


def test_keys_move_from_token_to_token(window):
    state = window.settled()
    assert (state["view"], state["text"]["items"], state["text"]["tokens"], state["text"]["token"]) == ("probabilities", 2, COUNT, None)
    window.key("Right")
    text_is(window, token=0, locked=True)
    window.key("Right", "Right", "Left")
    text_is(window, token=1)
    window.key("Down")
    text_is(window, token=12)  # ten words to a line, and the break
    window.key("Up")
    text_is(window, token=1)
    window.key("End")
    text = text_is(window, token=COUNT - 1)["text"]
    assert text["shown"][1] == COUNT and text["line"] > 0
    window.key("Home")
    assert text_is(window, token=0)["text"]["line"] == 0
    window.key("Escape")
    text_is(window, token=None, locked=False)


def test_items_and_sizes(window):
    window.settled()
    window.key("Next")
    assert text_is(window, item=1)["text"]["tokens"] == COUNT - 1
    window.key("Next")
    text_is(window, item=1)
    window.key("Prior")
    text_is(window, item=0)
    window.key("plus")
    larger = window.wait(lambda state: state["text"]["size"] > 15)["text"]
    window.key("minus", "minus")
    smaller = window.wait(lambda state: state["text"]["size"] < 15)["text"]
    assert smaller["shown"][1] > larger["shown"][1]
    window.key("f")
    text_is(window, size=15)


def test_the_mouse(window):
    window.settled()
    window.key("Right")
    x, y, w, h = text_is(window, token=0)["text"]["rect"]
    window.key("Escape")
    text_is(window, token=None)
    window.xdotool("mousemove", window.x + int(x + w / 2), window.y + int(y + h / 2))
    text_is(window, token=0, locked=False)
    window.xdotool("mousemove", window.x + int(x + w + 4), window.y + int(y + h / 2))
    text_is(window, token=1)
    window.xdotool("click", 1)
    text_is(window, token=1, locked=True)
    window.point(0.3, 0.5)
    text_is(window, token=1)  # locked
    window.wheel(-2)
    assert window.wait(lambda state: state["text"]["line"] == 6)["text"]["token"] == 1
    window.wheel(1)
    text_is(window, line=3)
    window.key("Escape")
    # The profile below: a click goes to that part of the text.
    px, py, pw, ph = window.settled()["text"]["profile"]
    window.xdotool("mousemove", window.x + int(px + pw / 2), window.y + int(py + ph / 2))
    window.xdotool("click", 1)
    text = window.wait(lambda state: state["text"]["token"] is not None and state["text"]["token"] > 900)["text"]
    assert abs(text["token"] - COUNT / 2) < 10 and text["shown"][0] <= text["token"] < text["shown"][1]


def test_keys_find(window):
    window.settled()
    window.key("slash", "r", "d", "period")  # ". " and the break are one token
    window.wait(lambda state: state["find"] and state["find"]["query"] == "rd." and state["text"]["token"] == 9)
    window.key("Return")
    text_is(window, token=20)
    window.key("Escape", "F3")
    text_is(window, token=31)


def test_what_is_for_patterns_says_so(window):
    window.settled()
    window.key("m")
    window.wait(lambda state: "patterns of attention" in state["message"])
    window.key("g")
    assert window.wait(lambda state: "has none" in state["message"])["view"] == "probabilities"
    window.key("c", "t")
    state = window.wait(lambda state: state["cmap"] == "magma" and state["transform"] == "log")
    assert state["range"] == [0, 1]


def test_reading_the_file_again(window):
    """At the same place; and what has become of it meanwhile decides the view."""
    path = window.program.cwd / "answer.json"
    before = path.read_text()
    window.settled()
    window.key("Right", "Right", "plus")
    window.wait(lambda state: state["text"]["token"] == 1 and state["text"]["size"] > 15)
    window.key("F5")
    state = window.wait(lambda state: "again" in state["message"])
    assert (state["text"]["token"], state["text"]["size"] > 15) == (1, True)
    path.write_text(json.dumps({"attention": [[1, 0], [0.5, 0.5]]}))
    window.key("F5")
    assert window.wait(lambda state: state["view"] == "matrix")["tokens_q"] == 2
    path.write_text(before)
    window.key("F5")
    assert window.wait(lambda state: state["view"] == "probabilities")["text"]["tokens"] == COUNT
    window.key("Left")
    text_is(window, token=0)  # from where it was

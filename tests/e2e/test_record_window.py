"""Recording in a real window: F9, Shift+F9, questions, tours; decoded again and compared with the screen."""
import signal
import time

import numpy as np
import pytest

from desktop import Window
from recorded import frames, left_behind, need_ffmpeg, probe
from support import random_patterns

WAIT_S = 60


@pytest.fixture(autouse=True, scope="module")
def ffmpeg():
    need_ffmpeg()


@pytest.fixture
def capture(program):
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(2, 80, 80, seed=layer + 1, causal=True, sharpness=1 + layer) for layer in range(3)})
    return path


@pytest.fixture
def window(program, display, capture):
    window = Window(program, display, capture, "--size", "960x600")
    window.settled()
    yield window
    window.close()


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not come within {WAIT_S} s")


def movie(window, pattern="*.mp4"):
    """The file that a recording has completed."""
    found = wait_for(lambda: list(window.program.cwd.glob(pattern)), pattern)
    assert len(found) == 1 and left_behind(window.program.cwd) == []
    return found[0]


def run(window, command):
    """By way of the prompt."""
    window.key("ctrl+p")
    window.xdotool("type", "--delay", 5, command)
    window.key("Return")


def recording(window):
    """Waits until a file grows: the recording is on."""
    wait_for(lambda: list(window.program.cwd.glob("*.part")), "a recording")


def same(a, b):
    """Mean difference of two pictures where only movies' colours tell them apart."""
    return np.abs(a.astype(int) - b.astype(int)).mean()


def test_f9_records_what_the_window_shows(window):
    window.key("F9")
    recording(window)
    window.settled()
    first = window.pixels()
    window.key("Down", "Down")
    window.wait(lambda s: s["layer"] == 2)
    window.settled()
    last = window.pixels()
    began = time.monotonic()
    time.sleep(1)
    window.key("F9")
    path = movie(window)
    assert path.name.startswith("capture-recording-")
    found = probe(path)
    assert (found["size"], found["rate"], found["codec"]) == ((960, 600), "60/1", "h264")
    assert found["frames"] == pytest.approx(found["duration"] * 60, abs=1)
    assert 1 <= found["duration"] <= time.monotonic() - began + WAIT_S
    recorded = frames(path)
    # The red dot is on the screen alone; the message about saving came later.
    red = lambda image: ((image[..., 0].astype(int) > 200) & (image[..., 1] < 90) & (image[..., 2] < 100)).sum()
    assert red(first) > 300 and red(last) > 300
    assert red(recorded[0]) < 20 and red(recorded[-1]) < 20
    area = (slice(150, 560), slice(180, 700))  # of the matrix, away from the dot
    assert same(recorded[5][area], first[area]) < 8 < same(recorded[5][area], last[area])
    assert same(recorded[-1][area], last[area]) < 8 < same(recorded[-1][area], first[area])


def test_time_passes_at_a_constant_rate_though_nothing_is_drawn(window):
    """A window at rest draws nothing: its frame is repeated, and the movie is as long as the recording was."""
    window.key("F9")
    recording(window)
    began = time.monotonic()
    time.sleep(3)
    window.key("F9")
    path = movie(window)
    assert 3 <= probe(path)["duration"] <= time.monotonic() - began + 2


@pytest.mark.parametrize("name, codec", [("live.webm", "vp9"), ("live.gif", "gif")])
def test_other_formats_and_a_rate_of_one_s_own(window, name, codec):
    run(window, f"record fps=20 {name}")
    recording(window)
    window.key("Down")
    time.sleep(1)
    window.key("F9")
    found = probe(movie(window, name))
    assert (found["codec"], found["rate"]) == (codec, "20/1") and found["duration"] >= 1


def test_without_panels(window):
    view = window.state["plot"]
    run(window, "record view view.mp4")
    recording(window)
    time.sleep(0.5)
    window.key("F9")
    width, height = probe(movie(window, "view.mp4"))["size"]
    assert view[2] <= width < 960 and view[3] <= height < 600
    image = frames(window.program.cwd / "view.mp4")[-1]
    screen = window.pixels()
    assert same(image[100:300, 100:300], screen[40 + 100:40 + 300, 176 + 100:176 + 300]) < 8


def test_the_size_stays_when_the_window_changes(window):
    window.key("F9")
    recording(window)
    window.xdotool("windowsize", "--sync", window.id, 700, 600)
    window.settled()
    time.sleep(0.7)
    window.key("F9")
    path = movie(window)
    assert probe(path)["size"] == (960, 600)
    last = frames(path)[-1].astype(int)
    # 700 x 600 fits as it is, between bars of (960 - 700) / 2.
    assert np.abs(last[:, :128] - last[0, 0]).max() <= 3 and np.abs(last[:, 832:] - last[0, 0]).max() <= 3
    assert (np.abs(last[:, 132:828] - last[0, 0]) > 40).any()


def test_a_second_recording_of_the_same_name_is_asked_about(window):
    target = window.program.cwd / "live.mp4"
    target.write_text("precious")
    run(window, "record live.mp4")
    window.settled()
    window.key("Escape")
    window.settled()
    assert target.read_text() == "precious" and left_behind(window.program.cwd) == []
    run(window, "record live.mp4")
    window.settled()
    window.key("Return")
    recording(window)
    time.sleep(0.5)
    window.key("F9")
    wait_for(lambda: target.read_bytes()[:8] != b"precious", "the new recording")
    assert probe(target)["frames"] > 0


def test_quitting_while_recording_is_asked_about(window):
    window.key("F9")
    recording(window)
    window.key("q")
    time.sleep(0.5)
    assert window.process.poll() is None
    window.key("Escape")
    time.sleep(0.5)
    assert window.process.poll() is None
    window.key("q")
    time.sleep(0.3)
    window.key("Return")
    assert window.process.wait(WAIT_S) == 0
    assert probe(movie(window))["frames"] > 0
    assert "saved capture-recording" in (window.program.cwd / "window.log").read_text()


def test_ctrl_c_in_the_terminal_saves(window):
    window.key("F9")
    recording(window)
    time.sleep(1)
    window.process.send_signal(signal.SIGINT)
    assert window.process.wait(WAIT_S) == 0
    assert probe(movie(window))["duration"] >= 0.9


def test_a_folder_that_cannot_be_written(window):
    """The sentence stands in the prompt, which stays open; the next recording works."""
    before = window.settled()
    run(window, "record /proc/x.mp4")
    window.wait(lambda s: s["frames"] > before["frames"])
    window.key("Escape", "F9")
    recording(window)
    window.key("F9")
    assert probe(movie(window))["frames"] > 0


def test_shift_f9_sweeps_all_layers(window):
    window.key("Down")
    before = window.settled()
    window.key("shift+F9")
    path = movie(window, "capture-layers-*.mp4")
    assert probe(path)["frames"] == 3 * 24 and probe(path)["size"] == (960, 600)
    after = window.wait(lambda s: "saved" in s["message"])
    assert (after["layer"], after["range"], after["camera"]) == (before["layer"], before["range"], before["camera"])
    stops = frames(path)[[12, 36, 60]]
    assert same(stops[0], stops[1]) > 1 and same(stops[1], stops[2]) > 1


def test_escape_cancels_a_sweep(window):
    run(window, "sweep tokens hold=30 long.mp4")
    recording(window)
    window.key("Escape")
    window.wait(lambda s: "cancelled" in s["message"])
    assert not list(window.program.cwd.glob("long*"))


def test_a_tour_is_noted_and_played_again(program, window, capture):
    run(window, "tour-record tour.txt")
    window.key("Down", "Right")
    window.wait(lambda s: s["layer"] == 1 and s["heads"] == "0")
    window.point(0.45, 0.5)
    window.wheel(6)
    state = window.settled()
    window.key("c")
    window.settled()
    run(window, "tour-record")
    path = wait_for(lambda: list(program.cwd.glob("tour.txt")), "the tour")[0]
    text = path.read_text()
    assert "layer 1" in text and "head +1" in text and "linear camera" in text and "cmap next" in text
    window.key("Home", "m", "f")
    window.wait(lambda s: s["layer"] == 0 and s["heads"] == "mean" and s["camera"]["fitted"])
    run(window, f"tour {path}")
    played = window.wait(lambda s: "the tour has ended" in s["message"])
    assert (played["layer"], played["heads"], played["cmap"]) == (1, "0", "magma")
    for edge in ("q0", "q1", "k0", "k1"):
        assert played["camera"][edge] == pytest.approx(state["camera"][edge], abs=0.6)
    window.close()
    report = program.json("record", capture, "--sweep", "tour.txt", "--size", "640x480", "--fps", "5", "-o", "tour.mp4")
    assert report["stops"][-1]["layer"] == 1 and report["stops"][-1]["heads"] == "0"
    assert probe(program.cwd / "tour.mp4")["frames"] == report["frames"]

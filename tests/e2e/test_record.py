"""`record`: sweeps and tours, decoded again and compared with pictures of the same view; and everything that can go wrong."""
import json
import os
import shutil
import signal
import stat
import subprocess
import time

import numpy as np
import pytest

from recorded import animation, frames, left_behind, need_ffmpeg, picture, pictures, probe
import torch_files
from support import BINARY, random_patterns

LAYERS, HEADS, TOKENS = (0, 1, 4), 3, 60  # layer numbers with a gap
SIZE = "320x240"
BRIEF = ("--size", SIZE, "--fps", "10", "--hold", "0.3")
WAIT_S = 60


@pytest.fixture
def capture(program):
    """Layers of different sharpness, so that their automatic ranges differ."""
    path = program.cwd / "capture.npz"
    np.savez(path, **{f"attentions.{layer}": random_patterns(HEADS, TOKENS, TOKENS, seed=layer + 1, sharpness=1.0 + layer)
                      for layer in LAYERS})
    return path


def render(program, *arguments):
    program.ok("render", *arguments, "-o", "still.png")
    return picture(program.cwd / "still.png")


def text_range(report):
    return "{:.9g}:{:.9g}".format(*report["range"])


# ---- what is recorded -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, codec", [("out.mp4", "h264"), ("out.webm", "vp9"), ("out.gif", "gif")])
def test_a_sweep_of_layers_has_the_frames_rate_and_duration_that_were_asked_for(program, capture, name, codec):
    need_ffmpeg()
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "-o", name)
    found = probe(program.cwd / name)
    assert (found["codec"], found["size"], found["frames"], found["rate"]) == (codec, (320, 240), 9, "10/1")
    assert found["duration"] == pytest.approx(0.9, abs=0.011)  # GIF counts in hundredths
    assert found["start"] == 0
    assert (report["file"], report["frames"], report["planned"], report["fps"]) == (name, 9, 9, 10)
    assert [(stop["frame"], stop["frames"], stop["layer"]) for stop in report["stops"]] == [(0, 3, 0), (3, 3, 1), (6, 3, 4)]
    assert left_behind(program.cwd) == []


def test_an_animated_webp(program, capture):
    need_ffmpeg()
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.webp")
    found, loop = animation(program.cwd / "out.webp")
    assert sum(milliseconds for _, milliseconds in found) == 900
    assert found[0][0].shape == (240, 320, 3) and loop == 0
    assert left_behind(program.cwd) == []


def test_pictures_are_those_that_render_draws(program, capture):
    """Pixel by pixel: the same code draws both."""
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "--no-caption", "-o", "frames/")
    recorded = pictures(program.cwd / "frames")
    assert len(recorded) == 9
    for stop in report["stops"]:
        still = render(program, capture, "--layer", stop["layer"], "--range", text_range(report), "--size", SIZE)
        for frame in range(stop["frame"], stop["frame"] + stop["frames"]):
            np.testing.assert_array_equal(recorded[frame], still)
    assert sorted(path.name for path in (program.cwd / "frames").iterdir()) == [f"frame-{n:05d}.png" for n in range(9)]


def luma(image):
    """BT.709. Movies keep it for every pixel, and the hue for every fourth."""
    return image.astype(float) @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif"])
def test_movies_show_what_render_draws(program, capture, name):
    need_ffmpeg()
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "--no-caption", "-o", name)
    recorded = luma(frames(program.cwd / name))
    stills = [luma(render(program, capture, "--layer", stop["layer"], "--range", text_range(report), "--size", SIZE))
              for stop in report["stops"]]
    for index, stop in enumerate(report["stops"]):
        for frame in range(stop["frame"], stop["frame"] + stop["frames"]):
            difference = [np.abs(recorded[frame] - still).mean() for still in stills]
            assert difference[index] < 2.5 and np.argmin(difference) == index, (frame, difference)
            assert abs((recorded[frame] - stills[index]).mean()) < 1  # neither washed out nor darker


def test_one_range_of_colours_for_all_layers(program, capture):
    ranges = []
    for layer in LAYERS:
        state = json.loads(program.ok(capture, "--layer", layer, "--exec", "wait exact; state"))
        ranges.append(state["range"][1])
    assert len(set(ranges)) == 3
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "-o", "one/")
    assert report["range"] == pytest.approx([0, max(ranges)], rel=1e-6)
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "--own-range", "--no-caption", "-o", "own/")
    assert report["range"] is None
    for index, layer in enumerate(LAYERS):
        np.testing.assert_array_equal(pictures(program.cwd / "own")[3 * index], render(program, capture, "--layer", layer, "--size", SIZE))
    report = program.json("record", capture, "--sweep", "layers", *BRIEF, "--range", "0:0.5", "--no-caption", "-o", "given/")
    assert report["range"] is None
    np.testing.assert_array_equal(pictures(program.cwd / "given")[8],
                                  render(program, capture, "--layer", 4, "--range", "0:0.5", "--size", SIZE))


def test_differences_have_a_range_about_zero(program, capture):
    report = program.json("record", capture, "--sweep", "layers", "--head", "diff:0,2", *BRIEF, "--no-caption", "-o", "frames/")
    assert report["range"][0] == -report["range"][1] < 0
    np.testing.assert_array_equal(
        pictures(program.cwd / "frames")[0],
        render(program, capture, "--layer", 0, "--head", "diff:0,2", "--range", text_range(report), "--size", SIZE))


def test_the_view_of_a_picture(program, capture):
    program.ok("render", capture, "--layer", 1, "--head", "max:0,1", "--cmap", "magma", "--size", SIZE, "-o", "view.png")
    program.ok("record", "--from", "view.png", "--sweep", "layers", *BRIEF, "--range", "0:0.3", "--no-caption", "-o", "frames/")
    np.testing.assert_array_equal(pictures(program.cwd / "frames")[0],
                                  render(program, capture, "--layer", 0, "--head", "max:0,1", "--cmap", "magma", "--range", "0:0.3", "--size", SIZE))


def test_the_caption_leaves_the_picture_alone_and_changes_with_the_stop(program, capture):
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "frames/")
    first, second = (pictures(program.cwd / "frames")[n] for n in (0, 3))
    strip = slice(240 - 48, 240)
    assert (first[strip] != first[0, 0]).any() and (first[strip] != second[strip]).any()


def test_fades_mix_finished_pictures_and_loop_comes_back(program, capture):
    common = ("--bare", "--size", "64x64", "--fps", "10", "--hold", "0.2", "--fade", "0.3", "--range", "0:0.2")
    plain = program.json("record", capture, "--sweep", "layers", *common, "-o", "plain/")
    assert plain["frames"] == 3 * 2 + 2 * 3
    looped = program.json("record", capture, "--sweep", "layers", *common, "--loop", "-o", "looped/")
    assert looped["frames"] == 3 * 2 + 3 * 3
    recorded = [image.astype(float) for image in pictures(program.cwd / "looped")]
    stops = [recorded[0], recorded[5], recorded[10]]
    for stop, at in ((0, 2), (1, 7), (2, 12)):
        for step in range(3):
            t = (step + 1) / 4
            weight = t * t * (3 - 2 * t)
            wanted = stops[stop] * (1 - weight) + stops[(stop + 1) % 3] * weight
            assert np.abs(recorded[at + step] - wanted).max() <= 1.5
    np.testing.assert_array_equal(pictures(program.cwd / "plain"), pictures(program.cwd / "looped")[:12])


def test_speed_makes_stops_shorter(program, capture):
    report = program.json("record", capture, "--sweep", "layers", "--size", "64x64", "--fps", "30", "--hold", "1", "--speed", "5", "-o", "frames/")
    assert [stop["frames"] for stop in report["stops"]] == [6, 6, 6]


def test_heads(program, capture):
    report = program.json("record", capture, "--sweep", "heads", "--layer", 1, *BRIEF, "--no-caption", "-o", "frames/")
    assert [stop["heads"] for stop in report["stops"]] == ["0", "1", "2"]
    for stop in report["stops"]:
        np.testing.assert_array_equal(
            pictures(program.cwd / "frames")[stop["frame"]],
            render(program, capture, "--layer", 1, "--head", stop["heads"], "--range", text_range(report), "--size", SIZE))


def test_query_rows_from_first_to_last(program, capture):
    weights = np.load(capture)["attentions.1"].mean(0)
    report = program.json("record", capture, "--sweep", "tokens", "--layer", 1, "--size", SIZE, "--fps", "10", "--hold", "0.1",
                          "--no-caption", "-o", "frames/")
    assert [stop["query"] for stop in report["stops"]] == list(range(TOKENS))
    recorded = pictures(program.cwd / "frames")
    for query in (0, 17, TOKENS - 1):
        key = int(np.argmax(weights[query]))
        np.testing.assert_array_equal(recorded[query], render(program, capture, "--layer", 1, "--range", text_range(report), "--size",
                                                              SIZE, "--exec", f"cursor {query},{key}"))
    part = program.json("record", capture, "--sweep", "tokens", "--rect", "10:20,0:40", *BRIEF, "-o", "part/")
    assert [stop["query"] for stop in part["stops"]] == list(range(10, 20))


def test_the_steps_of_generate(program):
    full = random_patterns(2, 1, HEADS, 12, 12, seed=5, causal=True)
    (program.cwd / "x.pt").write_bytes(torch_files.dumps(torch_files.generated(full, 7)))
    report = program.json("record", "x.pt", "--sweep", "steps", *BRIEF, "--no-caption", "-o", "frames/")
    assert [stop["step"] for stop in report["stops"]] == list(range(6))
    recorded = pictures(program.cwd / "frames")
    for stop in report["stops"]:
        np.testing.assert_array_equal(recorded[stop["frame"]], render(program, "x.pt", "--step", stop["step"], "--range",
                                                                      text_range(report), "--size", SIZE))
    assert (recorded[report["stops"][0]["frame"]] != recorded[report["stops"][5]["frame"]]).any()


def test_one_step_is_nothing_to_go_through(program, capture):
    assert "one step" in program.refused("record", capture, "--sweep", "steps", *BRIEF, "-o", "frames/")
    assert not (program.cwd / "frames").exists()


def test_the_grid_has_nothing_to_go_through(program, capture):
    for kind in ("layers", "heads", "tokens"):
        assert "at once" in program.refused("record", capture, "--view", "grid", "--sweep", kind, *BRIEF, "-o", "frames/")
    (program.cwd / "tour.txt").write_text("0 view grid\n0.2 view matrix\n0.3 end\n")
    program.ok("record", capture, "--sweep", "tour.txt", *BRIEF, "--no-caption", "-o", "frames/")
    recorded = pictures(program.cwd / "frames")
    np.testing.assert_array_equal(recorded[0], recorded[1])
    assert (recorded[1] != recorded[2]).any()


def test_panels_and_light_theme(program, capture):
    report = program.json("record", capture, "--sweep", "layers", "--window", "--theme", "light", "--size", "900x600", "--fps", "10",
                          "--hold", "0.1", "--no-caption", "-o", "frames/")
    np.testing.assert_array_equal(
        pictures(program.cwd / "frames")[1],
        render(program, capture, "--window", "--theme", "light", "--size", "900x600", "--layer", 1, "--range", text_range(report)))


def test_the_same_sweep_twice_is_the_same_file(program, capture):
    need_ffmpeg()
    for name in ("a.mp4", "b.mp4"):
        program.ok("record", capture, "--sweep", "layers", *BRIEF, "--fade", "0.2", "-o", name)
    assert (program.cwd / "a.mp4").read_bytes() == (program.cwd / "b.mp4").read_bytes()


def test_a_movie_says_how_to_get_its_view(program, capture):
    need_ffmpeg()
    program.ok("record", capture, "--sweep", "layers", "--head", "1", *BRIEF, "-o", "out.mp4")
    comment = probe(program.cwd / "out.mp4")["tags"]["comment"]
    assert "capture.npz" in comment and "--head 1" in comment


@pytest.mark.parametrize("name, size", [("out.mp4", (322, 242)), ("out.webm", (321, 241)), ("out.gif", (321, 241))])
def test_odd_sizes(program, capture, name, size):
    need_ffmpeg()
    result = program.run("record", capture, "--sweep", "layers", "--size", "321x241", "--fps", "10", "--hold", "0.3", "-o", name)
    assert result.returncode == 0
    assert probe(program.cwd / name)["size"] == size
    assert ("321 x 241 was padded to 322 x 242" in result.stderr.decode()) == (name == "out.mp4")


def test_names_that_look_like_something_else(program, capture):
    need_ffmpeg()
    for name in ("a:b.mp4", "100%d.mp4", "sp ace.mp4", "ümlaut.gif", "sub.dir/x.MP4"):
        (program.cwd / name).parent.mkdir(exist_ok=True)
        program.ok("record", capture, "--sweep", "layers", *BRIEF, f"--output={name}")
        assert probe(program.cwd / name)["frames"] == 9
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "x-%03d.png")
    assert len(list(program.cwd.glob("x-???.png"))) == 9
    assert left_behind(program.cwd) == []


# ---- tours ----------------------------------------------------------------------------------------------------------------

TOUR = """# a comment
0         layer 0; heads 1
0.2..0.6  linear camera 10:20,10:20
0.8       layer 4
0.9       heads mean
1         end
"""


def test_a_tour_runs_its_commands_at_their_times(program, capture):
    (program.cwd / "tour.txt").write_text(TOUR)
    report = program.json("record", capture, "--sweep", "tour.txt", "--size", SIZE, "--fps", "10", "--no-caption", "-o", "frames/")
    assert [(stop["layer"], stop["heads"]) for stop in report["stops"]] == [(0, "1")] * 8 + [(4, "1"), (4, "mean")]
    recorded = pictures(program.cwd / "frames")
    common = ("--range", text_range(report), "--size", SIZE)
    np.testing.assert_array_equal(recorded[0], recorded[2])
    assert (recorded[2] != recorded[3]).any() and (recorded[5] != recorded[6]).any()
    np.testing.assert_array_equal(recorded[0], render(program, capture, "--layer", 0, "--head", 1, *common))
    np.testing.assert_array_equal(recorded[6], render(program, capture, "--layer", 0, "--head", 1, *common, "--exec", "camera 10:20,10:20"))
    np.testing.assert_array_equal(recorded[8], render(program, capture, "--layer", 4, "--head", 1, *common, "--exec", "camera 10:20,10:20"))
    np.testing.assert_array_equal(recorded[9], render(program, capture, "--layer", 4, *common, "--exec", "camera 10:20,10:20"))


def test_a_tour_s_range_and_layers_move(program, capture):
    (program.cwd / "tour.txt").write_text("0 range 0:0.1\n0..0.3 linear layer 4:0\n0..0.3 linear range 0:0.4\n")
    report = program.json("record", capture, "--sweep", "tour.txt", "--size", SIZE, "--fps", "10", "--no-caption", "-o", "frames/")
    assert report["range"] is None and [stop["layer"] for stop in report["stops"]] == [4, 1, 0]
    np.testing.assert_array_equal(pictures(program.cwd / "frames")[0], render(program, capture, "--layer", 4, "--range", "0:0.1", "--size", SIZE))


def test_a_tour_s_range_is_that_of_all_it_shows(program, capture):
    (program.cwd / "tour.txt").write_text("0 layer 0\n0.1 layer 4\n0.2 layer 1\n0.3 end\n")
    tour = program.json("record", capture, "--sweep", "tour.txt", *BRIEF, "-o", "a/")
    assert tour["range"] == program.json("record", capture, "--sweep", "layers", *BRIEF, "-o", "b/")["range"]


@pytest.mark.parametrize("text, says", [
    ("0 frobnicate\n1 end\n", "line 1: there is no command 'frobnicate'"),
    ("\n\n0 state /tmp/owned\n1 end\n", "line 3: a tour cannot run 'state'"),
    ("0 screenshot view x.png\n1 end\n", "cannot run 'screenshot'"),
    ("0 open /etc/passwd\n1 end\n", "cannot run 'open'"),
    ("0 layer 0; quit\n1 end\n", "cannot run 'quit'"),
    ("0 key s\n1 end\n", "cannot run 'key'"),
    ("0 ask open\n1 end\n", "cannot run 'ask'"),
    ("soon layer 1\n", "line 1: 'soon' is no time"),
    ("-1 layer 1\n", "'-1' is no time"),
    ("1..0 linear camera fit\n", "line 1: '0' is no time after 1"),
    ("0..1 linear camera 5:1,0:3\n", "a camera goes to"),
    ("0..1 linear camera\n", "what moves over time"),
    ("0..1 linear heads 3\n", "what moves over time"),
    ("0..1 ease layer 1e30:2\n", "layers go from A:B"),
    ("0..1 range 3:1\n", "a range goes to LO:HI"),
    ("5\n", "a time and no command"),
    ("# nothing\n", "takes no time"),
    ("0 layer 1\n", "takes no time"),
    ("0 layer 99\n1 end\n", "line 1: there is no layer 99"),
    ("0..1 linear layer 0:77\n", "line 1: there is no layer 77"),
    ("1 end " + "x" * 500 + "\n", "longer than"),
    ("1 end\x00\n", "this is no tour"),
    ("1e9 end\n", "is no time"),
    ("nan end\n", "is no time"),
])
def test_wrong_tours(program, capture, text, says):
    (program.cwd / "tour.txt").write_text(text)
    error = program.refused("record", capture, "--sweep", "tour.txt", *BRIEF, "-o", "frames/")
    assert says in error and "tour.txt" in error
    assert not (program.cwd / "frames").exists()


def test_a_huge_tour_is_read_in_time(program, capture):
    lines = [f"{(i * 7919) % 86400} layer 0" for i in range(90000)]
    (program.cwd / "tour.txt").write_text("\n".join(lines))
    assert "a million are allowed" in program.refused("record", capture, "--sweep", "tour.txt", "--fps", "30", "-o", "frames/", code=(1, 2))
    (program.cwd / "tour.txt").write_text("\n".join(lines + lines))
    assert "at most 100000 commands" in program.refused("record", capture, "--sweep", "tour.txt", *BRIEF, "-o", "frames/")


# ---- refusals ----------------------------------------------------------------------------------------------------------------

def test_wrong_usage(program, capture):
    def refused(*arguments):
        return program.refused("record", *arguments, code=1)
    assert "needs a file" in refused("--sweep", "layers", "-o", "x.mp4")
    assert "needs --sweep" in refused(capture, "-o", "x.mp4")
    assert "needs -o" in refused(capture, "--sweep", "layers")
    for name in ("x.avi", "x.mp4.txt", "x.png", "x-%d-%d.png", "x-%s.png", "x-%09999d.png"):
        assert "cannot record to" in refused(capture, "--sweep", "layers", "-o", name)
    assert "not 'everything'" in refused(capture, "--sweep", "everything", "-o", "x.mp4")
    for option, value in (("--fps", "0"), ("--fps", "1000"), ("--hold", "-1"), ("--fade", "nan"), ("--speed", "0")):
        assert option in refused(capture, "--sweep", "layers", option, value, "-o", "x.mp4")
    assert "at most 8192 pixels" in program.refused("record", capture, "--sweep", "layers", "--size", "16000x10", "-o", "x.mp4", code=(1, 2))
    assert list(program.cwd.glob("x*")) == []


def test_what_exists_is_kept_without_force(program, capture):
    need_ffmpeg()
    target = program.cwd / "out.mp4"
    target.write_text("precious")
    assert "exists already" in program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", code=1)
    assert target.read_text() == "precious"
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "--force", "-o", "out.mp4")
    assert probe(target)["frames"] == 9
    folder = program.cwd / "frames"
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "frames/")
    (folder / "notes.txt").write_text("mine")
    assert "already pictures" in program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "frames", code=1)
    program.ok("record", capture, "--sweep", "layers", "--size", SIZE, "--fps", "10", "--hold", "0.1", "--force", "-o", "frames")
    assert len(list(folder.glob("*.png"))) == 3  # those of the longer recording are gone
    assert (folder / "notes.txt").read_text() == "mine"


def test_what_a_killed_recording_left_is_not_overwritten(program, capture):
    need_ffmpeg()
    part = program.cwd / "out.mp4.part"
    part.write_text("a recording that was cut off")
    assert "out.mp4.part" in program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", code=1)
    assert part.read_text() == "a recording that was cut off"


def test_folders_that_cannot_be_written(program, capture):
    (program.cwd / "file").write_text("x")
    for name in ("missing/out.mp4", "file/out.mp4", "missing/deep/frames/", "/proc/out.mp4", "/proc/frames/"):
        error = program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", name)
        assert name.rstrip("/") in error
    (program.cwd / "taken.mp4").mkdir()
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "taken.mp4")  # a folder: pictures go into it
    assert len(pictures(program.cwd / "taken.mp4")) == 9


def test_a_wrong_capture_leaves_nothing(program):
    (program.cwd / "bad.npz").write_bytes(b"not a capture")
    program.refused("record", "bad.npz", "--sweep", "layers", "-o", "out.mp4")
    program.refused("record", "missing.npz", "--sweep", "layers", "-o", "out.mp4")
    assert not list(program.cwd.glob("out*"))


# ---- ffmpeg in trouble ---------------------------------------------------------------------------------------------------------

def script(program, text):
    """Something in the place of ffmpeg."""
    path = program.cwd / "fake-ffmpeg"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"ATTNSCOPE_FFMPEG": str(path)}


def test_without_ffmpeg_there_are_pictures_and_a_sentence(program, capture):
    result = program.run("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", environment={"ATTNSCOPE_FFMPEG": "/nonexistent/ffmpeg"})
    assert result.returncode == 3
    error = result.stderr.decode()
    assert "ffmpeg was not found" in error and "apt install ffmpeg" in error and "out-frames/" in error
    assert len(pictures(program.cwd / "out-frames")) == 9
    assert not (program.cwd / "out.mp4").exists() and left_behind(program.cwd) == []
    if shutil.which("ffmpeg"):  # the command that the sentence tells works
        command = error[error.index("ffmpeg -framerate"):].split()
        subprocess.run(command, cwd=program.cwd, check=True, capture_output=True, timeout=60)
        assert probe(program.cwd / "out.mp4")["frames"] == 9
    again = program.run("record", capture, "--sweep", "layers", *BRIEF, "-o", "movie.gif", environment={"PATH": "/nonexistent"})
    assert again.returncode == 3 and len(pictures(program.cwd / "movie-frames")) == 9


@pytest.mark.parametrize("text, says", [
    ("head -c 100000 > /dev/null; echo 'something broke inside' >&2; exit 1", "ffmpeg gave up: something broke inside"),
    ("head -c 100000 > /dev/null; kill -9 $$", "killed (signal 9)"),
    ("exit 3", "ended (code 3)"),
    ("cat > /dev/null; exit 1", "ended (code 1)"),
    ("cat > /dev/null", "without having written anything"),
    ("head -c 100000 > /dev/null; echo \"Error writing trailer of file:x: No space left on device\" >&2; exit 1", "the disk is full"),
    ("echo \"Unknown encoder 'libx264'\" >&2; exit 1", "cannot encode it (Unknown encoder 'libx264')"),
])
def test_an_ffmpeg_that_dies(program, capture, text, says):
    error = program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", environment=script(program, text))
    assert says in error and "out.mp4" in error
    assert not list(program.cwd.glob("out*"))


@pytest.mark.parametrize("text", ["exec sleep 1000", "cat > /dev/null; exec sleep 1000"])
def test_an_ffmpeg_that_hangs(program, capture, text):
    environment = {**script(program, text), "ATTNSCOPE_ENCODER_TIMEOUT": "0.5"}
    error = program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", environment=environment)
    assert "ffmpeg has hung" in error
    assert not list(program.cwd.glob("out*"))


def test_an_ffmpeg_without_the_encoder(program, capture):
    """The real one, asked for an encoder that it lacks."""
    need_ffmpeg()
    real = shutil.which("ffmpeg")
    environment = script(program, f"""for a; do shift; [ "$a" = libvpx-vp9 ] && a=no-such-encoder; set -- "$@" "$a"; done; exec {real} "$@" """)
    error = program.refused("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.webm", environment=environment)
    assert "no-such-encoder" in error and "folder of pictures" in error
    assert not list(program.cwd.glob("out*"))


def test_packing_anew_may_fail(program, capture):
    """A movie in fragments is complete as it is."""
    need_ffmpeg()
    real = shutil.which("ffmpeg")
    environment = script(program, f"""case "$*" in *faststart*) exit 1;; esac; exec {real} "$@" """)
    program.ok("record", capture, "--sweep", "layers", *BRIEF, "-o", "out.mp4", environment=environment)
    assert probe(program.cwd / "out.mp4")["frames"] == 9
    assert b"moof" in (program.cwd / "out.mp4").read_bytes()
    assert left_behind(program.cwd) == []


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "frames/"])
def test_a_full_disk(program, capture, name):
    """A file system of 160 kB, in a mount name space of its own."""
    if name != "frames/":
        need_ffmpeg()
    small = program.cwd / "small"
    small.mkdir()
    inner = (f"mount -t tmpfs -o size=160k none {small} && {{ {BINARY} record {capture} --sweep heads --size 640x480 --fps 30 "
             f"--hold 3 --exec 'aspect stretch' -o {small}/{name}; code=$?; ls -A {small} >&2; exit $code; }}")
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount name spaces here")
    result = subprocess.run(["unshare", "-rm", "sh", "-c", inner], capture_output=True, timeout=120, cwd=program.cwd, env=program.environment)
    error = result.stderr.decode().splitlines()
    assert result.returncode == 2, error
    assert "full" in error[0] or "No space left" in error[0]
    assert error[1:] == ([] if name != "frames/" else ["frames"])


# ---- ends ---------------------------------------------------------------------------------------------------------------------------

def long_recording(program, capture, name, **environment):
    """Starts one that takes long, and waits until frames have been written."""
    process = subprocess.Popen([str(BINARY), "record", str(capture), "--sweep", "tokens", "--size", "1280x720", "--fps", "30", "--hold",
                                "100", "-o", name], cwd=program.cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**program.environment, **environment})
    deadline = time.monotonic() + WAIT_S
    path = program.cwd / (name + ".part")
    while time.monotonic() < deadline and process.poll() is None:
        if name.endswith("/"):
            if len(list((program.cwd / name).glob("*.png"))) > 5:
                return process
        elif path.exists() and path.stat().st_size > 20000:
            return process
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"no frames were written: {process.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_recording_well(program, capture, number):
    need_ffmpeg()
    process = long_recording(program, capture, "out.mp4")
    process.send_signal(number)
    output, error = process.communicate(timeout=WAIT_S)
    assert process.returncode == 3, error
    assert "interrupted after" in error.decode() and "out.mp4" in output.decode()
    found = probe(program.cwd / "out.mp4")
    assert 0 < found["frames"] < 30 * 100 * TOKENS
    assert f"{found['frames']:,} frames" in output.decode()
    assert left_behind(program.cwd) == []


def test_ctrl_c_of_the_terminal_reaches_the_whole_group(program, capture):
    """As a terminal sends it: to ffmpeg as well, which must not end before it has all frames."""
    need_ffmpeg()
    inner = f"exec {BINARY} record {capture} --sweep tokens --size 1280x720 --fps 30 --hold 100 -o out.mp4"
    process = subprocess.Popen(["sh", "-c", inner], cwd=program.cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.environment,
                               start_new_session=True)
    part, deadline = program.cwd / "out.mp4.part", time.monotonic() + WAIT_S
    while not (part.exists() and part.stat().st_size > 20000) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=WAIT_S)
    assert process.returncode == 3, error
    assert probe(program.cwd / "out.mp4")["frames"] > 0


def test_kill_9_leaves_a_movie_that_plays(program, capture):
    need_ffmpeg()
    process = long_recording(program, capture, "out.mp4")
    process.kill()
    process.communicate()
    part = program.cwd / "out.mp4.part"
    size = -1
    while part.stat().st_size != size:  # ffmpeg sees the end of its input and completes what it has
        size = part.stat().st_size
        time.sleep(0.5)
    found = probe(part)
    assert found["codec"] == "h264" and found["frames"] > 0
    assert not (program.cwd / "out.mp4").exists()


def test_a_killed_ffmpeg_leaves_fragments_that_play(program, capture):
    """What is on disk at any moment plays, though neither program could finish."""
    need_ffmpeg()
    process = long_recording(program, capture, "out.mp4")
    shutil.copy(program.cwd / "out.mp4.part", program.cwd / "copy.mp4")
    process.kill()
    process.communicate()
    assert probe(program.cwd / "copy.mp4")["frames"] > 0


def test_kill_9_leaves_whole_pictures(program, capture):
    process = long_recording(program, capture, "frames/")
    process.kill()
    process.communicate()
    names = sorted(path.name for path in (program.cwd / "frames").glob("*.png"))
    assert names == [f"frame-{n:05d}.png" for n in range(len(names))]
    assert {image.shape for image in pictures(program.cwd / "frames")} == {(720, 1280, 3)}

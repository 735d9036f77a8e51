"""Rules of the source tree: dependencies point down only; files and functions stay small."""
import re

import pytest

from house import INCLUDE, MAX_FILE_LINES, MAX_FUNCTION_LINES, function_lengths
from support import ROOT

_BELOW_THE_ROOMS = {"base", "platform", "formats", "capture", "tiles", "analysis", "draw", "gpu", "views", "export"}
# Lowest first. A folder may include itself and what is named after it here; main.c counts as cli.
MAY_INCLUDE = {
    "base": set(),
    "platform": {"base"},
    "formats": {"base"},
    "capture": {"base", "formats"},
    "tiles": {"base", "capture"},
    "analysis": {"base", "capture", "tiles"},
    "draw": {"base", "capture", "tiles"},
    "gpu": {"base", "capture", "tiles", "draw"},
    "views": {"base", "capture", "tiles", "analysis", "draw", "gpu"},
    "export": {"base", "capture", "tiles", "draw", "gpu"},
    "movie": {"base", "platform"},
    "session": _BELOW_THE_ROOMS | {"movie"},
    "ui": _BELOW_THE_ROOMS | {"movie", "session"},
    "features": _BELOW_THE_ROOMS | {"movie", "session", "ui"},
    "scenes": _BELOW_THE_ROOMS | {"movie", "session", "ui", "features"},
    "app": _BELOW_THE_ROOMS | {"movie", "session", "ui", "features", "scenes"},
    "cli": _BELOW_THE_ROOMS | {"movie", "session", "ui", "features", "scenes", "app"},
}
# Headers from outside that one folder alone may see.
OWNED_HEADERS = {r"glad/|GL/|GLES": "gpu", r"SDL|EGL/|X11/": "platform",
                 r"cairo|ft2build": "export"}

SOURCES = sorted((ROOT / "src").rglob("*.[ch]"))


def layer_of(path):
    relative = path.relative_to(ROOT / "src")
    return relative.parts[0] if len(relative.parts) > 1 else "cli"


def upward_includes(path, text):
    layer = layer_of(path)
    for _, header in INCLUDE.findall(text):
        folder = header.split("/")[0] if "/" in header else layer
        if folder in MAY_INCLUDE and folder != layer and folder not in MAY_INCLUDE[layer]:
            yield header
        if any(re.match(pattern, header) and layer != owner for pattern, owner in OWNED_HEADERS.items()):
            yield header


def test_there_are_sources():
    assert len(SOURCES) > 20


def test_every_folder_is_known():
    assert {layer_of(path) for path in SOURCES} <= set(MAY_INCLUDE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source(path):
    text = path.read_text("utf-8")
    assert list(upward_includes(path, text)) == []
    assert text.count("\n") <= MAX_FILE_LINES
    functions = list(function_lengths(text))
    assert len(functions) == len(re.findall(r"^}$", text, re.M)), "a function was overlooked: run tools/format"
    assert [(name, lines) for name, lines in functions if lines > MAX_FUNCTION_LINES] == []


def test_upward_includes_are_seen():
    tiles, views = ROOT / "src/tiles/x.c", ROOT / "src/views/x.c"
    assert list(upward_includes(tiles, '#include "gpu/gpu.h"\n#include "base/base.h"\n')) == ["gpu/gpu.h"]
    assert list(upward_includes(views, "#include <SDL2/SDL.h>\n#include <glad/gl.h>\n")) == ["SDL2/SDL.h", "glad/gl.h"]
    assert list(upward_includes(views, '#include "platform/platform.h"')) == ["platform/platform.h"]
    assert list(upward_includes(ROOT / "src/main.c", '#include "session/app.h"')) == []


# ---- their tests: one executable a folder, which sees the folder and what is below ------------------------------------

# What a test of the folder may include besides: a context, tours and benchmarks, an ffmpeg that is played.
TESTS_MAY_INCLUDE = {"gpu": {"platform"}, "app": {"cli"}}
TESTED = sorted(set(MAY_INCLUDE) - {"cli"})


def upward_includes_of_test(layer, text):
    may = MAY_INCLUDE[layer] | TESTS_MAY_INCLUDE.get(layer, set()) | {layer}
    return [header for _, header in INCLUDE.findall(text)
            if header.split("/")[0] in MAY_INCLUDE and "/" in header and header.split("/")[0] not in may]


@pytest.mark.parametrize("layer", TESTED)
def test_every_folder_has_tests_of_its_own(layer):
    files = sorted((ROOT / "tests" / layer).glob("*.[ch]"))
    assert len([path for path in files if "cmocka_run_group_tests" in path.read_text("utf-8")]) > 0
    for path in files:
        assert upward_includes_of_test(layer, path.read_text("utf-8")) == [], path.name


def test_every_folder_has_an_executable():
    layers = re.search(r"foreach\(layer ([^)]*)\)", (ROOT / "tests/CMakeLists.txt").read_text("utf-8"))[1].split()
    assert sorted(layers) == TESTED


def test_upward_includes_of_tests_are_seen():
    text = '#include "session/rooms.h"\n#include "app/window.h"\n#include <SDL2/SDL.h>\n#include "test_ui.h"\n'
    assert upward_includes_of_test("ui", text) == ["app/window.h"]
    assert upward_includes_of_test("app", '#include "cli/cli.h"\n') == []


@pytest.mark.parametrize("path", sorted((ROOT / "shaders").glob("*")), ids=lambda path: path.name)
def test_shader_size(path):
    assert path.read_text("utf-8").count("\n") <= MAX_FILE_LINES


def test_no_library_source_is_copied():
    assert {path.name for path in (ROOT / "third_party").iterdir() if path.suffix != ".cmake"} == {"stb_impl.c"}

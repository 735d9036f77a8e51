"""Ceilings of what tests/e2e/house.py measures. `python tests/e2e/house.py` shows all figures and where they come from.

A figure must not be above its measure's limit, or its own ceiling where it has one. Ceilings are what was there when they
were set: they only fall, and go when the limit is reached."""
import io
import subprocess

import pytest

import house
from house import MEASURES, Figure, House

# Measure -> what -> the most it may come to; "rooms" are the folders of house.ROOMS together.
CEILINGS = {
    # The vocabulary of base and draw has prefixes of its own, such as mem_ and rect_, by design; a table may have the name
    # of what it lists.
    "foreign names": {"base": 50, "draw": 5, "rooms": 4},
}
# Limits of single things that are lower than their measure's.
LIMITS = {("fields", "App"): 16}
# A ceiling that is higher than its figure is a fault here: what was untangled stays so.
TIGHT = {"circles", "include circles"}

# Variables that can be written and outlive a call: each with its reason.
MAY_BE_WRITTEN = {
    "bench_kernels.c: rg": "a scratch tile of the bench, too large for a stack",
    "cli_common.c: before": "progress of the one verb that runs",
    "cli_common.c: began": "progress of the one verb that runs",
    "cli_common.c: last": "progress of the one verb that runs",
    "demo.c: demo_json": "the list of demos is read once and is part of the program from then on",
    "demo.c: demo_total": "as demo_json",
    "demo.c: demos": "as demo_json",
    "file.c: counter": "atomic; no two temporary files of a process have one name",
    "font.c: last_serial": "atomic; tells fonts apart, also after one was closed",
    "open.c: last_serial": "atomic; tells captures apart, also after one was closed",
    "hdf5.c: busy": "a lock: libhdf5 has one state for the process",
    "heatmap.c: tiles": "room of the GL thread that a frame must not allocate",
    "kernel.c: known": "atomic; what the processor can do does not change",
    "kernel_avx2.c: coefficients": "constant, but volatile: see kernel_poly.h",
    "kernel_avx512.c: coefficients": "constant, but volatile: see kernel_poly.h",
    "kernel_avx512_bf16.c: coefficients": "constant, but volatile: see kernel_poly.h",
    "log.c: cached": "atomic; the environment is looked at once",
    "memory.c: allocation_count": "atomic; tests count and fail allocations of the process",
    "memory.c: fail_countdown": "as allocation_count",
    "memory.c: fail_sticky": "as allocation_count",
    "number.c: cached": "atomic; what the processor can do does not change",
    "pdf.c: library": "cairo keeps faces for as long as the program lives, and they need FreeType's library",
    "interrupt.c: before": "as flag",
    "interrupt.c: depth": "as flag",
    "interrupt.c: flag": "a signal handler gets no argument",
    "still_view.c: beside": "what a picture says is borrowed by options, like argv, for as long as the program lives",
    "still_view.c: command": "as beside",
    "still_view.c: known": "as beside",
    "still_view.c: path": "as beside",
    "sdl.c: current_proc": "the GL loader's callback gets no argument",
    "window.c: is_open": "atomic; SDL has one state for the process",
}


@pytest.fixture(scope="module")
def tree():
    return House()


@pytest.fixture(scope="module")
def built(tree):
    if not tree.objects:
        pytest.skip(f"no objects in {tree.build}, or no nm that reads them: what is measured by symbols is not")
    assert tree.missing_objects() == [], "the build is older than the source: run tools/build first"
    return tree


@pytest.fixture(scope="module")
def figures(tree):
    return {name: measure.of(tree) for name, measure in MEASURES.items()}


def faults(name, figures):
    """Sentences about figures above their limit and ceiling, or, where those are tight, below."""
    for figure in figures:
        limit = LIMITS.get((name, figure.what), MEASURES[name].limit)
        ceiling = CEILINGS.get(name, {}).get(figure.what, limit)
        if name == "statics" and figure.what in MAY_BE_WRITTEN:
            continue
        if figure.value > ceiling:
            yield f"{figure.what}: {figure.value}, at most {ceiling} ({figure.detail})"
        elif name in TIGHT and limit < ceiling and figure.value < ceiling:
            yield f"{figure.what}: {figure.value}: lower the ceiling, which is {ceiling}"


PLACES = sorted({house.place_of(path.name) for path in (house.ROOT / "src").iterdir() if path.is_dir()})


@pytest.mark.parametrize("place", [*PLACES, "among folders", "all"])
@pytest.mark.parametrize("name", MEASURES)
def test_figures(figures, name, place, request):
    if MEASURES[name].by_symbols:
        request.getfixturevalue("built")
    assert list(faults(name, [figure for figure in figures[name] if figure.place == place])) == []


def test_every_place_is_measured(tree, figures):
    assert set(tree.places) == set(PLACES)
    for of_measure in figures.values():
        assert {figure.place for figure in of_measure} <= {*PLACES, "among folders", "all"}


def test_ceilings_are_above_limits():
    for name, ceilings in CEILINGS.items():
        assert min(ceilings.values()) > MEASURES[name].limit, name


# ---- the meter itself -----------------------------------------------------------------------------------------------

def make_tree(folder, files):
    for name, text in files.items():
        path = folder / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(folder / "src")


def values(figures):
    return {figure.what: figure.value for figure in figures}


def test_faults_are_told(monkeypatch):
    monkeypatch.setitem(CEILINGS, "parameters", {"long": 9})
    monkeypatch.setitem(CEILINGS, "circles", {"views": 5})
    assert list(faults("parameters", [Figure("base", "f", 8), Figure("base", "long", 9)])) == []
    assert len(list(faults("parameters", [Figure("base", "f", 9), Figure("base", "long", 10)]))) == 2
    assert len(list(faults("fields", [Figure("base", "App", 17), Figure("base", "Other", 26)]))) == 2
    assert "lower the ceiling" in next(faults("circles", [Figure("views", "views", 4)]))
    assert list(faults("circles", [Figure("views", "views", 5), Figure("base", "base", 0)])) == []
    assert len(list(faults("circles", [Figure("base", "base", 2)]))) == 1
    assert len(list(faults("statics", [Figure("base", "file.c: counter", 1), Figure("base", "file.c: other", 1)]))) == 1


def test_circles_are_found():
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": {"d"}}) == []
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}) == [
        ["a", "b", "c"], ["d", "e"]]
    assert house.circles({"a": {"a"}}) == []
    long = {f"n{i:03}": {f"n{(i + 1) % 300:03}"} for i in range(300)}
    assert len(house.circles(long)[0]) == 300


NM = """

Symbols from build/CMakeFiles/attnscope_views.dir/src/views/a.c.o:

Name                  Value           Class        Type         Size             Line  Section

views_a             |0000000000000000|   T  |              FUNC|0000000000000045|     |.text
views_b             |                |   U  |            NOTYPE|                |     |*UND*
TABLE               |0000000000000000|   d  |            OBJECT|0000000000000010|     |.data.rel.ro.local
counter.3           |0000000000000000|   b  |            OBJECT|0000000000000004|     |.bss
names               |0000000000000000|   D  |            OBJECT|0000000000000010|     |.data.rel.local


Symbols from build/CMakeFiles/attnscope_views.dir/src/views/b.c.o:

Name                  Value           Class        Type         Size             Line  Section

views_b             |0000000000000000|   R  |            OBJECT|0000000000000018|     |.data.rel.ro
views_a             |                |   U  |            NOTYPE|                |     |*UND*
memcpy              |                |   U  |            NOTYPE|                |     |*UND*
gpu_c               |                |   U  |            NOTYPE|                |     |*UND*
"""


def test_symbols_are_read():
    objects = {name[-len("views/x.c.o"):-2]: symbols for name, symbols in house.parse_nm(NM).items()}
    assert house.symbol_arrows(objects) == {"views/a.c": {"views/b.c"}, "views/b.c": {"views/a.c"}}
    assert house.mutable_statics(objects["views/a.c"]) == ["counter", "names"]
    assert house.mutable_statics(objects["views/b.c"]) == []
    objects["gpu/c.c"] = [house.Symbol("gpu_c", "T", ".text"), house.Symbol("views_a", "U", "*UND*")]
    assert house.circles(house.within_folders(house.symbol_arrows(objects))) == [["views/a.c", "views/b.c"]]
    assert house.circles(house.among_folders(house.symbol_arrows(objects))) == [["gpu", "views"]]


def test_objects_are_measured(tmp_path, tree):
    """A program that a compiler made: a call one way, a table the other, a static of each kind."""
    if not tree.objects:
        pytest.skip("no nm that reads objects here")
    files = {"pins/pins.c": "int list_b(void);\nint pins_a(void) {\n    static int calls;\n    return list_b() + calls++;\n}\n"
                            "int other;\n",
             "pins/list.c": "int pins_a(void);\nint list_b(void);\nextern int (*const list_table[1])(void);\n"
                            "int (*const list_table[1])(void) = {pins_a};\nint list_b(void) {\n    return 1;\n}\n"
                            "static const char *names[2] = {\"a\", \"b\"};\nconst char *list_name(int i);\n"
                            "const char *list_name(int i) {\n    return names[i]++;\n}\n",
             "app/alone.c": "int alone(void) {\n    return 0;\n}\n"}
    make_tree(tmp_path, files)
    for name in files:
        if name == "app/alone.c":
            continue
        target = tmp_path / "build" / "CMakeFiles" / "x.dir" / "src" / f"{name}.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O1", "-fPIC", "-c", tmp_path / "src" / name, "-o", target], check=True)
    made = House(tmp_path / "src")
    assert values(made.circles_by_symbols()) == {"pins": 2, "rooms": 0, "among folders": 0}
    assert values(made.statics()) == {"pins.c: calls": 1, "pins.c: other": 1, "list.c: names": 1}
    assert values(made.foreign_names()) == {"pins": 1} and "pins/pins.c:other" in made.foreign_names()[0].detail
    assert made.missing_objects() == []
    (tmp_path / "src" / "pins" / "new.c").write_text("\n")
    assert House(tmp_path / "src").missing_objects() == ["pins/new.c"]


def test_circles_by_include(tmp_path):
    made = make_tree(tmp_path, {
        "tiles/tiles.h": "", "tiles/tiles.c": '#include "tiles/tiles.h"\n#include "internal.h"\n',
        "tiles/internal.h": '#include "tiles/tiles.h"\n', "tiles/a.h": "", "tiles/b.h": "",
        "tiles/a.c": '#include "tiles/a.h"\n#include "b.h"\n', "tiles/b.c": '#include "tiles/b.h"\n#include "tiles/a.h"\n',
        "views/views.h": '#include "tiles/a.h"\n', "tiles/c.c": '#include "views/views.h"\n'})
    found = {figure.place: figure for figure in made.circles_by_includes()}
    assert found["tiles"].value == 2 and found["tiles"].detail == "2: tiles/a tiles/b"
    assert found["among folders"].value == 2 and found["views"].value == 0


def test_fields_are_counted():
    text = """typedef struct A {
    int a, *b; /* c; d; */
    void (*call)(int x, int y);
    struct {
        int p, q;
    } inner;
    union {
        float f;
        int i;
    };
    char text[3], more : 2;
} A;
typedef struct { int only; } B;
struct A forward(struct A a);
static const struct { const char *name; int n; } TABLE[] = {{"x;y", 1}};
"""
    assert list(house.field_counts(text)) == [("A", 7), ("inner", 2), ("?", 2), ("B", 1), ("TABLE", 2)]


def test_parameters_are_counted():
    text = """int f(void) {
}
static void g(int a, void (*call)(int, int), const char *format,
              ...) {
    h(1, 2, 3);
}
int *h(const int a[2], struct S *s)
{
}
int prototype(int a, int b, int c);
"""
    assert list(house.parameter_counts(text)) == [("f", 0), ("g", 4), ("h", 2)]


def test_function_lengths_are_measured():
    text = "static const int table[] = {\n    1,\n};\nint f(int a,\n      int b) {\n    if (a) {\n        b++;\n    }\n}\n"
    assert list(house.function_lengths(text)) == [("f", 6)]
    assert list(house.function_lengths('/* int g(void) { */\nint *h(void)\n{\n    return "}";\n}\n')) == [("h", 4)]


def test_sizes_and_mentions_are_counted(tmp_path):
    made = make_tree(tmp_path, {
        "session/app.h": "\n" * 300, "views/views.h": "\n" * 400, "main.c": "int main(void) {\n}\n",
        **{f"scenes/s{i}.c": "" for i in range(41)},
        "scenes/lines.c": 'if (kind == VIEW_LINES || VIEW_COUNT > 1 || VIEW_OPTIONS_MAX) return;\n'
                          'if (!strcmp(command->name, "layer")) return;\n',
        "features/commands.c": 'if (!strcmp(command->name, name)) return;\n',
        "session/look.c": 'const char *const A[] = {"linear", "sqrt", "log"};\nconst char *const B[] = {"linear", "sqrt"};\n'})
    assert values(made.header_lines()) == {"app.h": 300}
    assert values(made.file_lines())["views.h"] == 400
    assert values(made.files()) == {"scenes": 42, "features": 1, "session": 1}
    assert values(made.views_named()) == {"VIEW_*": 2}
    assert values(made.names_compared()) == {"->name": 1}
    assert values(made.choices_written()) == {house.CHOICES: 2}
    assert made.places == ["rooms", "views"]


def test_prefixes():
    assert house.own_prefix("features/pins.c", "pins_close") and house.own_prefix("features/pins.c", "features_x")
    assert house.own_prefix("features/palette_items.c", "palette_add") and house.own_prefix("scenes/matrix.c", "MATRIX")
    assert not house.own_prefix("features/pins.c", "app_close_pins") and not house.own_prefix("features/pins.c", "pinsets")


def test_the_table_is_printed(tmp_path):
    out = io.StringIO()
    house.print_table(make_tree(tmp_path, {"base/base.c": "int base(void) {\n}\n"}), out)
    assert "no objects" in out.getvalue() and "fields of a struct: at most 25; 0 of 0 above" in out.getvalue()

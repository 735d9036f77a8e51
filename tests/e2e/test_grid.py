"""The grid: what it draws against NumPy and matplotlib, and a real window with keys and mouse."""
import json

import numpy as np
import pytest

from desktop import Window
from support import as_tile, pool, random_patterns

LAYERS = {0: 5, 1: 5, 4: 3, 7: 6}  # number -> heads: ragged, with gaps
TOKENS = 200
COLUMNS = max(LAYERS.values())
CMAP, PERCENTILE = "viridis", 99.5


@pytest.fixture(scope="session")
def patterns():
    return {number: random_patterns(heads, TOKENS, TOKENS, seed=10 + number, causal=True) for number, heads in LAYERS.items()}


@pytest.fixture
def capture(program, patterns):
    path = program.cwd / "ragged.npz"
    np.savez(path, **{f"attentions.{number}": weights for number, weights in patterns.items()})
    return path


def mean(block):
    return block.sum(dtype=np.float64) / block.size


def base_tiles(patterns):
    """(layer, head) -> mean of each cell of the base tile, which has every weight here; NaN where masked."""
    masked = ~np.tril(np.ones((TOKENS, TOKENS), bool))
    return {(number, head): np.where(masked, np.nan, as_tile(weights[head]))
            for number, weights in patterns.items() for head in range(len(weights))}


def picture(program, *arguments):
    image = pytest.importorskip("matplotlib.image")
    program.ok("render", *arguments, "-o", "grid.png")
    return np.round(image.imread(program.cwd / "grid.png")[..., :3] * 255)


def rounded(value):
    return int(np.floor(value + 0.5))


def compare_cells(pixels, patterns, high, gap, left=0.0, top=0.0, pitch=None):
    """Every texel of the mip that was drawn, in every cell, at the middle of its pixels; returns how many were compared.
    `high`: (layer, head) -> upper end of the range."""
    colormap = pytest.importorskip("matplotlib").colormaps[CMAP]
    pitch_x, pitch_y = pitch or (pixels.shape[1] / COLUMNS, pixels.shape[0] / len(patterns))
    compared = 0
    for row, (number, weights) in enumerate(patterns.items()):
        for head in range(len(weights)):
            x0, x1 = (rounded(left + (head + i) * pitch_x) for i in (0, 1))
            y0, y1 = (rounded(top + (row + i) * pitch_y) for i in (0, 1))
            width, height = x1 - x0 - gap, y1 - y0 - gap
            mip = 0
            while max(-(-TOKENS // 2 ** mip) / width, -(-TOKENS // 2 ** mip) / height) > 1:
                mip += 1
            texels = as_tile(pool(weights[head], mip, mip, mean))
            side = len(texels)
            for q in range(0, side, 3):
                for k in range(0, q, 4):  # below the diagonal: nothing masked
                    value = texels[q, k]
                    if value >= 0.99 * high[number, head]:
                        continue  # close to "beyond", which has a colour of its own
                    y, x = y0 + int((q + 0.5) / side * height), x0 + int((k + 0.5) / side * width)
                    wanted = np.array(colormap(np.sqrt(value / high[number, head])))[:3] * 255
                    assert np.abs(pixels[y, x] - wanted).max() <= 4, (number, head, q, k, mip)
                    compared += 1
    return compared


def own_ranges(patterns, percentile=PERCENTILE):
    return {key: np.nanpercentile(tile, percentile) for key, tile in base_tiles(patterns).items()}


@pytest.mark.parametrize("size, gap", [("600x400", 4), ("330x240", 4), ("144x90", 2)])
def test_cells_have_the_colours_of_pooled_weights(program, capture, patterns, size, gap):
    pixels = picture(program, capture, "--view", "grid", "--bare", "--size", size)
    assert pixels.shape[:2] == tuple(int(side) for side in size.split("x"))[::-1]
    assert compare_cells(pixels, patterns, own_ranges(patterns), gap) > 100


def test_one_range_for_all_heads_is_the_largest_of_theirs(program, capture, patterns):
    pixels = picture(program, capture, "--view", "grid", "--grid-range", "common", "--bare", "--size", "600x400")
    high = max(own_ranges(patterns).values())
    assert compare_cells(pixels, patterns, {key: high for key in base_tiles(patterns)}, 4) > 300


def test_another_percentile(program, capture, patterns):
    pixels = picture(program, capture, "--view", "grid", "--range", "p95", "--bare", "--size", "600x400")
    assert compare_cells(pixels, patterns, own_ranges(patterns, 95), 4) > 300


def test_a_typed_range_holds_for_every_head(program, capture, patterns):
    pixels = picture(program, capture, "--view", "grid", "--range", "0:0.25", "--bare", "--size", "600x400")
    assert compare_cells(pixels, patterns, {key: 0.25 for key in base_tiles(patterns)}, 4) > 300


def grid_state(program, capture, *arguments, script="", size="1280x720"):
    script = f"{script}; wait exact; state s.json" if script else "wait exact; state s.json"
    program.ok(capture, "--view", "grid", "--size", size, *arguments, "--exec", script)
    return json.loads((program.cwd / "s.json").read_text())


def test_ragged_layers_have_holes_and_keep_their_numbers(program, capture):
    state = grid_state(program, capture)
    assert state["view"] == "grid" and state["exactness"] == "exact" and not state["pending"]
    grid = state["grid"]
    assert (grid["rows"], grid["columns"]) == (len(LAYERS), COLUMNS)
    assert grid["focus"] == [0, 0] and grid["selection"] == [] and grid["range"] == "head"
    # Down keeps the column where the layer has that head, else it takes the nearest.
    assert grid_state(program, capture, script="head 4; layer +2")["grid"]["focus"] == [4, 2]
    assert grid_state(program, capture, script="layer last; head 5; layer -3")["grid"]["focus"] == [0, 4]
    assert grid_state(program, capture, script="layer 7; head +1; head +1")["grid"]["focus"] == [7, 2]


def test_holes_are_ground(program, capture, patterns):
    pixels = picture(program, capture, "--view", "grid", "--bare", "--size", "600x400")
    ground = pixels[399, 599]  # in the gap
    hole = pixels[2 * 100 + 10:3 * 100 - 10, 3 * 100 + 10:]  # layer 4 has heads 0 to 2
    assert (hole == ground).all()
    assert (pixels[3 * 100 + 10:390, 510:590] != ground).any(axis=-1).mean() > 0.4  # layer 7 has head 5


def test_the_figure_has_a_title_labels_and_a_colour_bar(program, capture):
    bare, figure = (picture(program, capture, "--view", "grid", *how, "--size", "900x600") for how in (["--bare"], []))
    assert figure.shape == bare.shape == (600, 900, 3)
    ground = figure[1, 1]

    def ink(part):
        return (np.abs(part - ground).max(axis=-1) > 40).mean()

    assert ink(figure[10:40, :300]) > 0.02  # title
    assert ink(figure[44:84, 64:800]) > 0.002  # head numbers
    assert ink(figure[90:590, :220]) > 0.001  # layer numbers
    bar = figure[150:350, 826]
    assert len(np.unique(bar, axis=0)) > 100  # colours of the bar, one a pixel


def test_wrong_heads_are_named(program, capture):
    for script, words in (("select 4:3", "4:3"), ("select 2:0", "2:0"), ("select x", "x"), ("select", "LAYER:HEAD"),
                          ("mean", "matrix"), ("grid-range often", "common, head or next")):
        assert words in program.refused(capture, "--view", "grid", "--exec", script, code=1)
    assert "matrix, grid, probabilities" in program.refused(capture, "--view", "graph", "--exec", "state", code=1)
    assert "grid" in program.refused(capture, "--exec", "open-head", code=1)


def test_opening_the_selection_makes_a_head_set(program, capture):
    program.ok(capture, "--view", "grid", "--exec", "select 7:0,7:3,1:2,7:5; open-head; wait exact; state s.json")
    state = json.loads((program.cwd / "s.json").read_text())
    assert (state["view"], state["layer"], state["heads"]) == ("matrix", 7, "mean:0,3,5")
    assert state["grid"] is None


# ---- in a window ------------------------------------------------------------------------------------------------------

@pytest.fixture
def window(program, display, capture):
    window = Window(program, display, capture)
    yield window
    window.close()


def wait_grid(window, **wanted):
    return window.wait(lambda s: s["view"] == "grid" and all(s["grid"][key] == value for key, value in wanted.items()),
                       f"a grid with {wanted}")


def cell_centre(state, row, column):
    (left, top), (width, height) = state["origin"], state["cell"]
    return left + (column + 0.4) * width, top + (row + 0.4) * height


def point_at(window, state, row, column):
    x, y = cell_centre(state, row, column)
    window.xdotool("mousemove", window.x + int(x), window.y + int(y))


def test_keys_move_the_focus_enter_opens_and_escape_goes_back(window):
    window.settled()
    window.key("g")
    wait_grid(window, focus=[0, 0])
    window.key("Down", "Right", "Right")
    wait_grid(window, focus=[1, 2])
    window.key("End")
    wait_grid(window, focus=[7, 2])
    window.key("Home", "Left")
    wait_grid(window, focus=[0, 1])
    window.key("Escape")
    window.wait(lambda s: s["view"] == "matrix" and s["layer"] == 0 and s["heads"] == "mean")
    window.key("g", "Down", "Right")
    wait_grid(window, focus=[1, 1])
    window.key("Return")
    window.wait(lambda s: s["view"] == "matrix" and s["layer"] == 1 and s["heads"] == "1" and s["exactness"] == "exact")
    window.key("Escape")  # a head that was opened from the grid goes back there
    wait_grid(window, focus=[1, 1])
    window.key("Escape")
    window.wait(lambda s: s["view"] == "matrix" and s["layer"] == 1)


def test_space_selects_and_enter_opens_the_mean(window):
    window.settled()
    window.key("g", "space", "Right", "Right", "space")
    wait_grid(window, selection=[[0, 0], [0, 2]])
    window.key("Return")
    window.wait(lambda s: s["view"] == "matrix" and s["heads"] == "mean:0,2" and s["exactness"] == "exact")
    window.key("g")
    wait_grid(window, selection=[[0, 0], [0, 2]])  # the head set is what is selected
    window.key("Escape")
    state = wait_grid(window, selection=[])
    assert state["view"] == "grid"


def test_the_mouse_hovers_selects_and_opens(window):
    window.settled()
    window.key("g")
    state = window.settled()
    point_at(window, state, 3, 5)
    wait_grid(window, hover=[7, 5])
    point_at(window, state, 2, 4)  # a hole
    wait_grid(window, hover=None)
    point_at(window, state, 1, 3)
    window.xdotool("click", 1)
    wait_grid(window, focus=[1, 3], selection=[[1, 3]])
    point_at(window, state, 1, 0)
    window.xdotool("keydown", "ctrl", "click", 1, "keyup", "ctrl")
    wait_grid(window, focus=[1, 0], selection=[[1, 3], [1, 0]])
    window.xdotool("keydown", "ctrl", "click", 1, "keyup", "ctrl")
    wait_grid(window, selection=[[1, 3]])
    point_at(window, state, 2, 1)
    window.xdotool("keydown", "shift", "click", 1, "keyup", "shift")  # from the focus to here
    wait_grid(window, selection=[[1, 0], [1, 1], [4, 0], [4, 1]])
    point_at(window, state, 3, 2)
    window.xdotool("click", "--repeat", 2, "--delay", 60, 1)
    window.wait(lambda s: s["view"] == "matrix" and s["layer"] == 7 and s["heads"] == "2" and s["exactness"] == "exact")


def test_the_wheel_zooms_about_the_cell_and_a_drag_scrolls(window):
    window.settled()
    window.key("g")
    before = window.settled()
    point_at(window, before, 1, 1)
    wait_grid(window, hover=[1, 1])
    window.wheel(4)
    near = window.wait(lambda s: s["cell"][0] > 1.5 * before["cell"][0] and not s["grid"]["fitted"])
    near = window.settled()
    assert near["grid"]["hover"] == [1, 1]
    assert near["cell"][0] == int(near["cell"][0])
    window.drag(-60, -40)
    moved = window.wait(lambda s: s["origin"][0] < near["origin"][0] - 30 and s["origin"][1] < near["origin"][1] - 20)
    assert moved["grid"]["selection"] == []  # a drag is no click
    window.key("f")
    window.wait(lambda s: s["grid"]["fitted"] and s["cell"] == before["cell"] and s["origin"] == before["origin"])


def test_the_grid_is_on_screen_in_its_colours(window, patterns):
    window.settled()
    window.key("g")
    window.point(0.4, 0.02)
    state = window.settled()
    pixels = window.pixels().astype(float)
    left, top = state["origin"]
    assert compare_cells(pixels, patterns, own_ranges(patterns), int(state["grid"]["gap"]), left, top, state["cell"]) > 300


def test_ranges_switch_by_key(window):
    window.settled()
    window.key("g")
    wait_grid(window, range="head")
    window.key("n")
    wait_grid(window, range="common")
    window.key("n")
    wait_grid(window, range="head")


def test_the_scrubber_and_the_switch_in_the_bar_work_in_the_grid(window):
    state = window.settled()
    window.xdotool("mousemove", window.x + window.width - 125, window.y + 20)
    window.xdotool("click", 1)
    state = window.wait(lambda s: s["view"] == "grid")
    window.xdotool("mousemove", window.x + 110 + 3 * 72 - 30, window.y + window.height - 30)  # third slot
    window.xdotool("click", 1)
    wait_grid(window, focus=[4, 0])
    assert window.state["layer"] == 0  # of the matrix: looking around changes nothing there

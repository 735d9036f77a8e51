import pathlib
import signal

import pytest

import support
from desktop import Display


# A shell starts what runs in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def binary():
    """The program under test: $ATTNSCOPE_BIN, or build/attnscope."""
    if not support.BINARY.is_file():
        pytest.fail(f"{support.BINARY} does not exist: run tools/build first")
    return support.BINARY


@pytest.fixture(scope="session")
def captures():
    """Real captures that are not part of the project: $ATTNSCOPE_CAPTURES, or ../shared/captures."""
    if not (support.CAPTURES / "README.md").is_file():
        pytest.skip(f"no captures in {support.CAPTURES} (set ATTNSCOPE_CAPTURES)")
    return support.CAPTURES


@pytest.fixture(scope="session")
def display(tmp_path_factory):
    """One virtual display for all windows, one after the other."""
    display = Display(tmp_path_factory.mktemp("display"))
    yield display
    display.close()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def program(binary, cache, tmp_path):
    home, cwd = tmp_path / "home", tmp_path / "cwd"
    home.mkdir()
    cwd.mkdir()
    return support.Program(home, cache, cwd)


@pytest.fixture
def demo():
    return pathlib.Path(support.ROOT / "assets" / "jabberwocky.safetensors")

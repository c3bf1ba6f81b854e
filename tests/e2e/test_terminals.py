"""The real program on terminals of every kind: what is on the screen, in which bytes, and what is left behind."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box
from tests.e2e.picture import OnTerminal, Picture

pytestmark = pytest.mark.timeout(300)
PROGRAM = [sys.executable, "-P", "-m", "refact_tui"]
ROOMS = ("Sources", "Scan", "Train", "Checkpoints", "Serve", "System")
FREE = ("LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "SSH_CONNECTION")
"""What would say something else of the terminal than the test does."""
COLOURS = re.compile(r"(?:^|;)(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;|$)")
"""A style that sets a colour; 39 and 49 take one away."""
CONSOLE = "•○►◄→↔♦▲▼♥♠♣◘◙♀♂♪♫☼↕‼¶§▬↨↑↓←∟"
Opened = Callable[..., OnTerminal]


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Opens the program; without an engine where the test has no box."""
    running: list[OnTerminal] = []
    around = request.getfixturevalue("box").environment if "box" in request.fixturenames else os.environ

    def open_it(width: int = 80, height: int = 24, verb: str = "", **environment: str) -> OnTerminal:
        clean = {name: value for name, value in around.items() if name not in FREE}
        running.append(OnTerminal([*PROGRAM, *verb.split()], {**clean, **environment}, width, height))
        return running[-1]

    yield open_it
    for one in running:
        one.close()


def visit(one: OnTerminal, here: str = "▌", up: str = "●") -> list[str]:
    """Every room and the help; the pictures. `here` marks the open room, `up` an engine that answers."""
    seen = [one.until(f"{up} engine", f"{here}1 Sources", "6 System", "q detach")]
    for number, room in list(enumerate(ROOMS, 1))[1:]:
        one.press(str(number))
        seen.append(one.until(f"{here}{number} {room}", "q detach"))
    one.press("?")
    seen.append(one.until("esc close", "System"))
    one.press("\x1b")
    one.quiet()
    return seen


def leave(one: OnTerminal) -> None:
    """Detach: the terminal is as it was, and the last words stand on it."""
    one.press("q")
    assert one.ended() == 0
    assert b"\x1b[?1049l" in one.sent and b"\x1b[?25h" in one.sent
    assert b"Detached. The engine " in one.sent.rpartition(b"\x1b[?1049l")[2]
    assert b"Traceback" not in one.sent


def coloured(picture: Picture) -> set[str]:
    return {style for style in picture.styles if COLOURS.search(style)}


@pytest.mark.soak
@pytest.mark.parametrize("term", ["xterm-256color", "screen-256color"])
def test_terminals_with_many_colours(box: Box, opened: Opened, term: str) -> None:
    one = opened(TERM=term, LANG="C.UTF-8")
    visit(one)
    leave(one)
    assert any("38;5;" in style for style in one.picture.styles)


@pytest.mark.soak
def test_a_terminal_with_sixteen_colours(box: Box, opened: Opened) -> None:
    one = opened(TERM="xterm", LANG="C.UTF-8")
    visit(one)
    leave(one)
    assert coloured(one.picture)
    assert not [style for style in one.picture.styles if "38;" in style or "48;" in style]


@pytest.mark.soak
def test_the_linux_console(box: Box, opened: Opened) -> None:
    one = opened(TERM="linux", LANG="C.UTF-8")
    seen = visit(one, up="•")
    leave(one)
    "".join(seen).translate(dict.fromkeys(map(ord, CONSOLE))).encode("cp437")  # its font has no more
    assert not [style for style in one.picture.styles if "38;" in style or "48;" in style]


@pytest.mark.soak
def test_no_color(box: Box, opened: Opened) -> None:
    one = opened(TERM="xterm-256color", LANG="C.UTF-8", NO_COLOR="1")
    visit(one)
    leave(one)
    assert one.picture.styles and not coloured(one.picture)


@pytest.mark.soak
@pytest.mark.parametrize("variable", ["LANG", "LC_ALL"])
def test_the_c_locale(box: Box, opened: Opened, variable: str) -> None:
    one = opened(TERM="xterm-256color", **{variable: "C"})
    visit(one, ">", "o")
    leave(one)
    assert one.sent.isascii()


@pytest.mark.soak
def test_the_least_size_and_below(box: Box, opened: Opened) -> None:
    one = opened(60, 16, TERM="xterm-256color", LANG="C.UTF-8")
    visit(one)
    one.resize(59, 15)
    assert "Sources" not in one.until("make me bigger (60×16)")
    one.resize(80, 24)
    one.until("▌6 System", "q detach")
    leave(one)


@pytest.mark.soak
def test_a_terminal_that_is_too_small_from_the_start(box: Box, opened: Opened) -> None:
    one = opened(59, 15, TERM="xterm-256color", LANG="C.UTF-8")
    assert "Sources" not in one.until("make me bigger (60×16)")
    leave(one)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_refused(opened: Opened, term: str) -> None:
    one = opened(TERM=term, LANG="C.UTF-8")
    assert one.ended() == 1
    said = " ".join(one.sent.decode().split())
    assert f"The terminal says TERM={term!r}, which cannot draw screens." in said
    assert "Set it, e.g. to xterm-256color. In scripts use the verbs: refact-tui --help" in said
    assert b"\x1b" not in one.sent


@pytest.mark.parametrize(
    ("environment", "size"),
    [
        ({"LANG": "C"}, b"80x24"),
        ({"LANG": "C.UTF-8"}, "80×24".encode()),
        ({"LANG": "C.UTF-8", "TERM": "vt220"}, b"80x24"),
    ],
)
def test_a_verb_writes_in_the_signs_of_the_terminal(
    opened: Opened, environment: dict[str, str], size: bytes, tmp_path: Path
) -> None:
    one = opened(verb="doctor", **{"TERM": "xterm", "REFACT_TUI_HOME": str(tmp_path), **environment})
    one.ended()
    assert size in one.sent
    assert one.sent.isascii() == size.isascii()
    assert (b"Set LANG=C.UTF-8" in one.sent) == (environment["LANG"] == "C")


def test_a_pipe_of_another_encoding_is_written_to(tmp_path: Path) -> None:
    code = "import sys; from refact_tui.cli.output import emit, tell; emit(0, False, 'a → b\té…'); tell('✗ no')"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "XDG_CONFIG_HOME": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert (found.stdout.decode("latin-1"), found.stderr) == ("a > b\té~\n", b"x no\n")

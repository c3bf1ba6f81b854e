"""Makes docs/shots/*.svg: a real engine, this checkout as the code, a real run (`make shots`, a few minutes)."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.filter import LineFilter
from textual.pilot import Pilot

from backend.paths import Paths
from refact_tui.frame import RefactApp
from tests.e2e.engine_box import Box, free_port
from tests.shots import FOLDER
from tests.shots.bare import bare
from tests.shots.neutral import BOX_NAME, Neutral, strangers
from tests.tui.pilots import press, screen_text

ROOT = Path(__file__).parents[2]
PART = "refact_tui"
"""The folder of this checkout that is learnt from."""
SIZE = (110, 30)
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": f"{SIZE[0]}", "LINES": f"{SIZE[1]}"}
MINUTES = os.environ.get("SHOTS_MINUTES", "1.5")
"""About how long the run trains."""
LIVE = 0.62
"""The share of its steps after which its picture is taken."""
LONG_S = 900.0
PLACES = 20
"""Held-out places of which one is looked for that shows a difference; all that were seen are counted in the picture."""
JUDGED = re.compile(r"✗ (\d\.\d\d) alike.*(✓ exact|✗ (\d\.\d\d) alike)")
CLIENTS = ("ann", "ben", "ci")
ASKED = ("def on_mount(self) -> None:\n    ", "import asyncio\nfrom ", "class Room(Screen):\n    def ", "for row in ")


class App(RefactApp):
    """The program itself, but for the names that only this machine has."""

    def __init__(self, paths: Paths, neutral: Neutral) -> None:
        super().__init__(paths)
        self._neutral = neutral

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._neutral]


def main() -> None:
    """Run the main job and take a picture in each room on the way."""
    with home() as folder:
        box = Box(folder / "state", free_port())
        box.environment |= {"REFACT_TUI_PUBLIC_URL": f"http://{BOX_NAME}:8008"}
        try:
            asyncio.run(story(box, folder))
        finally:
            box.close()


@contextmanager
def home() -> Iterator[Path]:
    """A folder for the engine, the code and a user who has set nothing."""
    with tempfile.TemporaryDirectory(prefix="refact-shots-") as made:
        os.environ |= {"XDG_CONFIG_HOME": f"{made}/config", "LANG": "C.UTF-8", **TERMINAL}
        for name in ("SSH_CONNECTION", "NO_COLOR", "LC_ALL", "LC_CTYPE", "REFACT_TUI_PROJECT"):
            os.environ.pop(name, None)
        with patch.object(socket, "gethostname", return_value=BOX_NAME):
            yield Path(made)


async def story(box: Box, folder: Path) -> None:
    """From code to completions, with the screen open on it."""
    code = folder / "code" / "refact-tui"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(code)], check=True)
    await verb(box, "sources", "add", str(code), "--subfolder", PART, "--wait")
    await verb(box, "scan", "run", "--wait")
    app = App(Paths(box.home), Neutral({str(folder / "state"): "/srv/refact-tui", str(folder): "/srv"}))
    async with app.run_test(size=SIZE) as pilot:
        await sees(pilot, "● engine", "▲")
        await press(pilot, "2")
        await sees(pilot, "Held out", "1–")
        take(app, "scan")
        await verb(box, "train", "start", "--name", "first", "--minutes", MINUTES)
        await press(pilot, "3")
        await until(pilot, lambda: any(run.step >= LIVE * run.steps for run in app.state.runs))
        await sees(pilot, "▪", "tok/s")
        take(app, "train")
        await until(pilot, lambda: any(run.state == "done" for run in app.state.runs))
        await verb(box, "use", "latest-best")
        await press(pilot, "4", "c")
        await sees(pilot, "1 place seen")
        for number in range(2, PLACES + 1):
            if differs(screen_text(app)):
                break
            await press(pilot, "n")
            await sees(pilot, f"{number} places seen")
        take(app, "checkpoints")
        await press(pilot, "escape", "5")
        secrets = [(await verb(box, "keys", "create", name))["key"] for name in CLIENTS]
        await asyncio.to_thread(ask, box, secrets)
        await press(pilot, "left_square_bracket")
        await sees(pilot, "[Requests]", *CLIENTS, "KNOWN")
        take(app, "serve")
        await press(pilot, "6")
        await sees(pilot, "python", "endpoint")
        take(app, "system")


def differs(shown: str) -> bool:
    """Whether what the tuned model says, on the right, is clearly nearer to what was written."""
    judged = JUDGED.search(shown)
    return judged is not None and float(judged[3] or 1) - float(judged[1]) >= 0.3


async def verb(box: Box, *arguments: str) -> Any:
    """The answer of one verb of the shell."""
    print("refact-tui", *arguments, file=sys.stderr)
    return await asyncio.to_thread(box.ok, *arguments, timeout=LONG_S)


def ask(box: Box, secrets: Sequence[str]) -> None:
    """Requests as editors make them, by each of the clients."""
    for number, prompt in enumerate(ASKED * 3):
        body = json.dumps({"prompt": prompt, "max_tokens": 16 + number, "temperature": 0.2}).encode()
        headers = {"Authorization": f"Bearer {secrets[number % len(secrets)]}", "Content-Type": "application/json"}
        asking = urllib.request.Request(f"http://127.0.0.1:{box.port}/v1/completions", body, headers)
        with urllib.request.urlopen(asking, timeout=LONG_S) as answer:
            answer.read()


async def until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    """Wait as long as a run may take."""
    end = time.monotonic() + LONG_S
    while not true():
        if time.monotonic() > end:
            app = pilot.app
            assert isinstance(app, RefactApp)
            raise SystemExit(f"It did not come to this:\n{screen_text(app)}")
        await pilot.pause(0.2)


async def sees(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all the texts are on the screen, and it has come to rest."""
    app = pilot.app
    assert isinstance(app, RefactApp)
    await until(pilot, lambda: all(text in screen_text(app) for text in texts))
    await pilot.pause(1.5)


def take(app: RefactApp, name: str) -> None:
    """Write what is on the screen; nothing is written that tells of this machine."""
    svg = bare(app.export_screenshot(title="refact-tui", simplify=True))
    if told := strangers(svg):
        raise SystemExit(f"{name} tells of this machine: {', '.join(told)}\n{screen_text(app)}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"docs/shots/{name}.svg  {len(svg) // 1024} KB", file=sys.stderr)


main()

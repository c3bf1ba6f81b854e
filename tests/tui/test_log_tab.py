"""The Log tab on a real engine: narrowed by level and text, following until one scrolls up."""

from textual.pilot import Pilot

from backend.bus import Bus
from backend.context import Context
from refact_tui.frame import RefactApp
from tests.tui.pilots import press, screen_text, sees, until

WRITTEN = [f"2026-11-24T09:00:{number:02}.000Z INFO line {number}" for number in range(60)]
WRITTEN[20:20] = [
    "2026-11-24T09:00:19.500Z ERROR GET /state broke",
    "Traceback (most recent call last):",
    "ValueError: \x1b[2Jno such thing",
    "2026-11-24T09:00:19.600Z WARNING the worker died",
]


def write(ctx: Context, *lines: str) -> None:
    """As the engine's own process does, told of by an event."""
    with ctx.paths.engine_log.open("a") as log:
        log.writelines(f"{line}\n" for line in lines)
    bus: Bus = ctx.bus
    for line in lines:
        bus.publish("log", {"at": "", "level": "info", "text": line})


async def opened(pilot: Pilot[str]) -> None:
    await sees(pilot, "● engine")
    await press(pilot, "6", "L")
    await sees(pilot, "line 59", "─ every level ─", "─ follows ─")


async def test_it_follows_until_one_scrolls_up(real: Context) -> None:
    write(real, *WRITTEN)
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        write(real, "2026-11-24T09:01:00.000Z INFO one more")
        await sees(pilot, "one more")
        await press(pilot, "g")
        await sees(pilot, "line 0", "stands still; G follows")
        write(real, "2026-11-24T09:01:01.000Z INFO and another")
        await pilot.pause(1.5)
        assert "line 0" in screen_text(app) and "and another" not in screen_text(app)
        await press(pilot, "G")
        await sees(pilot, "and another", "─ follows ─")


async def test_level_and_text_narrow_it(real: Context) -> None:
    write(real, *WRITTEN)
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "l")
        await sees(pilot, "─ warnings and errors ─", "warning the worker died", "error GET /state broke")
        await press(pilot, "l")
        await sees(pilot, "─ errors ─", "Traceback (most recent", "ValueError: ␛[2Jno such thing")
        await until(pilot, lambda: "worker died" not in screen_text(app), "errors only")
        await press(pilot, "slash", *"NO SUCH", "enter")
        await sees(pilot, "errors with NO SUCH", "ValueError")
        await until(pilot, lambda: "GET /state" not in screen_text(app), "lines with the text only")
        await press(pilot, "l")
        await press(pilot, "slash", "ctrl+u", *"nobody says this", "enter")
        await sees(pilot, "No line of the log's end is like that")
        await press(pilot, "escape")
        await sees(pilot, "─ every level ─", "line 59")

"""The Log tab on a real engine: narrowed by level and text, following until one scrolls up."""

from textual.pilot import Pilot

from backend import wire
from backend.bus import Bus
from backend.context import Context
from refact_tui.frame import RefactApp
from refact_tui.rooms.room import Room
from refact_tui.words_of_log import merged
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


async def test_an_error_that_was_told_can_be_read_again(real: Context) -> None:
    write(real, *WRITTEN)
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        room = app.room
        assert isinstance(room, Room)
        room.call(room.client.post("/jobs/4711/stop", None, wire.Job))
        await until(pilot, lambda: len(app.told) == 1, "the refusal")
        app.clear_notifications()
        write(real, "2026-11-24T09:01:00.000Z INFO one more")
        await sees(pilot, "error There is no job 4711.", "one more")
        await press(pilot, "slash", *"line 5", "enter")
        await until(pilot, lambda: "no job 4711" not in screen_text(app), "the lines with this text")


def test_the_screen_s_own_lines_stand_where_they_belong() -> None:
    def line(at: str, text: str) -> wire.LogLine:
        return wire.LogLine(at=at and f"2026-11-24T09:00:{at}", level="error", text=text)

    log = [line("01.000Z", "a"), line("", "goes on"), line("05.000Z", "b"), line("09.000Z", "c")]
    own = [line("00.500+00:00", "first"), line("03.500+00:00", "second"), line("09.100+00:00", "last")]
    told = [one.text for one in merged(log, own)]
    assert told == ["first", "a", "goes on", "second", "b", "c", "last"]
    assert [one.text for one in merged([], own, "S")] == ["first", "second", "last"]
    assert [one.text for one in merged(log, own, "secon")] == ["a", "goes on", "second", "b", "c"]

"""What `y` copies in each room: exactly what was meant, with the text shown for terminals that take no copies."""

import msgspec

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui import samples
from tests.tui import tuning_samples as tuning
from tests.tui.pilots import press, sees, until
from tests.tui.stub_engine import StubEngine

FAILED = wire.Job(
    id=30, kind="source", name="old-shop", state="failed", message="No such\x1b[2J host.", hint="Check it."
)
FINDING = wire.Finding(check="git", ok=False, finding="git is not installed.", remedy="Install git.")
LINE = wire.LogLine(at="2026-11-24T09:00:01.000Z", level="error", text="the worker \x1b[2J died")


async def test_each_room_copies_what_is_meant_and_shows_it(engine: StubEngine) -> None:
    engine.state = msgspec.structs.replace(samples.BUSY, jobs=[FAILED], runs=[tuning.RUN], checkpoints=tuning.POINTS)
    engine.answers = {
        **samples.ANSWERS,
        **tuning.answers(),
        "GET /scan/files/1": samples.PREVIEW,
        "GET /doctor": [FINDING],
        "GET /log": [LINE],
    }
    app = RefactApp(engine.paths)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:

        async def copies(wanted: str, shown: str) -> None:
            app.clear_notifications()
            await press(pilot, "y")
            await until(pilot, lambda: app.clipboard == wanted, f"{app.clipboard!r}, not {wanted!r}")
            await sees(pilot, "Copied", shown)

        await sees(pilot, "▌billing-api")
        await copies(samples.SOURCES[0].location, samples.SOURCES[0].location)
        await press(pilot, "2")
        await sees(pilot, "▌src/billing/file_0001.py")
        await copies(samples.PREVIEW.file.path, samples.PREVIEW.file.path)
        await press(pilot, "3")
        await sees(pilot, "trainer started")
        await copies("2026-11-24T09:05:00.000Z info trainer started", "The log.")
        await press(pilot, "6")
        await sees(pilot, "git is not installed.")
        await copies("git: git is not installed.\nInstall git.", "Install git.")
        await press(pilot, *["right_square_bracket"] * 2)
        await sees(pilot, "▌read old-shop")
        await copies("read old-shop: No such\x1b[2J host. Check it.", "No such␛[2J host. Check it.")
        await press(pilot, "L")
        await sees(pilot, "the worker ␛[2J died")
        await copies("2026-11-24T09:00:01.000Z error the worker \x1b[2J died", "1 line of the log.")

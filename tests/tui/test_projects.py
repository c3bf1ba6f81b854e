"""Projects by keyboard: the list, going to one, making and removing one; one project alone is never mentioned."""

from typing import Any

import msgspec
import pytest

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.pilots import screen_text, sees, until
from tests.tui.samples import ANSWERS, BUSY
from tests.tui.stub_engine import StubEngine

DEFAULT = wire.Project(name="default", shown=False, sources=4, files=12480, runs=2)
BILLING = wire.Project(name="billing", shown=True, sources=1, files=1204)


@pytest.fixture
def two(engine: StubEngine) -> StubEngine:
    def said(request: Any, body: Any) -> wire.Project:
        return BILLING

    engine.state = msgspec.structs.replace(BUSY, projects=[DEFAULT, BILLING])
    engine.answers = {
        **ANSWERS,
        "GET /projects": [DEFAULT, BILLING],
        "POST /projects": said,
        "POST /projects/default/use": said,
        "DELETE /projects/billing": {},
    }
    return engine


async def test_the_only_project_is_not_mentioned(engine: StubEngine) -> None:
    engine.state = msgspec.structs.replace(BUSY, projects=[msgspec.structs.replace(DEFAULT, shown=True)])
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        assert "project:" not in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_shown_project_is_named_and_another_is_a_key_away(two: StubEngine, size: tuple[int, int]) -> None:
    app = RefactApp(two.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "billing" if size[0] == 80 else "project: billing", "train billing-3 (default)")
        await pilot.press("P")
        await sees(pilot, "▸ billing", "1 source, 1 204 files", "4 sources, 12 480 files, 2 runs")
        await pilot.press("k", "enter")
        await until(pilot, lambda: bool(two.asked_for("POST /projects/default/use")), "the request")
        await until(pilot, lambda: "Projects" not in screen_text(app), "the closed dialog")
        two.state = msgspec.structs.replace(BUSY, projects=[msgspec.structs.replace(DEFAULT, shown=True), BILLING])
        two.publish("reset", {})
        await sees(pilot, "default")


async def test_making_and_removing_one(two: StubEngine) -> None:
    app = RefactApp(two.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "billing")
        await pilot.press("P")
        await sees(pilot, "▸ billing")
        await pilot.press("n", *"fresh", "enter")
        await until(pilot, lambda: two.asked_for("POST /projects") == [{"name": "fresh"}], "the request")
        await pilot.press("P")
        await sees(pilot, "▸ billing")
        await pilot.press("d")
        await sees(pilot, "Remove billing: 1 source and what was scanned go to the")
        await pilot.press("y")
        await until(pilot, lambda: bool(two.asked_for("DELETE /projects/billing")), "the request")


async def test_a_refusal_is_said_where_it_was_asked(two: StubEngine) -> None:
    body = wire.ErrorBody(code="conflict", message="There is a project called 'billing' already.", hint="Go to it.")
    two.answers["POST /projects"] = wire.ErrorAnswer(error=body)
    app = RefactApp(two.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "billing")
        await pilot.press("P", "n", *"billing", "enter")
        await sees(pilot, "There is a project called 'billing' already. Go to it.")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "Projects" not in screen_text(app), "the closed dialog")

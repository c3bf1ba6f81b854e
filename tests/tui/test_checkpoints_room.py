"""The Checkpoints room by keyboard: two that are compared, an export that is followed, the trash, and undo."""

from typing import Any

import msgspec
import pytest

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui import tuning_samples as samples
from tests.tui.pilots import screen_text, sees, until
from tests.tui.stub_engine import StubEngine

PLACES = "GET /train/runs/{}/places"
EXPORT = "POST /checkpoints/billing-3:40/export"


@pytest.fixture
def busy(engine: StubEngine) -> StubEngine:
    engine.state, engine.answers = samples.STATE, samples.answers()
    return engine


def models(busy: StubEngine) -> list[str]:
    return [body["model"] for body in busy.asked_for("POST /complete")]


async def test_a_checkpoint_is_held_against_the_base_place_by_place(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("c")
        await sees(pilot, "1 of 2  src/billing/refund.py:48", "return ▏self.ledger.reverse(invoice.id)▏")
        await sees(pilot, "✗ 0.54 alike", "✓ exact", "1 place seen: exact 0 ⟷ 1")
        await pilot.press("n")
        await sees(pilot, "2 of 2  src/billing/tax/eu.py:7", "2 places seen: exact 0 ⟷ 2")
        await pilot.press("n")
        await sees(pilot, "1 of 2", "self.process(invoice)")
        await pilot.press("p")
        await sees(pilot, "2 of 2")
        assert models(busy) == ["starter:base", "starter:billing-3:40"] * 2, "places seen are not asked again"
        asked = busy.asked_for("POST /complete")[0]
        assert (asked["wanted"], asked["stop"]) == ("self.ledger.reverse(invoice.id)", ["\n"])
        await pilot.press("right_square_bracket")
        await sees(pilot, "[Your own text]", "return 41")
        assert "seen" not in screen_text(app)
        await pilot.press("n")
        await sees(pilot, "    n")
        await pilot.press("escape")
        await sees(pilot, "[Held-out code]", "2 of 2")
        await pilot.press("escape")
        await sees(pilot, "(•) latest best")


async def test_two_marked_checkpoints_are_compared_where_both_were_held_out(busy: StubEngine) -> None:
    queries: list[str] = []

    def places(request: Any, _: object) -> Any:
        queries.append(request.url.query)
        return samples.PLACES

    busy.answers[PLACES.format("billing-2")] = places
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("space", "j", "j", "space")
        await sees(pilot, "●billing-3:40", "●billing-2:80")
        await pilot.press("k", "space")
        await sees(pilot, "billing-3:40 and billing-2:80 are marked")
        await pilot.press("c")
        await sees(pilot, "Compare billing-3:40 ⟷ billing-2:80", "1 place seen")
        assert queries == ["beside=billing-3"]
        assert models(busy) == ["starter:billing-3:40", "starter:billing-2:80"]


async def test_without_places_there_is_still_ones_own_text(busy: StubEngine) -> None:
    busy.answers[PLACES.format("billing-3")] = wire.ErrorAnswer(
        error=wire.ErrorBody(code="not_found", message="The list of the files of billing-3 is missing.")
    )
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("G", "c")
        await sees(pilot, "Put the cursor on a checkpoint")
        await pilot.press("g", "c")
        await sees(pilot, "[Your own text]", "load_settings", "return 41", "list of the files of billing-3 is missing")
        await pilot.press("escape")
        await sees(pilot, "(•) latest best")


async def test_an_export_is_followed_to_its_end_and_its_path_copied(busy: StubEngine) -> None:
    folder = "/home/ann/exports/billing-3-40-merged"

    def export(_: Any, body: dict[str, Any]) -> Any:
        if body["path"]:
            return wire.ErrorAnswer(
                error=wire.ErrorBody(code="conflict", message="/tmp is there already and not empty.")
            )
        return wire.Exported(path=folder, merged=body["merged"], job=21)

    busy.answers[EXPORT] = export
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("E")
        await sees(pilot, "(•) adapter", "a new one in")
        await pilot.press("shift+tab", *"/tmp", "enter")
        await sees(pilot, "✗ /tmp is there already and not empty.")
        await pilot.press(*["backspace"] * 4, "shift+tab", "space")
        await sees(pilot, "(•) merged")
        await pilot.press("ctrl+s")
        await sees(pilot, f"exporting billing-3:40 to {folder}")
        assert busy.asked_for(EXPORT)[-1] == {"path": "", "merged": True}
        job = wire.Job(id=21, kind="export", name="billing-3:40", state="running", message="merging into starter")
        busy.publish("job", job)
        await sees(pilot, "▶ export billing-3:40")
        busy.publish("job", msgspec.structs.replace(job, state="done"))
        await sees(pilot, "✓ billing-3:40 is in", "y copies the path")
        await pilot.press("y")
        assert app.clipboard == folder
        await pilot.press("j", "y")
        assert app.clipboard == samples.POINTS[1].path


async def test_an_export_that_fails_says_why(busy: StubEngine) -> None:
    busy.answers[EXPORT] = wire.Exported(path="/x", merged=False, job=21)
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("E")
        await sees(pilot, "Export billing-3:40")
        await pilot.press("enter")
        await sees(pilot, "exporting billing-3:40")
        failed = wire.Job(
            id=21, kind="export", name="billing-3:40", state="failed", message="No space.", hint="Free some."
        )
        busy.publish("job", failed)
        await sees(pilot, "✗ export of billing-3:40: No space. Free some.")


async def test_what_is_served_asks_for_its_name_and_leaves_the_base(busy: StubEngine) -> None:
    busy.state = msgspec.structs.replace(samples.STATE, runs=[msgspec.structs.replace(samples.RUN, state="stopped")])
    busy.answers |= {"DELETE /checkpoints/billing-3:40": {}, "POST /trash/billing-3:40/restore": {}}
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("d")
        await sees(pilot, "! starter serves it now: the base model will answer instead.")
        await pilot.press("tab", "enter")
        await pilot.pause(0.1)
        assert busy.asked_for("DELETE /checkpoints/billing-3:40") == []
        await pilot.press("d", *"billing-3:40", "enter")
        await until(pilot, lambda: bool(busy.asked_for("DELETE /checkpoints/billing-3:40")), "the deletion")
        assert [name for name, _ in busy.asked if name in ("POST /use", "DELETE /checkpoints/billing-3:40")] == [
            "POST /use",
            "DELETE /checkpoints/billing-3:40",
        ]
        assert busy.asked_for("POST /use") == [{"mode": "off", "checkpoint": None, "model": "starter"}]
        await sees(pilot, "u brings it back")
        await pilot.press("u")
        await until(pilot, lambda: bool(busy.asked_for("POST /trash/billing-3:40/restore")), "the return")
        assert busy.asked_for("POST /trash/billing-3:40/restore") == [{"kind": "checkpoint"}]
        await until(pilot, lambda: len(busy.asked_for("POST /use")) == 2, "serving again")
        assert busy.asked_for("POST /use")[1] == {"mode": "latest-best", "checkpoint": None, "model": "starter"}


async def test_another_is_deleted_by_a_key_and_a_living_runs_is_not(busy: StubEngine) -> None:
    busy.answers["DELETE /checkpoints/billing-2:80"] = {}
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("d")
        await sees(pilot, "billing-3 is running; stop it first: 3, then x.")
        await pilot.press("G", "d")
        await sees(pilot, "The base model cannot be deleted.")
        await pilot.press("k", "d")
        await sees(pilot, "Move billing-2:80 to the trash?", "the next best takes its place")
        await pilot.press("tab", "enter")
        await pilot.pause(0.1)
        assert busy.asked_for("DELETE /checkpoints/billing-2:80") == [], "Cancel has the focus"
        await pilot.press("d")
        await sees(pilot, "Move billing-2:80 to the trash?", "type billing-2:80 to agree")
        await pilot.press(*"billing-2", "colon", *"80", "enter")
        await until(pilot, lambda: bool(busy.asked_for("DELETE /checkpoints/billing-2:80")), "the deletion")


async def test_a_pin_is_set_shown_and_taken_back(busy: StubEngine) -> None:
    def pin(_: Any, body: dict[str, Any]) -> Any:
        return msgspec.structs.replace(samples.POINTS[1], pinned=body["pinned"])

    busy.answers["POST /checkpoints/billing-3:20/pin"] = pin
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await sees(pilot, "billing-3:40")
        await pilot.press("j", "asterisk")
        await sees(pilot, "billing-3:20 is pinned")
        points = [msgspec.structs.replace(one, pinned=one.step == 20) for one in samples.POINTS]
        busy.publish("checkpoints", {"checkpoints": points})
        await sees(pilot, "billing-3:20   ◆")
        await pilot.press("u")
        await until(pilot, lambda: len(busy.asked_for("POST /checkpoints/billing-3:20/pin")) == 2, "the undo")
        await pilot.press("G", "asterisk")
        await sees(pilot, "The base model is always kept.")
    assert [one["pinned"] for one in busy.asked_for("POST /checkpoints/billing-3:20/pin")] == [True, False]

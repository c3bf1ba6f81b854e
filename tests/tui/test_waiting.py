"""Whoever waits for an answer longer than a moment is told for how long by now, and no longer than that."""

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from refact_tui.widgets import waiting as module
from refact_tui.widgets.waiting import waiting, waiting_in_title


class Host(App[None]):
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Plan a run"
            yield Static()


async def until(said: list[str], count: int) -> None:
    for _ in range(400):
        if len(said) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(said)


async def test_it_is_said_at_once_and_then_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.02)
    app, said = Host(), list[str]()
    async with app.run_test():
        with waiting(app.query_one(Vertical), "completing…", said.append):
            assert said == ["completing…"]
            await until(said, 3)
        assert said[1] == "completing… 0s"
        count = len(said)
        await asyncio.sleep(0.1)
        assert len(said) == count
        quick = list[str]()
        with waiting(app.query_one(Vertical), "looking…", quick.append, at_once=False):
            assert quick == []
            await until(quick, 1)


async def test_a_title_says_it_and_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.02)
    app = Host()
    async with app.run_test():
        box = app.query_one(Vertical)
        with pytest.raises(RuntimeError), waiting_in_title(box, "planning…"):
            assert str(box.border_title) == "Plan a run"
            await asyncio.sleep(0.3)
            assert str(box.border_title) == "Plan a run · planning… 0s"
            with waiting_in_title(box, "starting…"):
                await asyncio.sleep(0.3)
                assert str(box.border_title).startswith("Plan a run · ")
            raise RuntimeError
        assert str(box.border_title) == "Plan a run"

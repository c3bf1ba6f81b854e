"""`checkpoints compare`: which places are asked for, how answers are judged, and what is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from refact_tui.cli import checkpoints_compare
from refact_tui.cli.tree import main
from refact_tui.client import Client
from tests.tui import tuning_samples as samples
from tests.tui.stub_engine import StubEngine, stub


async def run(engine: StubEngine, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(checkpoints_compare, "connect", lambda: Client(engine.paths))
    return await asyncio.to_thread(main, ["checkpoints", "compare", *arguments])


async def test_two_are_compared_where_both_were_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queries: list[Any] = []

    def places(request: Any, _: object) -> Any:
        queries.append(request.query_params.multi_items())
        return samples.PLACES

    async with stub(tmp_path).serve() as engine:
        engine.answers = samples.answers() | {
            "GET /checkpoints/billing-3:40": samples.POINTS[0],
            "GET /checkpoints/billing-2:80": samples.POINTS[2],
            "GET /train/runs/billing-2/places": places,
            "GET /train/runs/billing-3/places": places,
        }
        assert await run(engine, monkeypatch, "billing-3:40", "billing-2:80", "--places", "2", "--json") == 0
        assert queries == [[("count", "2"), ("beside", "billing-3")]]
        assert [body["model"] for body in engine.asked_for("POST /complete")] == [
            "starter:billing-3:40",
            "starter:billing-2:80",
        ] * 2
        told = json.loads(capsys.readouterr().out)
        assert (told["left"], told["right"], told["places"]) == ("billing-3:40", "billing-2:80", 2)
        assert await run(engine, monkeypatch, "billing-3:40", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert queries[1] == [("count", "20")]
        assert (told["left"], told["right"]) == ("base", "billing-3:40")
        assert told["exact_match"] == {"left": 0.0, "right": 1.0}
        assert told["edit_similarity"] == {"left": 0.54, "right": 1.0}
        assert told["details"][0]["left"] == {"text": "self.process(invoice)", "exact": False, "similarity": 0.54}
        assert await run(engine, monkeypatch, "billing-3:40") == 0
        text = capsys.readouterr().out
        assert "src/billing/refund.py:48  return▏" in text
        assert "base  ✗ 0.54  self.process(invoice)" in text and "2 places seen: exact 0 ⟷ 2" in text
        assert await run(engine, monkeypatch, "base") == 1

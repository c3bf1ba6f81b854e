"""Typed answers, errors in the engine's own words, and a stream that says when it ends."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from backend.paths import Paths
from refact_tui.client import AsyncClient, Client, EngineError, EngineUnreachable, EventReader, check_version
from tests.tui.samples import JOB
from tests.tui.stub_engine import ENGINE, StubEngine


async def test_answers_are_typed_and_errors_are_the_engines_own(engine: StubEngine) -> None:
    engine.answers["POST /use"] = wire.ErrorAnswer(
        error=wire.ErrorBody(code="conflict", message="Taken.", hint="Wait.")
    )
    client = AsyncClient(engine.paths)
    told = await client.get("/state", wire.State)
    assert told.engine == ENGINE
    with pytest.raises(EngineError) as caught:
        await client.post("/use", wire.Use(mode="off"), wire.Used)
    assert (caught.value.code, caught.value.message, caught.value.hint, caught.value.status) == (
        "conflict", "Taken.", "Wait.", 409,
    )  # fmt: skip
    assert engine.asked_for("POST /use") == [msgspec.to_builtins(wire.Use(mode="off"))]
    await client.close()


async def test_the_blocking_client_says_the_same(engine: StubEngine) -> None:
    def ask() -> wire.State:
        with Client(engine.paths) as client:
            return client.get("/state", wire.State, nothing=None)

    assert (await asyncio.to_thread(ask)).engine == ENGINE


async def test_the_stream_follows_and_breaks_in_words(engine: StubEngine) -> None:
    engine.publish("job", JOB)
    client = AsyncClient(engine.paths)
    seen = []
    async with aclosing(client.events(0)) as events:
        with pytest.raises(EngineUnreachable):
            async for event in events:
                seen.append(event)
                engine.hang_up()
    assert [(event.kind, event.data["id"]) for event in seen] == [("job", 7)]
    await client.close()


async def test_nobody_there(tmp_path: Path) -> None:
    client = AsyncClient(Paths(tmp_path))
    with pytest.raises(EngineUnreachable) as caught:
        await client.get("/state", wire.State)
    assert str(tmp_path) in caught.value.message
    await client.close()


def test_another_api_is_refused_with_the_remedy() -> None:
    with pytest.raises(EngineError) as caught:
        check_version(msgspec.structs.replace(ENGINE, api_version=99))
    assert (caught.value.code, caught.value.hint) == ("version", "refact-tui engine restart")


@given(st.lists(st.text(max_size=30), max_size=30))
def test_any_lines_are_survived(lines: list[str]) -> None:
    reader = EventReader()
    for line in lines:
        reader.line(line)
    reader.line("")
    assert [reader.line(line) for line in ("id: 5", "event: x", 'data: {"a":1}')] == [None] * 3
    assert reader.line("") == wire.Event(id=5, kind="x", data={"a": 1})

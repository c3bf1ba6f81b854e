"""A run for which there is no room beside what is served: refused, or served pauses, or it waits; never unasked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend import devices, wire
from backend.errors import BadRequest, NotReady
from backend.serve.hosting import Hosts
from backend.serve.request import CompletionRequest
from backend.train import run
from backend.train.plan import prepare
from tests.serve.chat_model import NAME, write_chat_model
from tests.train.engine_of_runs import SETTINGS, Engine, engine, model

__all__ = ["engine", "model"]

LITTLE, MUCH = 100_000_000, 64_000_000_000


class Memory:
    """What is free: little while the other model is hosted, unless something else gave some back."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts, self.freed = hosts, False

    def available(self) -> int:
        return MUCH if self.freed or self.hosts.host(NAME).state == "paused" else LITTLE


@pytest.fixture
async def memory(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory]:
    """The engine with a second model that really is hosted."""
    hosts = engine.ctx.hosts = Hosts(engine.ctx)
    engine.ctx.models[NAME] = write_chat_model(tmp_path / "chat")
    await hosts.take_up(NAME, wire.Placement())
    await until(lambda: hosts.host(NAME).state == "ready")
    # More than it really takes: what training needs here is little too.
    hosts.host(NAME).memory_bytes = MUCH
    memory = Memory(hosts)
    monkeypatch.setattr(devices, "memory_available", memory.available)
    yield memory
    await hosts.close()


async def until(holds: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def ask(hosts: Hosts) -> str:
    asked = CompletionRequest(prompt="x", model=NAME, max_tokens=3)
    return "".join([piece.text async for piece in hosts.generate(asked)])


def request(name: str, beside: wire.Beside = "") -> wire.StartRun:
    return wire.StartRun(name=name, steps=12, settings=SETTINGS, beside=beside)


async def test_it_is_refused_with_every_way_out(engine: Engine, memory: Memory) -> None:
    plan = (await prepare(engine.ctx, request("full"))).plan
    assert plan.in_the_way == [NAME] and plan.sentence.endswith(f"; or while {NAME} is not served")
    with pytest.raises(BadRequest) as refused:
        await run.start(engine.ctx, request("full"))
    assert "does not fit" in refused.value.message
    assert f"Or with {NAME} not served meanwhile: --beside pause." in refused.value.hint
    assert "--beside wait" in refused.value.hint
    assert await ask(memory.hosts) and not await run.list_runs(engine.ctx)


async def test_what_is_in_the_way_pauses_and_comes_back(engine: Engine, memory: Memory) -> None:
    await run.start(engine.ctx, request("paused", "pause"))
    await until(lambda: memory.hosts.host(NAME).state == "paused")
    with pytest.raises(NotReady, match=f"{NAME} is not served while paused trains"):
        await ask(memory.hosts)
    assert memory.hosts.show(NAME).detail and NAME in memory.hosts.models()
    await engine.until("paused", lambda one: one.state == "done")
    await until(lambda: memory.hosts.host(NAME).state == "ready")
    assert await ask(memory.hosts)


@pytest.mark.soak
async def test_a_run_that_is_stopped_gives_it_back_too(engine: Engine, memory: Memory) -> None:
    await run.start(engine.ctx, wire.StartRun(name="long", steps=5000, settings=SETTINGS, beside="pause"))
    await engine.until("long", lambda one: one.step > 0)
    await run.stop(engine.ctx, "long")
    await until(lambda: memory.hosts.host(NAME).state == "ready")


@pytest.mark.soak
async def test_it_waits_until_there_is_room(engine: Engine, memory: Memory) -> None:
    await run.start(engine.ctx, request("patient", "wait"))
    await engine.until("patient", lambda one: one.phase == "waiting for memory")
    assert await ask(memory.hosts), "nothing is evicted"
    memory.freed = True
    await engine.until("patient", lambda one: one.state == "done")


@pytest.mark.soak
async def test_who_waits_can_be_stopped(engine: Engine, memory: Memory) -> None:
    await run.start(engine.ctx, request("never", "wait"))
    await engine.until("never", lambda one: one.phase == "waiting for memory")
    assert (await run.stop(engine.ctx, "never")).state == "stopped"

"""A model that is hosted while it is downloaded: told how far it is, and loaded when it is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend import wire
from backend.errors import NotReady
from backend.jobs.queue import JobHandle
from backend.models import records
from backend.serve.hosting import Hosts
from backend.serve.request import CompletionRequest
from tests.serve.chat_model import NAME, write_chat_model
from tests.train.engine_of_runs import Engine
from tests.train.test_beside import until


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    engine = Engine(tmp_path / "home")
    await engine.up()
    found = engine.ctx.hosts = Hosts(engine.ctx)
    yield found
    await found.close()
    await engine.down()


async def row(hosts: Hosts, state: wire.ModelState, detail: str = "") -> None:
    await records.write(
        hosts._ctx,
        records.Row(NAME, "hub", "acme/chat", None, None, "", None, None, False, False, state, detail, None, ""),
    )


async def ask(hosts: Hosts) -> str:
    asked = CompletionRequest(prompt="x", model=NAME, max_tokens=3)
    return "".join([piece.text async for piece in hosts.generate(asked)])


async def test_it_is_told_of_and_then_loaded(hosts: Hosts, tmp_path: Path) -> None:
    there = asyncio.Event()

    async def download(handle: JobHandle) -> None:
        handle.progress(done=41, total=100)
        await there.wait()
        hosts._ctx.models[NAME] = write_chat_model(tmp_path / "chat")
        await row(hosts, "ready")

    await row(hosts, "downloading")
    await hosts._ctx.jobs.submit("model", NAME, download)
    await hosts.take_up(NAME, wire.Placement(context=512))
    await until(lambda: hosts.show(NAME).detail == "41 %")
    assert hosts.show(NAME).state == "downloading"
    with pytest.raises(NotReady, match=r"still downloading \(41 %\)"):
        await ask(hosts)
    there.set()
    await until(lambda: hosts.show(NAME).state == "ready")
    assert await ask(hosts) and hosts.show(NAME).context == 512


async def test_one_that_does_not_come_says_why_until_it_is_tried_again(hosts: Hosts, tmp_path: Path) -> None:
    await row(hosts, "downloading")
    await hosts.take_up(NAME, wire.Placement())
    await until(lambda: hosts.show(NAME).state == "downloading")
    await row(hosts, "failed", "the disk is full")
    await until(lambda: hosts.show(NAME).state == "failed")
    assert "the disk is full" in hosts.show(NAME).detail
    hosts._ctx.models[NAME] = write_chat_model(tmp_path / "chat")
    await hosts.retry(NAME)
    await until(lambda: hosts.show(NAME).state == "ready")
    again = Hosts(hosts._ctx)
    await again.restore()
    assert again.models() == ["starter", NAME]

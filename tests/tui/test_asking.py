"""Questions about code over the control API: from a model here and from one elsewhere, piece by piece or whole."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.models.records import Row, write
from refact_tui.asking import answer, who_chats
from refact_tui.client import AsyncClient, EngineError
from tests.serve.chat_model import NAME, write_chat_model
from tests.serve.other_server import events, other_server

CODE = "def add(a, b):\n    return a + b"


@pytest.fixture
async def client(real: Context) -> AsyncIterator[AsyncClient]:
    one = AsyncClient(real.paths)
    yield one
    await one.close()
    await real.hosts.close()


async def host_chat_model(real: Context, folder: Path) -> None:
    """Record and host the starter with a chat template."""
    real.models[NAME] = write_chat_model(folder)
    row = Row(
        name=NAME,
        kind="folder",
        location=str(folder),
        revision=None,
        commit_sha=None,
        path=str(folder),
        family=None,
        credential=None,
        allow_pickle=False,
        trust_remote_code=False,
        state="ready",
        detail="",
        found=None,
        added="2026-11-24T10:00:00.000Z",
    )
    await write(real, row)
    await real.hosts.take_up(NAME, wire.Placement())


def nothing(_: str) -> None:
    """Who waits for the end."""


@pytest.mark.slow
async def test_the_answer_comes_in_pieces_and_is_the_same_whole(
    real: Context, client: AsyncClient, tmp_path: Path
) -> None:
    await host_chat_model(real, tmp_path / NAME)
    question = wire.Ask(command="explain", code=CODE, max_tokens=16, temperature=0)
    told: list[str] = []
    said = await answer(client, question, told.append)
    assert said.text and said.text == told[-1] and len(told) > 1
    assert all(more.startswith(less) for less, more in pairwise(told))
    whole = await client.post("/ask", question, wire.Said, timeout_s=60)
    assert (whole.text, whole.model, whole.tokens) == (said.text, NAME, said.tokens)
    recent = real.hosts.statistics.recent
    alone = recent.list()[0].prompt_tokens
    before = [wire.Turn(role="user", text="Hello."), wire.Turn(role="assistant", text="Yes?")]
    await answer(client, wire.Ask(command="explain", code=CODE, max_tokens=2, before=before), nothing)
    assert recent.list()[0].prompt_tokens > alone
    told.clear()
    leaving = asyncio.create_task(answer(client, wire.Ask(said="import os"), told.append))
    while not told:  # noqa: ASYNC110 (the answer tells in its own time)
        await asyncio.sleep(0.002)
    leaving.cancel()
    async with asyncio.timeout(30):
        while real.hosts.waiting()[NAME]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert recent.list()[0].outcome == "cancelled" and leaving.cancelled()
    for wrong, words in (
        (wire.Ask(), "There is no question"),
        (wire.Ask(command="edit", code=CODE), "edit wants your own words too"),
        (wire.Ask(said="x", model="starter"), "does not chat"),
        (wire.Ask(command="dance", code=CODE), "no command called 'dance'"),
    ):
        with pytest.raises(EngineError, match=words):
            await answer(client, wrong, nothing)
    models = await client.get("/models", list[wire.Model])
    assert who_chats(models, await client.get("/elsewhere", list[wire.ModelElsewhere])) == [NAME]


def packet(text: str, **more: object) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}, **more}]}).encode()


async def test_a_model_elsewhere_answers_in_pieces_too(real: Context, client: AsyncClient) -> None:
    odd = [b'{"choices": 5}', b'{"choices": [{"delta": "x"}], "usage": "much"}', b'{"choices": []}']
    told: list[str] = []
    question = wire.Ask(said="Who?", model="there/m")
    with other_server(events(*odd, packet("A "), packet("box.", finish_reason="length"), b"[DONE]")) as server:
        real.paths.upstreams_toml.write_text(f'[there]\nurl = "{server.url}"\nmodels = ["m"]\n')
        said = await answer(client, question, told.append)
    assert told == ["A ", "A box."]
    assert said.text == "A box." and said.leaves_box and said.finish_reason == "length" and said.tokens == 2
    asked = json.loads(server.asked[0].partition(b"\r\n\r\n")[2])
    assert asked["stream"] is True and asked["messages"][-1] == {"role": "user", "content": "Who?"}
    with other_server(events(packet("A "))) as server:
        real.paths.upstreams_toml.write_text(f'[there]\nurl = "{server.url}"\nmodels = ["m"]\n')
        with pytest.raises(EngineError, match="before the end"):
            await answer(client, question, told.append)
    assert told[-1] == "A "
    assert who_chats([], await client.get("/elsewhere", list[wire.ModelElsewhere])) == ["there/m"]

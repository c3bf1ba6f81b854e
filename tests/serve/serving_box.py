"""The serving half of an engine with real workers, on a loop of its own, and checkpoints that no training made."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn
from safetensors.torch import save_file

from backend import wire
from backend.bus import Bus
from backend.checkpoints import catalog, switch
from backend.context import Context
from backend.errors import NotFound
from backend.models.catalog import STARTER, ModelInfo, starter
from backend.paths import Paths
from backend.serve.app import build
from backend.serve.host import Host
from backend.serve.hosting import Hosts
from backend.store.database import Database


def write_adapter(folder: Path, info: ModelInfo, seed: int, strength: float = 0.6) -> Path:
    """A PEFT adapter that changes every answer in a way of its own."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for number in range(info.layers):
        name = f"base_model.model.model.layers.{number}.mlp.down_proj"
        tensors[f"{name}.lora_A.weight"] = torch.randn(2, info.intermediate_size, generator=generator)
        tensors[f"{name}.lora_B.weight"] = torch.randn(info.hidden_size, 2, generator=generator) * strength
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2}))
    return folder


class Shelf:
    """Checkpoints that no training made, in place of the catalog's."""

    def __init__(self) -> None:
        self.rows: list[wire.Checkpoint] = []

    def put(self, run: str, step: int, path: Path, best: bool = False) -> wire.Checkpoint:
        row = wire.Checkpoint(
            id=f"{run}:{step}",
            model=STARTER,
            test_loss=1.0,
            best=best,
            served=False,
            size=1,
            made="",
            path=str(path),
            run=run,
            step=step,
        )
        self.rows.append(row)
        return row

    async def list_checkpoints(self, ctx: Any) -> list[wire.Checkpoint]:
        return list(self.rows)

    async def resolve(self, ctx: Any, name: str) -> wire.Checkpoint:
        for row in self.rows:
            if row.id == name:
                return row
        raise NotFound(f"There is no checkpoint {name}.")

    async def latest_best(self, ctx: Any, model: str) -> wire.Checkpoint | None:
        return next((row for row in self.rows if row.best and row.model == model), None)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("list_checkpoints", "resolve", "latest_best"):
            patch.setattr(catalog, name, getattr(self, name))


class Box:
    """The serving half of an engine on a loop of its own: hosts with real workers, and the public app on a socket."""

    def __init__(self, home: Path, shelf: Shelf) -> None:
        self.shelf, self.starter = shelf, starter()
        self.paths = Paths(home)
        self.paths.prepare()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ctx: Any = None
        self.call(self._open())

    def call(self, work: Coroutine[Any, Any, Any], timeout: float = 100) -> Any:
        """Run a coroutine on the box's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    async def _open(self) -> None:
        database = await Database.open(self.paths.database)
        self.ctx = Context(paths=self.paths, db=database, bus=Bus(), jobs=None, hosts=None, public_url="", started=0.0)  # type: ignore[arg-type]
        self.ctx.hosts = Hosts(self.ctx)
        await switch.restore(self.ctx)
        await self.ctx.hosts.start()
        config = uvicorn.Config(build(self.ctx), log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self.socket]))

    async def _close(self) -> None:
        self._server.should_exit = True
        await self.ctx.hosts.close()
        await self._serving
        await self.ctx.db.close()

    def close(self) -> None:
        self.call(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    @property
    def host(self) -> Host:
        return self.ctx.hosts.host(None)  # type: ignore[no-any-return]

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and text of one request to the public app; a body that is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)) as connection:
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def complete(self, **body: Any) -> dict[str, Any]:
        """A plain completion that must succeed."""
        status, text = self.ask("POST", "/v1/completions", {"temperature": 0, **body})
        assert status == 200, text
        return json.loads(text)  # type: ignore[no-any-return]

"""Handing a checkpoint out: its PEFT adapter as it is, or merged into the base model as one folder."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from backend import wire
from backend.checkpoints import catalog
from backend.context import Context
from backend.errors import BadRequest, Conflict, RefactError
from backend.jobs.process import spawn
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.models import catalog as models

EVERY_S = 0.5
"""Between two looks at how much has been written."""
NOTE = """# {name}

A {kind} made by refact-tui from the base model `{model}`; `meta.json` has its settings, losses and the fingerprint of
its data.

{use}
"""
ADAPTER = """With vLLM, beside the base model: `vllm serve BASE --enable-lora --lora-modules {run}={path}`.
With transformers: `PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), "{path}")`.
With llama.cpp: `convert_lora_to_gguf.py --base BASE {path}`, then `llama-server -m base.gguf --lora adapter.gguf`."""
MERGED = """With vLLM: `vllm serve {path}`.
With transformers: `AutoModelForCausalLM.from_pretrained("{path}")`.
With llama.cpp: `convert_hf_to_gguf.py {path}`, then `llama-server -m model.gguf`."""


async def export(ctx: Context, name: str, request: wire.Export) -> wire.Exported:
    """Begin to write a checkpoint to a new folder; the job tells when it is there.

    Raises BadRequest for a folder that cannot be, Conflict for one that has something in it, NotFound."""
    point = await catalog.resolve(ctx, name)
    path = Path(request.path) if request.path else ctx.paths.home / "exports" / _folder(point, request.merged)
    if not path.is_absolute():
        raise BadRequest(f"{request.path!r} is no whole path.", "Name the folder from / on.")
    if await asyncio.to_thread(lambda: path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise Conflict(f"{path} is there already and not empty.", "Name a new folder.")
    job = await ctx.jobs.submit("export", name, _working(ctx, point, path, request.merged), project=ctx.project_name)
    return wire.Exported(path=str(path), merged=request.merged, job=job.id)


def _folder(point: wire.Checkpoint, merged: bool) -> str:
    return f"{point.run}-{point.step}" + ("-merged" if merged else "")


def _working(ctx: Context, point: wire.Checkpoint, path: Path, merged: bool) -> Callable[[JobHandle], Awaitable[None]]:
    async def work(handle: JobHandle) -> None:
        beside = path.with_name(f".{path.name}.part")
        try:
            await asyncio.to_thread(shutil.rmtree, beside, True)
            if merged:
                await _merge(ctx, handle, point, beside)
            else:
                await asyncio.to_thread(shutil.copytree, point.path, beside)
            await asyncio.to_thread(_finish, point, beside, path, merged)
        except OSError as error:
            raise RefactError(
                f"{path} could not be written: {error.strerror or error}.", "Look at the disk's space and permissions."
            ) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, beside, True)
        handle.progress(message=f"in {path}")

    return work


async def _merge(ctx: Context, handle: JobHandle, point: wire.Checkpoint, beside: Path) -> None:
    """In a process of its own: the engine holds no torch. Raises Stopped, RefactError."""
    handle.phase(f"merging into {point.model}")
    log = ctx.paths.logs / "export.log"
    info = models.get(ctx, point.model)
    job = {"model": models.as_json(info), "adapter": point.path, "to": str(beside)}
    child = await spawn(ctx.paths, "backend.checkpoints.merge", json.dumps(job), log=log, nice=10)
    ended, told = asyncio.create_task(child.wait()), asyncio.create_task(handle.stop_requested.wait())
    telling = asyncio.create_task(_told(handle, beside, info.path))
    try:
        await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            raise Stopped
    finally:
        told.cancel()
        telling.cancel()
        await child.stop(5.0)
    if ended.result() != 0:
        raise RefactError("The merge did not succeed.", f"Its log says why: {log}")


async def _told(handle: JobHandle, beside: Path, base: Path) -> None:
    """Tell how much of the merged model has been written, which will be as much as its base takes, until cancelled."""
    total, begun = await asyncio.to_thread(_weights, base), 0.0
    while True:
        await asyncio.sleep(EVERY_S)
        if done := min(await asyncio.to_thread(_weights, beside), total):
            begun = begun or time.monotonic() - EVERY_S
            rate = done / (time.monotonic() - begun)
            handle.progress(
                message="writing the model",
                done=done,
                total=total,
                unit="bytes",
                rate=rate,
                eta_s=(total - done) / rate,
            )


def _weights(folder: Path) -> int:
    """Bytes of the weights in a folder, which may not be there yet."""
    try:
        return sum(file.stat().st_size for file in folder.glob("*") if file.suffix in (".safetensors", ".bin"))
    except OSError:  # it was renamed meanwhile
        return 0


def _finish(point: wire.Checkpoint, beside: Path, path: Path, merged: bool) -> None:
    kind, use = ("merged model", MERGED) if merged else ("LoRA adapter (PEFT)", ADAPTER)
    shutil.copyfile(Path(point.path) / "meta.json", beside / "meta.json")
    use = use.format(run=point.run, path=path)
    (beside / "README.md").write_text(NOTE.format(name=point.id, kind=kind, model=point.model, use=use))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.rmdir()
    beside.rename(path)

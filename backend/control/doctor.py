"""What the engine finds when it examines itself: each finding with what to do about it."""

import asyncio
import os
import platform
import shutil
import subprocess
from urllib.parse import urlsplit

from backend import devices, wire
from backend.context import Context
from backend.control.graphics import graphics
from backend.control.staying import staying
from backend.errors import RefactError
from backend.models import catalog as models
from backend.models import families
from backend.serve import toolbox, upstreams
from backend.serve.gate import is_loopback

LEAST_DISK, LEAST_MEMORY = 2_000_000_000, 2_500_000_000
"""Bytes: a few runs with their checkpoints; a small run in training beside a worker."""


async def findings(ctx: Context) -> list[wire.Finding]:
    """Every check in the order of the pipeline."""
    own = await asyncio.to_thread(_machine, ctx)
    return [*own, *_open(ctx), *_hosts(ctx)]


def _machine(ctx: Context) -> list[wire.Finding]:
    return [
        _python(),
        _git(),
        _disk(ctx),
        _memory(),
        *graphics(),
        _home(ctx),
        *staying(ctx.paths),
        *_models(ctx),
        *_own_files(ctx),
    ]


def _python() -> wire.Finding:
    return wire.Finding(check="python", ok=True, finding=f"Python {platform.python_version()}, {os.cpu_count()} cores.")


def _git() -> wire.Finding:
    if not shutil.which("git"):
        return wire.Finding(
            check="git", ok=False, finding="git is not installed.", remedy="Install git to add repositories."
        )
    said = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    return wire.Finding(check="git", ok=True, finding=f"{said}.")


def _disk(ctx: Context) -> wire.Finding:
    free = shutil.disk_usage(ctx.paths.home).free
    return wire.Finding(
        check="disk",
        ok=free >= LEAST_DISK,
        finding=f"{free / 1e9:.1f} GB free for {ctx.paths.home}.",
        remedy="" if free >= LEAST_DISK else "Free some space, or move the state folder (REFACT_TUI_HOME).",
    )


def _memory() -> wire.Finding:
    free = devices.memory_available()
    return wire.Finding(
        check="memory",
        ok=free >= LEAST_MEMORY,
        finding=f"{free / 1e9:.1f} GB available for training.",
        remedy=""
        if free >= LEAST_MEMORY
        else "Close other programs; training needs about 2 GB with the starter model.",
    )


def _home(ctx: Context) -> wire.Finding:
    mode = ctx.paths.home.stat().st_mode & 0o777
    closed = mode & 0o077 == 0
    return wire.Finding(
        check="state folder",
        ok=closed,
        finding=f"{ctx.paths.home} (mode {mode:o}).",
        remedy="" if closed else f"Others may read it: chmod 700 {ctx.paths.home}",
    )


def _models(ctx: Context) -> list[wire.Finding]:
    try:
        families.read(ctx.paths.models_toml)
        found = models.list_models(ctx)
    except RefactError as error:
        return [wire.Finding(check="model", ok=False, finding=error.message, remedy=error.hint)]
    return [
        wire.Finding(
            check="model",
            ok=True,
            finding=f"{one.name}: {one.parameters / 1e6:.1f} M parameters, context {one.context}.",
        )
        for one in found
    ]


def _open(ctx: Context) -> list[wire.Finding]:
    at = urlsplit(ctx.public_url)
    if is_loopback(at.hostname or ""):
        return []
    return [
        wire.Finding(
            check="keys",
            ok=True if at.scheme == "https" else None,
            finding=f"Other machines reach {ctx.public_url} with one of {len(ctx.hosts.keys.shown())} API keys.",
            remedy=""
            if at.scheme == "https"
            else "Keys and code travel in the clear: set tls_cert and tls_key (`settings set`), or use ssh -L.",
        )
    ]


def _own_files(ctx: Context) -> list[wire.Finding]:
    """What the user wrote about other servers and the toolbox, where it cannot be used, and whether keys are there."""
    found = []
    try:
        toolbox.read(ctx.paths.toolbox_toml)
        for name, server in upstreams.read(ctx.paths.upstreams_toml).items():
            upstreams.key(ctx, server)
            said = f"{name}: {server.url}; what is asked of its models leaves this box."
            found.append(wire.Finding(check="elsewhere", ok=None, finding=said))
    except RefactError as error:
        found.append(wire.Finding(check="elsewhere", ok=False, finding=error.message, remedy=error.hint))
    return found


def _hosts(ctx: Context) -> list[wire.Finding]:
    return [_host(ctx, one) for one in ctx.hosts.snapshot()]


def _host(ctx: Context, one: wire.Serving) -> wire.Finding:
    said = f"{one.model} is {one.state} on {ctx.public_url}, answering from {one.checkpoint or 'its base model'}."
    return wire.Finding(
        check="endpoint",
        ok=None if one.state == "loading" else one.state == "ready",
        finding=f"{said} {one.detail}".strip(),
        remedy="" if one.state != "failed" else f"Look at {ctx.paths.logs / 'worker.log'}.",
    )

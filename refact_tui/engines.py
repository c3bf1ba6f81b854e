"""Engines that a screen can be attached to: those that listen on this box, and the one that somebody names."""

import os
from pathlib import Path

from backend import wire
from backend.paths import Paths
from refact_tui.client import AsyncClient, EngineUnreachable, check_version
from refact_tui.launch import answers

TABLE = Path("/proc/net/unix")
"""The kernel's list of unix sockets, where it has one."""
LISTENS = 0x10000
SOCKET = Paths(Path("/")).socket.name


def listening(besides: Paths, table: str | None = None) -> list[Paths]:
    """The homes of other engines that answer this user, by the lines of `table`, else by the kernel's own."""
    if table is None:
        try:
            table = TABLE.read_text(errors="surrogateescape")
        except OSError:
            return []
    homes = {path.parent for line in table.splitlines()[1:] if (path := _listener(line)) is not None}
    found = [Paths(home) for home in sorted(homes) if home != besides.home]
    return [one for one in found if os.access(one.socket, os.R_OK | os.W_OK) and answers(one)]


def _listener(line: str) -> Path | None:
    """The socket of an engine in a line `Num: RefCount Protocol Flags Type St Inode Path`."""
    parts = line.split(maxsplit=7)
    if len(parts) < 8 or not int(parts[3], 16) & LISTENS:
        return None
    path = Path(parts[7])
    return path if path.is_absolute() and path.name == SOCKET else None


def named(text: str) -> Paths:
    """The home of an engine by its state folder or its socket. Raises EngineUnreachable where none can be there."""
    path = Path(text).expanduser().absolute()
    paths = Paths(path.parent if path.name == SOCKET else path)
    try:
        there = paths.socket.is_socket()
    except OSError as error:
        why = f"{path} cannot be looked at: {error.strerror}."
        raise EngineUnreachable(why, "It may be another user's.") from error
    if not there:
        hint = f"Name the state folder of one that runs, or its {SOCKET}."
        raise EngineUnreachable(f"No engine listens in {paths.home}.", hint)
    return paths


async def greet(paths: Paths) -> wire.EngineInfo:
    """Who answers there. Raises EngineUnreachable, and EngineError where it speaks another version."""
    client = AsyncClient(paths)
    try:
        found = await client.get("/version", wire.EngineInfo)
    finally:
        await client.close()
    check_version(found)
    return found

"""Keys and tokens for private repositories: files of mode 0600 in the state home; private parts leave it never.

An SSH key is made here (Ed25519); its public part may be shown at any time. A token is kept as it was given. Host keys
are pinned in a file of our own at the first connection.
"""

import asyncio
import os
import re
import sqlite3
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound, RefactError, Refused
from backend.paths import Paths
from backend.sources import hosts

NAME = re.compile(r"(?![-.])[\w.-]{1,40}", re.ASCII)
KEY, TOKEN = ".key", ".token"
KINDS: dict[str, wire.CredentialKind] = {KEY: "ssh-key", TOKEN: "token"}
LONGEST_TOKEN = 2000


async def told(ctx: Context) -> wire.Credentials:
    """Every one of them and every pinned host, with the sources that use them; nothing of it is secret.

    They belong to no project: a source of another than this one is named with its project."""
    rows = await ctx.db.fetch_all("SELECT project_id, name, location, credential FROM sources ORDER BY id")
    listed, pinned = await asyncio.to_thread(lambda: (_listed(ctx.paths), hosts.pinned(ctx.paths)))
    users: dict[str, list[str]] = {}
    guests: dict[str, list[str]] = {}
    for row in rows:
        users.setdefault(row["credential"] or "", []).append(_named(ctx, row))
        guests.setdefault((hosts.host_of(row["location"]) or "").lower(), []).append(_named(ctx, row))
    return wire.Credentials(
        credentials=[msgspec.structs.replace(one, used_by=users.get(one.name, [])) for one in listed],
        pinned=[
            wire.PinnedHost(host=host, fingerprints=keys, used_by=guests.get(host.lower(), []))
            for host, keys in sorted(pinned.items())
        ],
    )


async def publish(ctx: Context) -> None:
    """Tell every client how they stand, whichever project the change was in."""
    ctx.bus.publish("credentials", await told(ctx.inside(ctx.projects.shown)))


async def create_key(ctx: Context, name: str) -> wire.Credential:
    """Make an SSH key. Raises BadRequest for a name that is none, Conflict for a taken one."""
    path = _free(ctx.paths, name, KEY)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"refact-tui {name}", "-f", str(path)]
    try:
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=30)
    except OSError as error:
        raise RefactError("ssh-keygen is not installed on this box.", "Install the OpenSSH client.") from error
    if done.returncode:
        raise RefactError(f"The key could not be made: {done.stderr.strip()}.", "Look at the disk and its permissions.")
    await publish(ctx)
    return _shown(path)


async def keep_token(ctx: Context, name: str, token: str, replace: bool = False) -> wire.Credential:
    """Keep a token, or put it in the place of an older one.

    Raises BadRequest for one that cannot be one, Conflict for a name that is taken, NotFound for one to replace."""
    token = token.strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
        raise BadRequest(
            "That is no token: it is empty, very long, or has line breaks in it.", "Paste the token alone."
        )
    path = find(ctx.paths, name) if replace else _free(ctx.paths, name, TOKEN)
    if path.suffix != TOKEN:
        raise Conflict(f"{name} is an SSH key, and no token can take its place.", "Keep the token by another name.")
    draft = path.with_suffix(".draft")  # a reader finds the old one or the new one
    await asyncio.to_thread(draft.unlink, missing_ok=True)
    await asyncio.to_thread(_write, draft, token)
    draft.replace(path)
    await publish(ctx)
    return _shown(path)


async def remove(ctx: Context, name: str) -> None:
    """Forget one. Raises NotFound, or Refused while a source uses it."""
    path = find(ctx.paths, name)
    users = await ctx.db.fetch_all("SELECT project_id, name FROM sources WHERE credential = ?", (name,))
    if users:
        names = ", ".join(_named(ctx, row) for row in users)
        raise Refused(f"{name} is used by {names}.", "Remove those sources first.")
    for file in (path, path.with_name(path.name + ".pub")):
        await asyncio.to_thread(file.unlink, missing_ok=True)
    await publish(ctx)


def find(paths: Paths, name: str) -> Path:
    """The file of a credential. Raises NotFound, naming those that exist."""
    for suffix in KINDS:
        if NAME.fullmatch(name) and (path := paths.credentials / f"{name}{suffix}").is_file():
            return path
    known = ", ".join(one.name for one in _listed(paths)) or "none yet"
    raise NotFound(f"There is no credential called {name!r}.", f"Credentials: {known}.")


def git_environment(paths: Paths, name: str | None) -> dict[str, str]:
    """What git needs in its environment to use one credential and no other, with host keys pinned in a file of ours.

    Raises NotFound for one that is gone. Without a name ssh uses what it finds by itself."""
    hosts = f"-o UserKnownHostsFile={paths.known_hosts} -o StrictHostKeyChecking=accept-new -o HashKnownHosts=no"
    plain = f"ssh -o BatchMode=yes -o ConnectTimeout=20 {hosts}"
    if name is None:
        return {"GIT_SSH_COMMAND": plain}
    path = find(paths, name)
    if path.suffix == KEY:
        return {"GIT_SSH_COMMAND": f"{plain} -F /dev/null -o IdentitiesOnly=yes -o IdentityAgent=none -i {path}"}
    script = paths.credentials / "askpass"
    if not script.exists():
        # git asks for the user's name first, then for the password; any name does beside a token.
        _write(
            script, '#!/bin/sh\ncase "$1" in Username*) echo token ;; *) cat "$REFACT_TUI_TOKEN_FILE" ;; esac\n', 0o700
        )
    return {"GIT_SSH_COMMAND": plain, "GIT_ASKPASS": str(script), "REFACT_TUI_TOKEN_FILE": str(path)}


def _named(ctx: Context, row: sqlite3.Row) -> str:
    name, project = str(row["name"]), int(row["project_id"])
    return name if project == ctx.project else f"{name} ({ctx.projects.names.get(project, '')})"


def _listed(paths: Paths) -> list[wire.Credential]:
    if not paths.credentials.is_dir():
        return []
    found = []
    for path in sorted(paths.credentials.iterdir()):
        if path.suffix in KINDS and NAME.fullmatch(path.stem):
            with suppress(FileNotFoundError):  # removed while we look
                found.append(_shown(path))
    return found


def _shown(path: Path) -> wire.Credential:
    public = path.with_name(path.name + ".pub")
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    text = public.read_text(errors="replace").strip() if public.is_file() else ""
    return wire.Credential(
        name=path.stem,
        kind=KINDS[path.suffix],
        public_key=text,
        created=made,
        fingerprint=hosts.digest(text.split()[1]) if len(text.split()) > 1 else "",
    )


def _free(paths: Paths, name: str, suffix: str) -> Path:
    if not NAME.fullmatch(name):
        raise BadRequest(f"{name!r} cannot be a credential's name.", "Use up to 40 letters, digits, dots and dashes.")
    paths.credentials.mkdir(mode=0o700, exist_ok=True)
    if any((paths.credentials / f"{name}{one}").exists() for one in KINDS):
        raise Conflict(f"There is a credential called {name!r} already.", "Choose another name, or remove that one.")
    return paths.credentials / f"{name}{suffix}"


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)

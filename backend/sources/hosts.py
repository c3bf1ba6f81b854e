"""Pinned host keys: what a server showed at the first connection, in words, and forgotten on demand."""

import base64
import hashlib
import subprocess
from collections.abc import Sequence
from urllib.parse import urlsplit

from backend.paths import Paths

CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"


def host_of(location: str) -> str | None:
    """The server as ssh's files name it (`host`, or `[host]:port`); None for what goes another way than ssh."""
    if location.startswith("ssh://"):
        parts = urlsplit(location)
        return f"[{parts.hostname}]:{parts.port}" if parts.port and parts.port != 22 else parts.hostname
    if "://" not in location and "@" in location and not location.startswith("/"):
        return location.partition("@")[2].partition(":")[0]
    return None


def pinned(paths: Paths) -> dict[str, list[str]]:
    """`SHA256:… (ED25519)` of every key by the server's name; lines that a person has hashed or marked are left out."""
    try:
        lines = paths.known_hosts.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for words in (line.split() for line in lines):
        if len(words) >= 3 and not words[0].startswith(("#", "@", "|")):
            kind = words[1].removeprefix("ssh-").split("-")[0].upper()
            for host in words[0].split(","):
                found.setdefault(host, []).append(f"{digest(words[2])} ({kind})")
    return found


def digest(blob: str) -> str:
    """`SHA256:…` of a public key's base64 text, as ssh prints it; empty for what is none."""
    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def fingerprint(paths: Paths, host: str) -> str:
    """SHA256 fingerprints of the keys that are pinned for a host; empty where none is."""
    said = _keygen("-l", "-F", host, "-f", str(paths.known_hosts)).splitlines()
    found = [word for line in said if not line.startswith("#") for word in line.split() if word.startswith("SHA256:")]
    return ", ".join(found)


def forget(paths: Paths, host: str) -> list[str]:
    """Drop what is pinned for a host; the lines that said so, none where nothing was."""
    said = _keygen("-F", host, "-f", str(paths.known_hosts)).splitlines()
    lines = [line for line in said if line.strip() and not line.startswith("#")]
    if lines:
        _keygen("-R", host, "-f", str(paths.known_hosts))
        paths.known_hosts.with_name(paths.known_hosts.name + ".old").unlink(missing_ok=True)
    return lines


def pin(paths: Paths, host: str, lines: Sequence[str]) -> bool:
    """Pin what was forgotten; False where another key is pinned for the host by now."""
    if fingerprint(paths, host):
        return False
    paths.known_hosts.touch(mode=0o600)
    whole = paths.known_hosts.read_bytes()[-1:] in (b"", b"\n")
    with paths.known_hosts.open("a") as file:
        file.write(("" if whole else "\n") + "".join(f"{line}\n" for line in lines))
    return True


def _keygen(*arguments: str) -> str:
    try:
        done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout

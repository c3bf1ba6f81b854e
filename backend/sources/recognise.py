"""Understands what a person wants to add (git, folder, archive, file) and refuses the rest in words."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from backend.errors import BadRequest
from backend.sources import archive
from backend.sources.members import safe_text
from backend.wire import SourceKind

SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:(?!:)[^\s]+")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(::|://)")
REVISION = re.compile(r"(?!-)(?!.*\.\.)(?!.*@\{)[^\s~^:?*\[\\\x00-\x1f\x7f]{1,200}(?<!/)(?<!\.lock)(?<!\.)")
LINKED_FILE = re.compile(
    r"\.(?:py|js|jsx|ts|tsx|go|rs|c|h|cc|cpp|hpp|cs|java|kt|swift|rb|php|lua|pl|r|jl|scala|sh|sql|m|mm|zig|dart|ex|exs)$"
)
"""A link that ends so is one to a file of code; repositories' names do not."""
NAME_LENGTH = 60


@dataclass(frozen=True)
class Recognised:
    """What was pasted or typed, understood as a source."""

    kind: SourceKind
    location: str
    name: str
    """A name to propose: the last part of the location."""
    sentence: str


def recognise(what: str) -> Recognised:
    """What `what` is. Raises BadRequest for anything that is not allowed or not there."""
    what = what.strip()
    if not what:
        raise BadRequest("There is nothing to add.", "Give a git URL, or the path of a folder, an archive or a file.")
    if what.startswith("-"):
        raise BadRequest(
            f"{safe_text(what)!r} is no source: it begins with a dash.", "Write ./ before such a file name."
        )
    if "\x00" in what or "\n" in what:
        raise BadRequest("A source cannot have a line break or a zero byte in it.")
    if scheme := SCHEME.match(what):
        return _url(what, scheme[1].lower(), scheme[2])
    if SCP.fullmatch(what) and not Path(what).exists():
        return _git(what, what.rsplit(":", 1)[1])
    return _path(what)


def _url(what: str, scheme: str, mark: str) -> Recognised:
    if mark == "::" or scheme not in {"https", "ssh"}:
        hint = "For something on this box give its path." if scheme == "file" else "Use https:// or ssh://."
        raise BadRequest(f"{scheme}{mark} is not allowed for sources; https://, ssh:// and git@host:path are.", hint)
    parts = urlsplit(what)
    if not parts.hostname or parts.hostname.startswith("-") or (parts.username or "").startswith("-"):
        raise BadRequest(f"{safe_text(what)!r} names no host.", "A git URL looks like https://host/group/project.git.")
    if parts.password:
        raise BadRequest("The URL has a password in it, which would be stored and shown.", "Leave it out; use ssh.")
    if scheme == "https" and (kind := _linked(parts.path)):
        name = name_of(parts.path)
        return Recognised(kind, what, name, f"{kind} {name} at {safe_text(what)}, fetched once and at every sync")
    return _git(what, parts.path)


def _linked(path: str) -> SourceKind | None:
    """What a link to one file leads to, by its suffix; None for a repository."""
    low = path.lower()
    if low.endswith(archive.SUFFIXES):
        return "archive"
    return "file" if LINKED_FILE.search(low) and not low.endswith(".git") else None


def _git(what: str, path: str) -> Recognised:
    name = name_of(path)
    return Recognised("git", what, name, f"git repository {name} at {safe_text(what)}")


def _path(what: str) -> Recognised:
    path = Path(what).expanduser()
    if not path.is_absolute():
        raise BadRequest(
            f"{safe_text(what)!r} is neither a git URL nor an absolute path.", "Give the whole path, from /."
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise BadRequest(
            f"{safe_text(str(path))} {reason}.", "Check the path on the box where the engine runs."
        ) from error
    path = path.resolve()
    name, shown = name_of(path.name), safe_text(str(path))
    if stat.S_ISDIR(mode):
        if is_repository(path):
            return Recognised("git", str(path), name, f"git repository {shown} (what is committed)")
        return Recognised("folder", str(path), name, f"folder {shown}")
    if not stat.S_ISREG(mode):
        raise BadRequest(f"{shown} is neither a file nor a folder.", "Devices, pipes and sockets cannot be added.")
    try:
        packed = archive.recognise(path)
    except OSError as error:
        raise BadRequest(f"{shown} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if packed:
        return Recognised("archive", str(path), name, f"{packed} archive {shown}")
    return Recognised("file", str(path), name, f"single file {shown}")


def is_repository(path: Path) -> bool:
    """A work tree or a bare repository."""
    return (path / ".git").exists() or (
        (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()
    )


def name_of(path: str) -> str:
    """The last part of a path or URL without .git or an archive's suffix, as a name for a source."""
    last = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    for suffix in (".git", *sorted(archive.SUFFIXES, key=len, reverse=True)):
        if last.lower().endswith(suffix) and len(last) > len(suffix):
            last = last[: -len(suffix)]
            break
    return re.sub(r"[^\w.+-]+", "-", last).strip("-.")[:NAME_LENGTH] or "source"


def check_name(name: str) -> str:
    """`name` if it can be a source's name. Raises BadRequest otherwise."""
    if not re.fullmatch(r"(?![-.])[\w.+ -]{1,60}(?<! )", name):
        raise BadRequest(
            f"{safe_text(name)!r} cannot be a source's name.", "Use up to 60 letters, digits, dots, dashes and spaces."
        )
    return name


def check_branch(branch: str | None) -> str | None:
    """A branch or tag as git allows it. Raises BadRequest otherwise."""
    if branch and not REVISION.fullmatch(branch):
        raise BadRequest(f"{safe_text(branch)!r} cannot be the name of a branch or tag.")
    return branch or None


def check_subfolder(subfolder: str | None) -> str | None:
    """A relative folder without `..`. Raises BadRequest otherwise."""
    if not subfolder or not subfolder.strip("/"):
        return None
    parts = subfolder.strip("/").split("/")
    if subfolder.startswith(("/", "-")) or ".." in parts or "\x00" in subfolder or ":" in parts[0]:
        raise BadRequest(f"{safe_text(subfolder)!r} cannot be a subfolder: give a path inside the source.")
    return "/".join(part for part in parts if part not in {"", "."}) or None

"""Families of code models as data: what each supports, its fill-in-the-middle marks and order; a user's own beside."""

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from backend.errors import BadRequest

FimLayout = Literal["psm", "spm", "spm_contiguous", "spm_unmarked", "none"]
Ability = Literal["completion", "chat", "finetune"]
T = TypeVar("T")
OTHER, PLAIN = "other", "plain"
"""Names for a model of no known family: with marks that its tokenizer has, and without any."""
MARKS: dict[str, tuple[str, ...]] = {
    "psm": ("prefix", "suffix", "middle"),
    "spm": ("prefix", "suffix", "middle"),
    "spm_contiguous": ("prefix", "suffix", "middle"),
    "spm_unmarked": ("prefix", "suffix"),
    "none": (),
}
"""The marks that each layout needs."""


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the models of one family have in common; the fields are explained in families.toml."""

    layout: FimLayout
    eot: str
    title: str = ""
    match: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    by_name: bool = False
    prefix: str = ""
    suffix: str = ""
    middle: str = ""
    eos: str = ""
    bos: bool | None = None
    """Whether a text begins with the tokenizer's first token; None: as its own files say."""
    stops: tuple[str, ...] = ()
    supports: tuple[Ability, ...] = ("completion", "finetune")
    context: int = 4096
    licence: str = ""
    hub: tuple[str, ...] = ()
    memory: str = ""
    loss_threshold: float = 3.0
    languages: tuple[str, ...] | None = None
    """By their Linguist names; None means all."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Spellings of the marks that its layout needs."""
        return tuple(getattr(self, name) for name in MARKS[self.layout])


class OwnModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user says of one model: where it is to be found, and what is to be taken for another than what was found.

    Everything but `what` may be left out."""

    what: str | None = None
    family: str | None = None
    revision: str | None = None
    credential: str | None = None
    allow_pickle: bool | None = None
    trust_remote_code: bool | None = None
    context: int | None = None
    loss_threshold: float | None = None
    learning_rate: float | None = None
    languages: tuple[str, ...] | None = None
    supports: tuple[Ability, ...] | None = None
    licence: str | None = None


class Known(msgspec.Struct, frozen=True):
    """Every family by name, and what the user says of single models."""

    families: dict[str, Family]
    models: dict[str, OwnModel] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    families: dict[str, dict[str, Any]] = {}
    models: dict[str, dict[str, Any]] = {}


@cache
def shipped() -> dict[str, Family]:
    """The families that come with this version."""
    return msgspec.convert(
        tomllib.loads((Path(__file__).parent / "families.toml").read_text(encoding="utf-8")), dict[str, Family]
    )


def read(path: Path) -> Known:
    """The shipped families with those of the user's file, if there is one. Raises BadRequest naming the line."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return Known(shipped())
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.", "Look at its permissions.") from error
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Known:
    try:
        text = path.read_text(encoding="utf-8")
        found = msgspec.convert(tomllib.loads(text), _File)
        families = {**shipped(), **{name: _merged(name, own) for name, own in found.families.items()}}
        models = {name: _named(f"models.{name}", own, OwnModel) for name, own in found.models.items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadRequest(f"{path} is no TOML: {error}.", "Mend it, or move it away.") from error
    except msgspec.ValidationError as error:
        raise BadRequest(f"{path}, {_place(text, str(error))}.", "Mend it, or move it away.") from error
    return Known(families, models)


def _merged(name: str, own: dict[str, Any]) -> Family:
    """A user's family over the shipped one of its name. Raises msgspec.ValidationError that names the field."""
    before = msgspec.to_builtins(shipped()[name]) if name in shipped() else {}
    family = _named(f"families.{name}", {"title": name, **before, **own}, Family)
    missing = [mark for mark in (*MARKS[family.layout], "eot") if not getattr(family, mark)]
    if missing:
        what = f"Layout {family.layout} needs {', '.join(missing)}"
        raise msgspec.ValidationError(f"{what} - at `$.families.{name}.layout`")
    for pattern in family.match:
        try:
            re.compile(pattern)
        except re.error as error:
            what = f"{pattern!r} is no regular expression ({error})"
            raise msgspec.ValidationError(f"{what} - at `$.families.{name}.match`") from error
    return family


def _named(where: str, own: dict[str, Any], kind: type[T]) -> T:
    """One table as its struct. Raises msgspec.ValidationError whose path begins with the table's name."""
    try:
        return msgspec.convert(own, kind)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at `$")
        raise msgspec.ValidationError(f"{said} - at `$.{where}{at or '`'}") from error


def _place(text: str, error: str) -> str:
    """A sentence with the line that msgspec objects to: the one whose name is most of the path that it gives."""
    said, _, at = error.partition(" - at `$")
    where = at.strip("`.")
    unknown = re.search(r"unknown field `(.+?)`", said)
    wanted = f"{where}.{unknown[1]}".strip(".") if unknown else where
    line, most, table = 1, 0, ""
    for number, row in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*(.+?)\s*\]+\s*(#.*)?$", row)
        key = re.match(r"\s*([\w\"'-]+)\s*=", row)
        if head:
            table = re.sub(r"[\"']", "", head[1])
        name = f"{table}.{key[1]}".strip(".") if key else table
        if (head or key) and len(name) > most and f"{wanted}.".startswith(f"{name}."):
            line, most = number, len(name)
    return f"line {line}: {said}" + (f" ({where})" if where else "")

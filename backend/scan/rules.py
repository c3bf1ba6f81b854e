"""Why a file is no training data: the rules in their order, each a reason and a sentence; pure."""

from collections.abc import Callable
from functools import cache

from msgspec import Struct

from backend.scan.linguist.attributes import NOTHING, SAID_SO, Said
from backend.scan.linguist.detect import detect
from backend.scan.linguist.generated import generated
from backend.scan.linguist.vendored import vendored
from backend.scan.secrets import secret, signs
from backend.scan.shape import Signs, digits, has_more_digits
from backend.scan.text import decode, is_binary
from backend.scan.warnings import signs_of_keywords, warn

LARGEST = 512 * 1024
MOST_DIGITS = 0.30
RULES_VERSION = "5"
"""Changes with these rules or their tables, so that what was classified by older ones is classified again."""
POINTERS = ("version https://git-lfs.github.com/spec/v1\n", "version https://hawser.github.com/spec/v1\n")
LONGEST_POINTER = 1024
"""Characters, by the specification of Git LFS."""
NEVER = frozenset({"not_text", "linguist_error", "too_large", "not_code", "secrets", "duplicate"})
"""Reasons that no mask can overrule."""
BEFORE = frozenset({"generated", "vendored", "lots_of_digits"})
"""Reasons that an include mask overrules before the scan: they may be wrong guesses."""
ALWAYS = frozenset({"excluded_by_mask", "type_off", "loss_too_high", "filter_empty"})
ORDER = (
    "not_text",
    "linguist_error",
    "too_large",
    "not_code",
    "generated",
    "vendored",
    "lots_of_digits",
    "secrets",
    "excluded_by_mask",
    "type_off",
    "duplicate",
    "loss_too_high",
    "filter_empty",
)


class Judgement(Struct, frozen=True):
    """What the content and the path of one file say, before masks, switches and duplicates."""

    language: str | None
    text_ok: bool
    reason: str | None = None
    detail: str = ""
    secret: str = ""
    """The secret it holds, in words, also where a reason goes before it that a mask may overrule."""
    warnings: str = ""
    """As `warnings.warn` has them; of a file that may still be accepted."""


def judge(
    path: str, size: int, data: bytes | None, error: str = "", head: bytes = b"", said: Said = NOTHING
) -> Judgement:
    """The first rule that applies; what the project has `said` of the file goes before our own guesses.

    `data` is None for a file that is too large, of which `head` is the beginning, or could not be read (`error`)."""
    if is_binary(head if data is None else data):
        return Judgement(None, False, "not_text", "binary data")
    if error:
        return Judgement(None, False, "linguist_error", error)
    if data is None or size > LARGEST:
        return Judgement(None, False, "too_large", f"{size / 1024:,.0f} KiB; the limit is {LARGEST // 1024} KiB")
    text = decode(data)
    if text is None:
        return Judgement(None, False, "linguist_error", "no supported encoding decodes it")
    if text.startswith(POINTERS) and len(text) < LONGEST_POINTER:
        return Judgement(None, True, "not_code", "a Git LFS pointer: the file itself lies on the LFS server")
    found = said.language or detect(path, text)
    if found is None:
        return Judgement(None, True, "not_code", "no known language claims it")
    seen = _signs().found_in(text)
    guess, leak = _guess(path, text, said), secret(text, seen) or ""
    reason, detail = guess or ("secrets" if leak else None, leak)
    return Judgement(found, True, reason, detail, leak, "" if leak else warn(path, text, seen))


@cache
def _signs() -> Signs:
    """What secrets and warnings are told by, for one look at a text."""
    return Signs([*signs_of_keywords(), *signs()])


def _guess(path: str, text: str, said: Said) -> tuple[str, str] | None:
    """A reason that may be a wrong guess of ours, and its sentence."""
    if why := _unless_said(said.generated, lambda: generated(path, lambda: text)):
        return "generated", why
    if why := _unless_said(said.vendored, lambda: vendored(path)):
        return "vendored", why
    if has_more_digits(text, MOST_DIGITS):
        return "lots_of_digits", f"{digits(text):.0%} of its characters are digits; the limit is {MOST_DIGITS:.0%}"
    return None


def _unless_said(said: bool | None, guess: Callable[[], str | None]) -> str | None:
    """Why, in words: by the project's own word, or else by our guess."""
    if said is None:
        return guess()
    return SAID_SO if said else None


def may_include(reason: str, before: bool) -> bool:
    """Whether a person may take a file in all the same: by an include mask `before` the scan, or by hand afterwards."""
    return reason in ALWAYS or (before and reason in BEFORE)

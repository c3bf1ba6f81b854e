"""Lines that look like a secret in no known format: detect-secrets' keywords and entropy, which flag clean code too.

They refuse nothing: what they flag is kept as line and kind for a person to look at, and the value nowhere."""

import re
import string
from collections.abc import Collection, Iterator
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any

from backend.scan.secrets import ANY, PLACEHOLDER

KINDS = {
    "password": "looks like a password",
    "key": "looks like a key or secret",
    "random": "looks like a random token",
}
"""Name in the filter, and its words."""
ALONE = ((b"passw", "password"), (b"pwd", "password"), (b"contrase", "password"), (b"secret", "key"))
KEY_OF = (b"api", b"auth", b"service", b"account", b"db", b"database", b"priv", b"private", b"client")
PASS_OF = (b"db", b"database", b"key")
COMPOSED = (
    (b"key", tuple(word + joint for word in KEY_OF for joint in (b"", b"_")), "key"),
    (b"pass", tuple(word + joint for word in PASS_OF for joint in (b"", b"_")), "password"),
)
"""The keywords of detect-secrets in the form that is found fastest, so that its patterns are tried on few lines."""
SIGN = {word: f"\0{word.decode()}" for word, *_ in (*ALONE, *COMPOSED)}
"""By what each is told where the text was looked at; stands in no text itself."""
FIVES = {b"passw": ("asswo", "asswd"), b"secret": ("secre",), b"contrase": ("trase",)}
"""Five letters that other words seldom have."""
AROUND = 120
"""Characters on both sides of a keyword that are looked at."""
LABEL = re.compile(r"passw|pwd|secret|key|token|credential", re.IGNORECASE)
"""A value that says what it is for is a label or a name."""
SHORTEST = 4
QUOTED = re.compile(r"""(['"])([A-Za-z0-9+/_\-]{24,128}={0,2})\1""")
"""Shorter ones cannot have the entropy, longer ones are data."""
TOKEN = (string.ascii_letters + string.digits + "+/_-").encode()
CLASSES = bytes.maketrans(TOKEN + b"'\"", b"x" * len(TOKEN) + b"qq")
RUN = b"q" + b"x" * 24
"""What QUOTED begins with, once the characters are told by their class; few texts have one."""
DIGIT = re.compile(r"[0-9]")
HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
MOST_TRIES = 100
"""Places in a file that the detectors are tried on."""
MOST = 20
"""Warnings of one file that are kept."""
TOLD = 5
"""Lines of one kind that are told."""


def warn(path: str, text: str, seen: Collection[str] = tuple(SIGN.values())) -> str:
    """The lines that look like a secret, as `12:password 40:random`; empty where none does.

    `seen` is what a look for `signs_of_keywords` has found in the text."""
    raw = text.encode("latin-1", "replace")  # a byte a character, so that places agree
    found = dict(_random(text, raw))
    if words := [word for word, sign in SIGN.items() if sign in seen]:
        found.update(_named(path, text, raw.lower(), words))
    return " ".join(f"{line}:{kind}" for line, kind in sorted(found.items())[:MOST]) if found else ""


def signs_of_keywords() -> Iterator[tuple[bytes, str]]:
    """What each keyword is told by in a look at a text, in any case that names have, for `Signs`."""
    for word, fives in FIVES.items():
        yield from ((case.encode(), SIGN[word]) for five in fives for case in _cases(five))
    for word, owners, _ in COMPOSED:
        for joined in owners:
            owner = joined.decode().rstrip("_")
            joint = joined.decode()[len(owner) :]
            # The letters around the joint: those of the owner alone, or of the word alone, stand everywhere.
            pairs = product(_cases(owner), _cases(word.decode()))
            yield from (((one[-2 if joint else -3 :] + joint + then)[:5].encode(), SIGN[word]) for one, then in pairs)
    for case, byte in product(_cases("pwd"), ANY):
        yield from ((four, SIGN[b"pwd"]) for four in (case.encode() + byte, byte + case.encode()))


def _cases(word: str) -> tuple[str, str, str]:
    return word, word.title(), word.upper()


def told(warnings: str) -> list[str]:
    """What `warn` found in words, a sentence for each kind."""
    found = [one.partition(":") for one in warnings.split()]
    return [
        f"{words} on line{'s' if len(lines) > 1 else ''} {_listed(lines)} (not rejected)"
        for kind, words in KINDS.items()
        if (lines := [line for line, _, its in found if its == kind])
    ]


def _listed(lines: list[str]) -> str:
    more = len(lines) - TOLD
    return ", ".join(lines[:TOLD]) + (f" and {more} more" if more > 0 else "")


def _named(path: str, text: str, lower: bytes, words: Collection[bytes]) -> Iterator[tuple[int, str]]:
    """Values that are given to a name like `password`."""
    if not (places := sorted(_keywords(lower, words))):
        return
    detector, patterns = _detector(path)
    line, before, looked, tried = 1, 0, 0, 0
    for at, kind in places:
        if at < looked:
            continue
        begin, end = lower.rfind(b"\n", 0, at) + 1, lower.find(b"\n", at)
        looked = min(at + AROUND, end if end >= 0 else len(text))
        piece = text[max(begin, at - AROUND) : looked]
        line, before = line + lower.count(b"\n", before, at), at
        if any(not _harmless(value, piece) for value in detector.analyze_string(piece, patterns)):
            yield line, kind
        if (tried := tried + 1) >= MOST_TRIES:
            return


def _keywords(lower: bytes, words: Collection[bytes]) -> Iterator[tuple[int, str]]:
    """Where the keywords of these words stand."""
    for word, kind in [one for one in ALONE if one[0] in words]:
        at = lower.find(word)
        while at >= 0:
            yield at, kind
            at = lower.find(word, at + 1)
    for word, joined, kind in [one for one in COMPOSED if one[0] in words]:
        at = lower.find(word)
        while at >= 0:
            if lower.endswith(joined, 0, at):
                yield at, kind
            at = lower.find(word, at + 1)


def _harmless(value: str, line: str) -> bool:
    """A placeholder, a label, or something that is looked up elsewhere."""
    looks = import_module("detect_secrets.filters.heuristic")
    return bool(
        len(value) < SHORTEST
        or PLACEHOLDER.search(value)
        or LABEL.search(value)
        or looks.is_not_alphanumeric_string(value)
        or looks.is_sequential_string(value)
        or looks.is_templated_secret(value)
        or looks.is_prefixed_with_dollar_sign(value)
        or looks.is_indirect_reference(line)
    )


def _random(text: str, raw: bytes) -> Iterator[tuple[int, str]]:
    """Quoted strings of a token's length that are as mixed as one."""
    classes = raw.translate(CLASSES)
    at, line, before, tried = classes.find(RUN), 1, 0, 0
    while at >= 0 and tried < MOST_TRIES:
        found = QUOTED.match(text, at)
        if found and DIGIT.search(found[2]):
            tried += 1
            if _mixed(found[2]) and not PLACEHOLDER.search(found[2]):
                line += text.count("\n", before, at)
                before = at
                yield line, "random"
        at = classes.find(RUN, at + 1)


def _mixed(value: str) -> bool:
    """Whether its entropy is that of a token; identifiers and paths have less."""
    base64, hexadecimal = _entropies()
    if HEXADECIMAL.fullmatch(value):
        return bool(hexadecimal.calculate_shannon_entropy(value) > hexadecimal.entropy_limit)
    if value.islower() or value.isupper():
        return False
    looks = import_module("detect_secrets.filters.heuristic")
    return bool(
        base64.calculate_shannon_entropy(value) > base64.entropy_limit
        and not looks.is_sequential_string(value)
        and not looks.is_potential_uuid(value)
    )


def _detector(path: str) -> tuple[Any, Any]:
    """The detector of keywords, and its patterns for such a file: settings may leave quotes out, programs may not."""
    module = import_module("detect_secrets.plugins.keyword")
    kind = module.determine_file_type(path)
    return module.KeywordDetector(), module.REGEX_BY_FILETYPE.get(kind, module.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP)


@cache
def _entropies() -> tuple[Any, Any]:
    module = import_module("detect_secrets.plugins.high_entropy_strings")
    return module.Base64HighEntropyString(), module.HexHighEntropyString()

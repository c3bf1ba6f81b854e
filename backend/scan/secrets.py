"""Keys and tokens in known formats, which models memorise: detect-secrets' patterns on the lines that may hold one.

Entropy and keywords decide nothing here: they flag clean code. What is found is told by its kind and line, never
printed."""

import re
import string
from collections.abc import Collection, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from backend.scan.shape import Signs

UPPER = string.ascii_uppercase + string.digits
WORD = string.ascii_letters + string.digits + "-_="
ANY = tuple(bytes([code]) for code in range(256))
LONG_MARKS = {
    "AccountKey=": "untKe",
    "glpat-": "glpat",
    "gldt-": "gldt-",
    "glft-": "glft-",
    "glsoat-": "glsoa",
    "glrt-": "glrt-",
    "GR1348941": "GR134",
    "glcbt-": "glcbt",
    "glimt-": "glimt",
    "glptt-": "glptt",
    "glagent-": "glage",
    "gloas-": "gloas",
    "hooks.slack.com": "s.sla",
    "k_live_": "k_liv",
    "_authToken": "uthTo",
    "pypi-AgE": "i-AgE",
    "T3BlbkFJ": "T3Blb",
}
"""Marks, each with five letters of it such as other words seldom have."""
SHORT_MARKS = {
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), UPPER),
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), WORD),
    "xox": "abposrABPOSR",
    "eyJ": WORD,
    "SG.": WORD,
    "sq0": "c",
}
"""Marks that are shorter, and what may follow them in a secret."""
NAMES = {"wilio": "wilio", "iscord": "iscor"}
"""Services whose tokens have no mark: looked for on lines that name them."""
MARKS = (*LONG_MARKS, *SHORT_MARKS)
"""Every word that holds one of the secrets below has one of these."""
LOOKED_FOR = frozenset({*MARKS, *NAMES})
LONG = 20
"""Characters; no token is shorter, and most words of a program are."""
PLUGINS = (
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("jwt", "JwtTokenDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("twilio", "TwilioKeyDetector"),
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|[\s\"'+,\\])*"
    r"(?:(?:Proc-Type|DEK-Info|Version|Comment): [^\n]{0,200}\n\s*)*[A-Za-z0-9+/=]{40}"
)
"""The header alone is what programs look for; a key has a body too."""
PLACEHOLDER = re.compile(r"example|dummy|fake|placeholder|test|your|(.)\1{5}|0123456|1234567|abcdef", re.IGNORECASE)
LONGEST_LINE = 5000
"""Characters of a line that are looked at."""


def secret(text: str, seen: Collection[str] | None = None) -> str | None:
    """Which kind of secret stands on which line; None where none does.

    `seen` is what a look for `signs` has found in the text, where one was made."""
    if "-----BEGIN" in text and (found := PRIVATE_KEY.search(text)):
        return _told("private key", text.count("\n", 0, found.start()) + 1)
    if not (marks := _marks(text, seen)):
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if any(mark in line for mark in marks):
            for detector in _detectors():
                for told in detector.analyze_string(line[:LONGEST_LINE]):
                    if told and not PLACEHOLDER.search(str(told)):
                        return _told(detector.secret_type, number)
    return None


def _marks(text: str, seen: Collection[str] | None = None) -> list[str]:
    """The marks and names that stand in a text, the marks in a long word."""
    near = [mark for mark in (_look().found_in(text) if seen is None else seen) if mark in LOOKED_FOR and mark in text]
    if not near:
        return []
    words = " ".join([word for word in text.split() if len(word) >= LONG])
    return [mark for mark in near if mark in NAMES or mark in words]


def _told(kind: str, line: int) -> str:
    """Without a character of the secret itself."""
    return f"it holds a secret on line {line}: {kind}"


@cache
def _look() -> Signs:
    return Signs(signs())


def signs() -> Iterator[tuple[bytes, str]]:
    """What each mark is told by in a look at a text, for `Signs`."""
    yield from ((five.encode(), mark) for mark, five in {**LONG_MARKS, **NAMES}.items())
    for mark, following in SHORT_MARKS.items():
        yield from (((mark + after).encode(), mark) for after in following)
        if len(mark) == 3:
            yield from ((before + mark.encode(), mark) for before in ANY)


@cache
def _detectors() -> tuple[Any, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in PLUGINS)

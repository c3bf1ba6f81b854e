"""Keys and tokens in known formats, which models memorise: detect-secrets' patterns on the lines that may hold one.

Entropy and keywords decide nothing here: they flag clean code. What is found is told by its kind and line, never
printed."""

import re
import string
from functools import cache
from importlib import import_module
from typing import Any

from backend.scan.shape import Fours

UPPER_OR_DIGIT = string.ascii_uppercase + string.digits
WORD = string.ascii_letters + string.digits + "-_="
MARKS = (
    *("AKIA", "ASIA", "ABIA", "ACCA", "A3T", "AccountKey=", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "gldt-"),
    *("glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-", "xox", "eyJ"),
    *("hooks.slack.com", "k_live_", "SG.", "_authToken", "npm_", "pypi-AgE", "T3BlbkFJ", "sq0"),
)
"""Every word that holds one of the secrets below has one of these."""
NAMES = ("wilio", "iscord")
"""Services whose tokens have no mark: looked for on lines that name them."""
PARTS = (
    *("AKIA", "ASIA", "ABIA", "ACCA", "ntKe", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpa", "gldt", "glft", "glso"),
    *("glrt", "GR13", "glcb", "glim", "glpt", "glag", "gloa", "s.sl", "_liv", "thTo", "npm_", "i-Ag", "T3Bl", "ilio"),
    *("isco",),
)
"""Four letters of each mark and name, such as other words seldom have: most texts have none."""
SHORT = {"A3T": UPPER_OR_DIGIT, "xox": "abposrABPOSR", "eyJ": WORD, "SG.": WORD, "sq0": "c"}
"""Marks that are too short for that, and what may follow them in a secret."""
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


def secret(text: str) -> str | None:
    """Which kind of secret stands on which line; None where none does."""
    if "-----BEGIN" in text and (found := PRIVATE_KEY.search(text)):
        return _told("private key", text.count("\n", 0, found.start()) + 1)
    if not (marks := _marks(text)):
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if any(mark in line for mark in marks):
            for detector in _detectors():
                for told in detector.analyze_string(line[:LONGEST_LINE]):
                    if told and not PLACEHOLDER.search(str(told)):
                        return _told(detector.secret_type, number)
    return None


def _marks(text: str) -> list[str]:
    """The marks and names that stand in a text, the marks in a long word."""
    if not (parts := _parts().found_in(text)):
        return []
    near = [mark for mark in (*MARKS, *NAMES) if any(part in mark or part.startswith(mark) for part in parts)]
    if not (near := [mark for mark in near if mark in text]):
        return []
    words = " ".join([word for word in text.split() if len(word) >= LONG])
    return [mark for mark in near if mark in NAMES or mark in words]


def _told(kind: str, line: int) -> str:
    """Without a character of the secret itself."""
    return f"it holds a secret on line {line}: {kind}"


@cache
def _parts() -> Fours:
    return Fours([*PARTS, *(mark + next_ for mark, follow in SHORT.items() for next_ in follow)])


@cache
def _detectors() -> tuple[Any, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in PLUGINS)

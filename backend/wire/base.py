"""What every wire type shares: the version, the names of states, the base struct, errors."""

from typing import Literal

import msgspec

API_VERSION = 1
PROJECT_HEADER = "X-Refact-Project"
"""Name of the project that a request is about, where it is not the one that is shown."""
SetName = Literal["auto", "train", "test"]
CredentialKind = Literal["ssh-key", "token"]
SplitBy = Literal["time", "hash", "mixed", ""]
"""How held-out files were chosen: the most recently changed, by hash, each in some part, or none were."""
SourceKind = Literal["git", "archive", "folder", "file"]
SourceState = Literal["queued", "reading", "ready", "failed"]
JobKind = Literal["source", "scan", "train", "model", "export", "night", "warmup"]
ModelKind = Literal["starter", "folder", "hub"]
ModelState = Literal["queued", "downloading", "checking", "ready", "stopped", "failed"]
JobState = Literal["queued", "running", "done", "stopped", "failed"]
RunState = Literal["queued", "preparing", "running", "paused", "done", "stopped", "failed"]
Verdict = Literal["accepted", "rejected"]
ServeMode = Literal["off", "latest-best", "specific"]
Outcome = Literal["done", "failed", "refused", "cancelled"]
"""How a completion request ended: refused where too many came at once, cancelled where the client left."""
Fate = Literal["shown", "taken", "dismissed"]
HostState = Literal["downloading", "loading", "warming", "ready", "failed", "paused", "stopped"]
"""paused: a run trains that left no room beside it."""
HostDtype = Literal["auto", "fp32", "bf16", "fp16"]
HostQuantisation = Literal["none", "8bit", "4bit"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of all wire types: immutable, keyword-only."""


class ErrorBody(Struct, frozen=True, kw_only=True):
    """An error in words, with a code for scripts."""

    code: str
    message: str
    hint: str = ""


class ErrorAnswer(Struct, frozen=True, kw_only=True):
    """What the control API sends with every status of 400 and above."""

    error: ErrorBody

"""Sources and scan on the wire."""

from typing import Literal

import msgspec

from backend.wire.base import CredentialKind, JobState, SetName, SourceKind, SourceState, SplitBy, Struct, Verdict


class AddSource(Struct, frozen=True, kw_only=True):
    """What to bring in, and how."""

    what: str
    """A git URL, or an absolute path on this box."""
    name: str | None = None
    branch: str | None = None
    subfolder: str | None = None
    set: SetName = "auto"
    credential: str | None = None
    """Name of the key or token to fetch it with."""


class Understood(Struct, frozen=True, kw_only=True):
    """What `what` was recognised as, before anything is added."""

    kind: SourceKind
    name: str
    location: str
    sentence: str


class Source(Struct, frozen=True, kw_only=True):
    """One source, and what was found in it."""

    id: int
    name: str
    kind: SourceKind
    set: SetName
    state: SourceState
    files: int | None
    commit: str | None
    location: str = ""
    branch: str | None = None
    subfolder: str | None = None
    accepted: int | None = None
    added: str = ""
    synced: str | None = None
    credential: str | None = None
    host_key: str = ""
    """Fingerprint of the git server's pinned key."""
    detail: str = ""
    """Why it failed, or what of it was refused (links, absolute paths …)."""
    job: int | None = None


class Credential(Struct, frozen=True, kw_only=True):
    """A key or token, without what is secret."""

    name: str
    kind: CredentialKind
    public_key: str = ""
    """To be given to the git server; empty for a token."""
    created: str = ""
    fingerprint: str = ""
    """Of the public key, as ssh prints it; empty for a token."""
    used_by: list[str] = msgspec.field(default_factory=list)
    """Names of the sources that are fetched with it."""


class PinnedHost(Struct, frozen=True, kw_only=True):
    """A git server whose key has been known since the first connection to it."""

    host: str
    """`host`, or `[host]:port`."""
    fingerprints: list[str]
    """`SHA256:… (ED25519)`, one a key."""
    used_by: list[str] = msgspec.field(default_factory=list)


class Credentials(Struct, frozen=True, kw_only=True):
    """What sources are fetched with, and whom they are fetched from; nothing of it is secret."""

    credentials: list[Credential]
    pinned: list[PinnedHost]


class NewCredential(Struct, frozen=True, kw_only=True):
    """Keep a token, or make an SSH key."""

    name: str
    token: str | None = None
    """None: an SSH key is made."""
    replace: bool = False
    """Put the token in the place of the one of this name, for the sources that use it."""


class StartScan(Struct, frozen=True, kw_only=True):
    """Scan the project; `stage` 1 goes without a model."""

    stage: Literal[1, 2] = 2
    model: str | None = None


class LanguageCount(Struct, frozen=True, kw_only=True):
    """How many files are of a language, and whether they may be learnt from."""

    language: str
    files: int
    on: bool


class Scan(Struct, frozen=True, kw_only=True):
    """The newest scan of the project; `files == accepted + rejected`, `accepted == train + test`."""

    id: int
    state: JobState
    stage: int
    files: int
    accepted: int
    rejected: int
    reasons: dict[str, int]
    languages: dict[str, int]
    train: int
    test: int
    elapsed_s: float
    threshold: float
    stage1_accepted: int = 0
    warnings: int = 0
    """Accepted files with a line that looks like a secret."""
    model: str = ""
    histogram: list[int] = msgspec.field(default_factory=list)
    """Files per loss bucket of 0.25 nats, from 0; the last holds all above."""
    switches: list[LanguageCount] = msgspec.field(default_factory=list)
    split: SplitBy = ""
    detail: str = ""
    """E.g. "0 of 12 files accepted: 7 not_text, 5 too_large; nothing to train on"."""
    ended: str | None = None
    job: int | None = None


class ScanSettings(Struct, frozen=True, kw_only=True):
    """What a person has chosen; masks are gitignore patterns."""

    include: list[str] = msgspec.field(default_factory=list)
    exclude: list[str] = msgspec.field(default_factory=list)
    languages_on: list[str] = msgspec.field(default_factory=list)
    """On although they would be off by default."""
    languages_off: list[str] = msgspec.field(default_factory=list)
    threshold: float | None = None
    """None: the model's own."""


class Touched(Struct, frozen=True, kw_only=True):
    """What a mask would match."""

    files: int
    accepted: int


class ByHand(Struct, frozen=True, kw_only=True):
    """Files by number, or by path."""

    what: Literal["include", "exclude", "auto"]
    """`auto` leaves them to the rules again."""
    ids: list[int] = msgspec.field(default_factory=list)
    paths: list[str] = msgspec.field(default_factory=list)
    source: str | None = None


class ByHandDone(Struct, frozen=True, kw_only=True):
    """What came of it: the files that changed, and the scan with its new counts."""

    changed: list[int]
    before: list[Literal["include", "exclude", "auto"]] = msgspec.field(default_factory=list)
    """What was decided of each of them until then."""
    refused: list[str]
    """A sentence for each file that may not be included."""
    scan: Scan | None


class ScannedFile(Struct, frozen=True, kw_only=True):
    """One file, and what the scan made of it."""

    id: int
    path: str
    source: str
    language: str | None
    size: int
    verdict: Verdict
    reason: str | None
    detail: str
    """The reason in words; empty for an accepted file."""
    loss: float | None
    set: Literal["train", "test"] | None
    commits_ago: int | None = None
    """When it was last changed, where git tells."""
    warnings: list[str] = msgspec.field(default_factory=list)
    """Of an accepted file: lines that look like a secret, in words, without it."""


class FilePage(Struct, frozen=True, kw_only=True):
    """Some files of a filtered list."""

    rows: list[ScannedFile]
    total: int
    """Rows that match the filter."""
    after: int | None
    """Pass as `after` for the next page; None at the end."""


class FilePreview(Struct, frozen=True, kw_only=True):
    """A file as the screen opens it, with the loss of each line where there is one."""

    file: ScannedFile
    text: str
    """First 200 kB, decoded; empty where nothing may be shown."""
    line_losses: list[float | None] = msgspec.field(default_factory=list)
    note: str = ""

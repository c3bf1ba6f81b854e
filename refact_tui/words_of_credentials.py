"""Keys, tokens and pinned servers as the words and cells a person reads; pure."""

from collections.abc import Sequence

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.widgets.listing import Cell, Column, Row, fit

KEY_COLUMNS = (
    Column("NAME", 8),
    Column("KIND", 7, rank=2),
    Column("FINGERPRINT", rank=3),
    Column("MADE", 10, rank=4),
    Column("USED BY", 8, rank=1),
)
HOST_COLUMNS = (Column("HOST", 8), Column("FINGERPRINT", rank=2), Column("USED BY", 8, rank=1))
NO_KEYS = (
    f"No keys or tokens yet. Press {press('system.new')} to make one: "
    "it lets this box read a private repository, and nothing else. "
    "Public repositories need none."
)
NO_HOSTS = (
    "No server is pinned yet. The key that a git server shows at the first ssh connection is kept here, and another "
    "one is refused from then on."
)
KINDS: tuple[wire.CredentialKind, ...] = ("ssh-key", "token")
KIND_WORDS = {
    "ssh-key": "SSH key: Ed25519, made on this box, for ssh addresses",
    "token": "token: pasted here, for https addresses; never shown again",
}
SHORT = {"ssh-key": "SSH key", "token": "token"}
PLACES = (
    ("GitHub", "repository: Settings → Deploy keys, without write access"),
    ("", "(it takes a key for one repository only: make one for each)"),
    ("GitLab", "repository: Settings → Repository → Deploy keys"),
    ("Gitea", "repository: Settings → Deploy keys"),
    ("Bitbucket", "repository: Repository settings → Access keys"),
    ("others", "a line in ~/.ssh/authorized_keys of the address's user"),
)
ALL_KNOWN = (
    f"All that is known of it stands below; {press('system.copy')} copies the fingerprint, "
    f"{press('system.delete')} forgets it."
)
MOST = 6
"""Sources that a sentence names."""
WIDE = 110
"""Columns from which on a whole fingerprint has its place in a row."""


def next_kind(now: wire.CredentialKind) -> wire.CredentialKind:
    """The kind that follows."""
    return KINDS[(KINDS.index(now) + 1) % len(KINDS)]


def key_rows(credentials: Sequence[wire.Credential], width: int) -> list[Row]:
    """Keys and tokens in `width` cells."""
    return [
        Row(
            one.name,
            (
                (clean(one.name), "plain"),
                (SHORT[one.kind], "muted"),
                (short(one.fingerprint, width), "plain"),
                (made(one), "muted"),
                (users(one.used_by), "plain" if one.used_by else "muted"),
            ),
        )
        for one in credentials
    ]


def host_rows(pinned: Sequence[wire.PinnedHost], width: int) -> list[Row]:
    """Pinned servers in `width` cells."""
    return [
        Row(
            one.host,
            (
                (clean(one.host), "plain"),
                (short(next(iter(one.fingerprints), ""), width), "plain"),
                (users(one.used_by), "plain" if one.used_by else "muted"),
            ),
        )
        for one in pinned
    ]


def key_lines(one: wire.Credential) -> list[Cell]:
    """A key or token in sentences."""
    if one.kind == "token":
        lines: list[Cell] = [(f"a token for https addresses, kept since {made(one)}", "plain")]
        again = f"{press('system.edit')} puts a new one in its place when it runs out"
        lines.append((f"it is never shown again; {again}", "muted"))
    elif one.public_key:
        lines = [(f"an Ed25519 key for ssh addresses, made {made(one)}", "plain"), (clean(one.fingerprint), "plain")]
        lines.append((f"enter shows its public part and where to put it; {press('system.copy')} copies it", "muted"))
    else:
        lines = [(missing(one.name), "bad")]
    way = f"{press('frame.sources')}, then {press('sources.new')}"
    return [*lines, (_used(one.used_by) or f"no source uses it yet: {way}, adds one with it", "muted")]


def host_lines(one: wire.PinnedHost) -> list[Cell]:
    """A pinned server in sentences."""
    lines: list[Cell] = [(clean(fingerprint), "plain") for fingerprint in one.fingerprints]
    copies, forgets = press("system.copy"), press("system.delete")
    lines.append((f"Compare it with what its owner publishes; {copies} copies it. Another key is refused;", "muted"))
    lines.append((f"{forgets} forgets this one, when the owner says that it has changed.", "muted"))
    return [*lines, (_used(one.used_by) or "no source is fetched from it now", "muted")]


def new_words(kind: wire.CredentialKind, replaced: str) -> str:
    """What the dialog makes; `replaced` names the token that gets another value."""
    return f"token: in the place of what {clean(replaced)} was" if replaced else KIND_WORDS[kind]


def delete_words(one: wire.Credential) -> str:
    """The question before a key or token goes; only one that no source uses may go."""
    if one.kind == "token":
        last = "It stays valid until it is revoked at the server."
    else:
        last = "The server still lets it in: take its public part out of there too."
    what = f"{clean(one.name)} ({SHORT[one.kind]}, made {made(one)})"
    return f"Delete {what}? No source uses it.\n{last} It cannot be brought back."


def forget_words(one: wire.PinnedHost) -> str:
    """The question before a pinned key is forgotten, with the only good reason to."""
    keys = ", ".join(clean(fingerprint) for fingerprint in one.fingerprints)
    used = _used(one.used_by)
    return (
        f"Forget the key of {clean(one.host)}?\n{keys}\n{used}{'.' if used else ''}\n"
        "Do so only where its owner says that it has changed: the next key that the server shows is then pinned "
        "without a question. A change that nobody speaks of may be an attack."
    ).replace("\n\n", "\n")


def missing(name: str) -> str:
    """What to do about a key without its public part."""
    return f"The public part of {clean(name)} is gone from the disk: delete the key and make another."


def made(one: wire.Credential) -> str:
    """The day, in UTC."""
    return clean(one.created[:10]) or words.NONE


def short(fingerprint: str, width: int) -> str:
    """Its beginning, where the whole has no place."""
    if not fingerprint:
        return words.NONE
    return clean(fingerprint if width >= WIDE else f"{fingerprint[:15]}…")


def users(names: Sequence[str]) -> str:
    """The first, and how many more."""
    if not names:
        return words.NONE
    first = clean(names[0])
    return fit(first, min(cell_len(first), 20)).rstrip() + (f" +{len(names) - 1}" if len(names) > 1 else "")


def _used(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"used by {', '.join(map(clean, names[:MOST]))}{more}" if names else ""


def in_use(one: wire.Credential) -> str:
    """Why it cannot be deleted."""
    names = ", ".join(map(clean, one.used_by))
    return f"{clean(one.name)} is used by {names}: remove that first ({press('frame.sources')})."


def never_old(name: str) -> str:
    """Why a key is not replaced."""
    again = f"{press('system.delete')} deletes it, {press('system.new')} makes another"
    return f"{clean(name)} is a key: it does not run out. {again}."

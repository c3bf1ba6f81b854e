"""An engine's state as it is on a busy afternoon."""

import msgspec
from starlette.requests import Request

from backend import wire
from tests.tui.stub_engine import EMPTY

JOB = wire.Job(
    id=7,
    kind="source",
    name="payments",
    state="running",
    done=41,
    total=100,
    rate=12_700_000,
    unit="bytes",
    eta_s=9,
    message="cloning",
)
TRAINING = wire.Job(id=8, kind="train", name="billing-3", state="running", done=338, total=800, eta_s=1080)


def source(number: int, name: str, **fields: object) -> wire.Source:
    """A git source that is ready, but for what is said otherwise."""
    plain = wire.Source(
        id=number,
        name=name,
        kind="git",
        set="auto",
        state="ready",
        files=1204,
        accepted=1011,
        commit="9f3c1a2b" * 5,
        location=f"git@github.com:acme/{name}.git",
        branch="main",
        synced="2026-11-24T09:00:00.000+00:00",
    )
    return msgspec.structs.replace(plain, **fields)


PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8dIndvH2oKQ4GcVT1xgVZ4cnLHQJ3E+JzM1AOUAuVd refact-tui deploy-billing"
PRINT = "SHA256:QPK1ZSAkdCufZzXASkVGWrDM/rk56UkOxpHvioOKKyY"
GITHUB = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
CREDENTIALS = [
    wire.Credential(
        name="deploy-billing",
        kind="ssh-key",
        public_key=PUBLIC,
        created="2026-11-02T10:00:00+00:00",
        fingerprint=PRINT,
        used_by=["billing-api", "payments", "old-shop"],
    ),
    wire.Credential(name="ci", kind="token", created="2026-10-30T10:00:00+00:00"),
    wire.Credential(name="half", kind="ssh-key", created="2026-11-20T10:00:00+00:00"),
]
PINNED = [
    wire.PinnedHost(
        host="github.com", fingerprints=[f"{GITHUB} (ED25519)"], used_by=["billing-api", "payments", "old-shop"]
    ),
    wire.PinnedHost(host="[git.acme.example]:2222", fingerprints=[f"{PRINT} (RSA)"]),
]
SOURCES = [
    source(1, "billing-api", credential="deploy-billing", host_key=GITHUB),
    source(
        2,
        "legacy.tar.gz",
        kind="archive",
        set="train",
        files=311,
        accepted=240,
        commit=None,
        branch=None,
        location="/data/legacy.tar.gz",
        detail="3 members refused: 2 symbolic links, 1 absolute path",
    ),
    source(
        3,
        "heldout",
        kind="folder",
        set="test",
        files=42,
        accepted=40,
        commit=None,
        branch=None,
        location="/srv/heldout",
    ),
    source(
        4, "payments", branch="release/2", state="reading", files=None, accepted=None, commit=None, synced=None, job=7
    ),
    source(
        5,
        "old-shop",
        state="failed",
        files=None,
        accepted=None,
        commit=None,
        synced=None,
        detail="git refused the address: Repository not found. Check the URL and the key.",
    ),
]
SCAN = wire.Scan(
    id=1,
    state="done",
    stage=2,
    files=12480,
    stage1_accepted=9211,
    accepted=8730,
    rejected=3750,
    reasons={
        "duplicate": 1402,
        "vendored": 890,
        "not_text": 612,
        "loss_too_high": 481,
        "generated": 221,
        "too_large": 144,
    },
    languages={"Python": 6120, "TypeScript": 1870, "SQL": 740},
    train=8500,
    test=230,
    elapsed_s=312.0,
    threshold=3.0,
    model="starter",
    histogram=[0, 310, 1200, 1900, 2100, 1400, 800, 500, 300, 180, 90, 40, 110, 60, 40, 30, 80, 20, 10, 5, 30],
    switches=[
        wire.LanguageCount(language="Python", files=6120, on=True),
        wire.LanguageCount(language="TypeScript", files=1870, on=True),
        wire.LanguageCount(language="Markdown", files=720, on=False),
    ],
    split="time",
    detail="8 730 of 12 480 files accepted. Held out: the most recently changed.",
)
SERVING = wire.Serving(model="starter", mode="latest-best", checkpoint="billing-3:320", state="ready", context=2048)
BUSY = msgspec.structs.replace(
    EMPTY,
    jobs=[JOB, TRAINING],
    sources=SOURCES,
    scan=SCAN,
    serving=[SERVING],
    credentials=CREDENTIALS,
    pinned=PINNED,
)


def scanned(number: int, verdict: wire.Verdict = "accepted") -> wire.ScannedFile:
    """One row of the list of files."""
    good = verdict == "accepted"
    return wire.ScannedFile(
        id=number,
        path=f"src/billing/file_{number:04}.py",
        source="billing-api",
        language="Python",
        size=1000 + number * 37,
        verdict=verdict,
        reason=None if good else "duplicate",
        detail="" if good else "the same as src/billing/tax/uk.py",
        loss=0.5 + number % 40 / 20 if good else None,
        set="train" if good else None,
        commits_ago=number,
    )


FILES: list[wire.ScannedFile] = [scanned(number) for number in range(1, 501)] + [
    scanned(number, "rejected") for number in range(501, 601)
]


def page(request: Request, _: object) -> wire.FilePage:
    """`GET /scan/files` over FILES, by keyset as the engine does it."""
    asked = request.query_params
    rows = [file for file in FILES if file.verdict == asked["verdict"]]
    if "text" in asked:
        rows = [file for file in rows if asked["text"] in file.path]
    if "reason" in asked:
        rows = [file for file in rows if file.reason == asked["reason"]]
    after, offset, limit = int(asked.get("after", "0")), int(asked.get("offset", "0")), int(asked["limit"])
    shown = [file for file in rows if file.id > after][offset:][:limit]
    more = bool(shown) and shown[-1].id < rows[-1].id
    return wire.FilePage(rows=shown, total=len(rows), after=shown[-1].id if more else None)


TEXT = 'def total(invoice):\n    """Sum of the lines."""\n    return sum(line.amount for line in invoice.lines)\n'
PREVIEW = wire.FilePreview(file=scanned(1), text=TEXT, line_losses=[0.8, 1.1, 4.2])
ANSWERS = {"GET /scan/files": page, "GET /scan/files/1": PREVIEW}

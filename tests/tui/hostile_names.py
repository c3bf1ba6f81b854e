"""An engine whose every name came from strangers, as hypothesis makes them; and one with tame names just as wide."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st
from rich.cells import cell_len

from backend import wire
from refact_tui.signs import clean
from tests.tui import samples
from tests.tui import tuning_samples as tuning
from tests.tui.stub_engine import EMPTY

NAMES = 5
FILLERS = "ЖБЮЯЩ"
"""Letters that are nowhere on our screens: of these the tame names are made."""
PIECES = (
    *("\x1b[2J", "\x1b[31m", "\x1b]0;T\x07", "\x1b[9;9H", "\x9b5A", "\r", "\n", "\t", "\b", "\x00", "\x7f", "\u2028"),
    *("[red]", "[/]", "[link=x]", "[@click=app.quit]", "[bold", "\\[", "$text", "{x}", "%s"),
    *(
        "漢",
        "字",
        "한",
        "🦀",
        "👩\u200d💻",
        "👍🏽",
        "❤\ufe0f",
        "🇩🇪",
        "ﾊ",
        "¨",
        "e\u0301",
        "\u0301",
        "\u20dd",
        "की",
        "\u0300" * 9,
    ),
    *("\u200b", "\u200d", "\ufeff", "\u00ad", "\u3164", "\u202e", "\u202d", "\u2066", "\u2069", "\u200f"),
    *("שלום", "مرحبا", "\U000e0041", "a", "/", "..", "-", "x.py", ":", "'", '"', "…", "▌"),
)
piece = st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"])


def _said(pieces: Sequence[str]) -> str:
    return "".join(pieces)


def _bare(name: str) -> bool:
    """Whether words that hold it are wrapped as if it were one short word."""
    safe = clean(name)
    return 1 <= cell_len(safe) <= 9 and not any(one.isspace() for one in safe)


short = st.lists(piece, min_size=1, max_size=4).map(_said).filter(_bare)
long = st.lists(piece, min_size=20, max_size=60).map(_said)


def _batch(one: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(one, min_size=NAMES, max_size=NAMES, unique=True)


short_names, long_names = _batch(short), _batch(long)


def tame(names: Sequence[str]) -> list[str]:
    """Names as wide as these, of one letter each."""
    return [filler * cell_len(clean(name)) for filler, name in zip(FILLERS, names, strict=True)]


def _sources(names: Sequence[str]) -> list[wire.Source]:
    return [
        samples.source(
            number,
            name,
            branch=name,
            location=f"/srv/{name}",
            state="failed" if number == 1 else "ready",
            detail=f"git said {name}",
            credential=name,
            host_key=name,
        )
        for number, name in enumerate(names, 1)
    ]


def _runs(names: Sequence[str]) -> list[wire.Run]:
    return [
        msgspec.structs.replace(
            tuning.FAILED if number else tuning.DONE,
            run=name,
            model=name,
            reason=f"because of {name}",
            best_checkpoint=f"{name}:40",
            settings={"lora_r": 16, "target_modules": name},
        )
        for number, name in enumerate(names)
    ]


def state(names: Sequence[str]) -> wire.State:
    """Every list of every room holds every name."""
    kinds: tuple[wire.JobKind, ...] = ("train", "source", "model", "export", "warmup")
    jobs = [
        msgspec.structs.replace(samples.TRAINING, id=number, kind=kind, name=name, message=name, project=name)
        for number, (kind, name) in enumerate(zip(kinds, names, strict=True), 1)
    ]
    scan = msgspec.structs.replace(
        samples.SCAN,
        model=names[0],
        detail=f"held out: {names[1]}",
        reasons={name: 500 - number for number, name in enumerate(names)},
        switches=[wire.LanguageCount(language=name, files=900 - number, on=True) for number, name in enumerate(names)],
    )
    return msgspec.structs.replace(
        EMPTY,
        engine=msgspec.structs.replace(EMPTY.engine, version=names[0]),
        jobs=jobs,
        sources=_sources(names),
        scan=scan,
        runs=_runs(names),
        checkpoints=[
            tuning.point(name, 40, model=name, path=f"/runs/{name}", best=number == 1, made="2026-11-23T09:50:00.000Z")
            for number, name in enumerate(names)
        ],
        serving=[msgspec.structs.replace(samples.SERVING, model=name, checkpoint=f"{name}:40") for name in names],
        projects=[wire.Project(name=name, shown=number == 0, files=7) for number, name in enumerate(names)],
        credentials=[
            wire.Credential(name=name, kind="ssh-key", public_key=name, fingerprint=name, used_by=[name])
            for name in names
        ],
        pinned=[wire.PinnedHost(host=name, fingerprints=[name], used_by=[name]) for name in names],
        keys=[wire.ApiKey(name=name, hint=name, created="2026-11-02T10:00:00.000Z") for name in names],
        settings=[
            wire.ServeSetting(name=name, value=name, default=name, meaning=name, limits=name, at_once=True)
            for name in names
        ],
    )


def answers(names: Sequence[str]) -> dict[str, Any]:
    """What the engine says when it is asked."""
    files = [
        msgspec.structs.replace(
            samples.scanned(number),
            path=f"src/{name}",
            source=name,
            language=name,
            warnings=[name],
            detail=name,
        )
        for number, name in enumerate(names, 1)
    ]
    refused = wire.ErrorAnswer(error=wire.ErrorBody(code="failed", message=f"No: {names[2]}.", hint=f"Try {names[3]}."))
    usage = [wire.Usage(model=name, checkpoint=f"{name}:40", key=name, requests=3) for name in names]
    asked = [
        wire.Asked(
            number=number,
            at="2026-11-24T09:05:01.120Z",
            key=name,
            model=name,
            checkpoint=f"{name}:40",
            outcome="done",
            prompt_tokens=812,
            tokens=9,
            first_token_ms=41.4,
            total_ms=163.9,
            fate=None,
        )
        for number, name in enumerate(names, 1)
    ]
    return {
        **tuning.answers(),
        "GET /scan/files": wire.FilePage(rows=files, total=len(files), after=None),
        "GET /scan/files/1": wire.FilePreview(file=files[0], text=f"one\n{names[0]}\nthree\n", line_losses=[1.0, 9.0]),
        "GET /doctor": [wire.Finding(check=name, ok=False, finding=name, remedy=name) for name in names],
        "GET /log": [wire.LogLine(at="2026-11-24T09:00:00Z", level="info", text=name) for name in names],
        "GET /requests": asked,
        "GET /stats": wire.Stats(days=1, since="2026-11-24", total=usage[0], checkpoints=usage, keys=usage),
        "POST /sources/refused/sync": refused,
    }

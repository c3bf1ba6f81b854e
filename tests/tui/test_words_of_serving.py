"""A hosted model that does not answer yet says how far it is or since when; so do models on their way to this box."""

from datetime import UTC, datetime

import msgspec
from rich.cells import cell_len

from backend import wire
from refact_tui.words_of_serving import coming_lines, host_state
from tests.tui.samples import SERVING

NOW = datetime(2026, 11, 24, 9, 1, 10, tzinfo=UTC)
MODEL = wire.Job(
    id=1,
    kind="model",
    name="qwen\x1b[2J",
    state="running",
    done=300,
    total=1200,
    unit="bytes",
    message="downloading a.safetensors",
)


def test_a_state_says_how_far_or_since_when() -> None:
    since = "2026-11-24T09:00:00.000Z"
    told = {
        state: host_state(msgspec.structs.replace(SERVING, state=state, since=since, detail="41 %"), NOW)[0]
        for state in ("downloading", "loading", "warming", "ready")
    }
    assert told == {
        "downloading": "◌ downloading 41 %",
        "loading": "◌ loading 1m10s",
        "warming": "◌ warming 1m10s",
        "ready": "● ready",
    }
    assert host_state(msgspec.structs.replace(SERVING, state="loading"), NOW)[0] == "◌ loading"


def test_models_that_are_being_added_have_a_line_each() -> None:
    queued = msgspec.structs.replace(MODEL, id=2, name="other", state="queued", message="")
    scan = msgspec.structs.replace(MODEL, id=3, kind="scan")
    lines = coming_lines([MODEL, scan, queued], 78)
    assert len(lines) == 2 and all(cell_len(line) <= 78 for line in lines)
    assert lines[0].startswith("◌ qwen␛[2J: downloading a.safetensors") and "25%" in lines[0]
    assert lines[1] == "◌ other: waits for its turn"

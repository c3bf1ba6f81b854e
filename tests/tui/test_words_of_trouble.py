"""What is said where something went wrong: what, why, and what to press."""

from typing import get_args

import msgspec
import pytest

from backend import wire
from refact_tui.registry import Registry
from refact_tui.state import EngineState
from refact_tui.widgets.lost_line import lost_words
from refact_tui.words_of_jobs import AGAIN, job_lines
from refact_tui.words_of_scan import scan_line
from refact_tui.words_of_serving import trouble
from tests.tui.samples import SCAN
from tests.tui.states import GONE, READY
from tests.tui.stub_engine import ENGINE


def test_a_lost_engine_says_why_and_how_old_it_all_is() -> None:
    lost = EngineState(engine=ENGINE, link="lost", trouble="It \x1b[2J died.", down_since=100.0)
    assert lost_words(lost, 175.0) == "✗ It ␛[2J died. What is shown is 1m old; the engine is asked again by itself."
    never = EngineState(link="lost", trouble="Port taken.", down_since=100.0)
    assert lost_words(never, 175.0).startswith("✗ Port taken. There is nothing to show before it answers")
    assert lost_words(EngineState(engine=ENGINE, link="retrying", trouble="x"), 1.0) == ""
    assert lost_words(EngineState(engine=ENGINE, link="up"), 1.0) == ""


def test_the_model_under_the_cursor_tells_its_trouble_first() -> None:
    paused = msgspec.structs.replace(GONE, model="small", state="paused", detail="small is not served while a trains.")
    hosts = [READY, GONE, paused]
    said = f"✗ {GONE.model}: {GONE.detail} · R loads it again, e places it elsewhere"
    for chosen in ("starter", GONE.model):
        told, tone = trouble(hosts, chosen)
        assert (Registry().told(told), tone) == (said, "bad")
    assert trouble(hosts, "small") == ("‖ small is not served while a trains.", "muted")
    assert trouble([READY], "starter")[0] == ""


@pytest.mark.parametrize("kind", get_args(wire.JobKind))
def test_a_failed_job_says_where_it_is_begun_again(kind: wire.JobKind) -> None:
    job = wire.Job(id=1, kind=kind, name="a", state="failed", message="No.", ended="2026-11-24T09:00:00Z")
    assert job_lines(job, 80)[0] == ("No.", "bad")
    assert job_lines(job, 80)[1][0].endswith(AGAIN.get(kind, " ago"))
    done = job_lines(msgspec.structs.replace(job, state="done"), 80)
    assert not any(again in line for again in AGAIN.values() for line, _ in done)


def test_a_scan_says_when_it_was_where_there_is_room() -> None:
    scan = msgspec.structs.replace(SCAN, ended="2026-11-24T09:00:00Z")
    assert scan_line(scan, None, 200)[0].startswith(f"{scan.detail} Scanned ")
    assert scan_line(scan, None, 80)[0] == scan.detail
    assert scan_line(SCAN, None, 200)[0] == SCAN.detail

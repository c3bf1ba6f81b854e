"""Keys, pinned servers and jobs in words."""

import msgspec

from backend import wire
from refact_tui import words_of_credentials as say
from refact_tui import words_of_jobs as jobs
from tests.tui.samples import CREDENTIALS, GITHUB, PINNED, PRINT

KEY, TOKEN, _ = CREDENTIALS


def test_a_fingerprint_is_whole_where_there_is_room() -> None:
    assert say.short(PRINT, 120) == PRINT
    assert say.short(PRINT, 80) == "SHA256:QPK1ZSAk…"
    assert say.short("", 120) == say.made(msgspec.structs.replace(KEY, created="")) == "–"


def test_users_are_named_as_far_as_there_is_room() -> None:
    assert [say.users(names) for names in ([], ["a"], ["a", "b", "c"])] == ["–", "a", "a +2"]
    assert say.users(["x" * 50]) == "x" * 19 + "…"
    many = msgspec.structs.replace(KEY, used_by=[f"s{number}" for number in range(9)])
    assert say.key_lines(many)[-1][0] == "used by s0, s1, s2, s3, s4, s5 and 3 more"


def test_questions_say_what_is_lost() -> None:
    assert "revoked at the server" in say.delete_words(TOKEN)
    assert "take its public part out of there" in say.delete_words(KEY)
    assert GITHUB in say.forget_words(PINNED[0]) and "old-shop." in say.forget_words(PINNED[0])
    assert "\n\n" not in say.forget_words(PINNED[1]) and "used by" not in say.forget_words(PINNED[1])


def test_a_job_says_how_it_ended() -> None:
    job = wire.Job(id=1, kind="source", name="a", state="done", started="2026-11-24T09:00:00.000Z")
    assert jobs.job_lines(job, 78) == []
    ended = msgspec.structs.replace(job, ended="2026-11-24T09:01:02.000Z", message="3 files")
    said = jobs.job_lines(ended, 78)
    assert said[0][0] == "3 files" and said[1][0].endswith("ago, after 1m02s")
    assert "after" not in jobs.job_lines(msgspec.structs.replace(ended, started=None), 78)[-1][0]
    assert "out of the queue" in jobs.job_lines(msgspec.structs.replace(job, state="queued"), 78)[0][0]
    assert jobs.title(msgspec.structs.replace(job, kind="scan")) == "scan"
    assert jobs.title(job, "billing") == "read a (default)" and jobs.title(job, "default") == "read a"

"""Jobs: one at a time on a device, stopped before or while they run, remembered across engines."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bus import Bus
from backend.errors import NotFound, RefactError
from backend.jobs import states
from backend.jobs.queue import LOST, JobHandle, JobQueue
from backend.jobs.states import MOVES, Stopped
from backend.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "state.db")
    yield database
    await database.close()


@pytest.fixture
async def queue(database: Database) -> AsyncIterator[JobQueue]:
    queue = JobQueue(database, Bus())
    yield queue
    await queue.close()


async def until_stopped(handle: JobHandle) -> None:
    await handle.stop_requested.wait()
    raise Stopped


async def test_jobs_on_one_device_take_turns_in_order(queue: JobQueue) -> None:
    order: list[str] = []
    at_work = 0

    async def work(handle: JobHandle) -> None:
        nonlocal at_work
        at_work += 1
        assert at_work == 1
        await asyncio.sleep(0.01)
        order.append(str(handle.id))
        at_work -= 1

    jobs = [await queue.submit("scan", f"{number}", work, device="compute") for number in range(5)]
    for job in jobs:
        assert (await queue.wait(job.id)).state == "done"
    assert order == [str(job.id) for job in jobs]


async def test_jobs_without_a_device_do_not_wait(queue: JobQueue) -> None:
    first = await queue.submit("scan", "long", until_stopped, device="compute")

    async def quick(handle: JobHandle) -> None:
        handle.progress(done=3, total=3, message="read")

    second = await queue.submit("source", "quick", quick)
    ended = await queue.wait(second.id)
    assert (ended.state, ended.done, ended.message) == ("done", 3, "")
    assert (await queue.stop(first.id)).state == "running"
    assert (await queue.wait(first.id)).state == "stopped"


async def test_a_queued_job_stops_at_once_and_lets_the_next_begin(queue: JobQueue) -> None:
    first = await queue.submit("scan", "first", until_stopped, device="compute")
    second = await queue.submit("scan", "second", until_stopped, device="compute")
    third = await queue.submit("scan", "third", until_stopped, device="compute")
    await asyncio.sleep(0)
    assert (await queue.stop(second.id)).state == "stopped"
    await queue.stop(first.id)
    await queue.wait(first.id)
    await asyncio.sleep(0.05)
    assert queue.list()[-1].state == "running"
    await queue.stop(third.id)
    await queue.wait(third.id)


async def test_another_part_of_the_work_has_no_known_end(queue: JobQueue) -> None:
    async def work(handle: JobHandle) -> None:
        handle.progress(done=9, total=10, rate=2.0, unit="files", eta_s=0.5, message="reading")
        handle.phase("judging")
        await until_stopped(handle)

    job = await queue.submit("scan", "a", work)
    await asyncio.sleep(0.05)
    now = queue.list()[-1]
    assert (now.message, now.done, now.total, now.rate, now.unit, now.eta_s) == ("judging", 0, 0, None, "", None)
    await queue.stop(job.id)
    await queue.wait(job.id)


async def test_failures_are_told_in_words(queue: JobQueue, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(handle: JobHandle) -> None:
        raise RefactError("The disk is full.", "Free some space.")

    async def break_down(handle: JobHandle) -> None:
        raise ZeroDivisionError("oh")

    told = await queue.wait((await queue.submit("scan", "a", refuse)).id)
    assert (told.state, told.message, told.hint) == ("failed", "The disk is full.", "Free some space.")
    broke = await queue.wait((await queue.submit("scan", "b", break_down)).id)
    assert broke.state == "failed" and "oh" in broke.message
    assert "scan a failed: The disk is full. Free some space." in caplog.messages
    with pytest.raises(NotFound):
        await queue.stop(999)


async def test_the_next_engine_lists_what_the_last_one_left(database: Database) -> None:
    before = JobQueue(database, Bus())

    async def done(handle: JobHandle) -> None:
        pass

    await before.wait((await before.submit("source", "read", done)).id)
    await before.submit("scan", "scan", until_stopped)
    await asyncio.sleep(0.05)
    await before.close()
    after = JobQueue(database, Bus())
    await after.restore()
    assert [(job.name, job.state, job.message) for job in after.list()] == [
        ("read", "done", ""),
        ("scan", "failed", LOST),
    ]


async def test_only_the_last_few_ended_jobs_are_listed(queue: JobQueue) -> None:
    async def done(handle: JobHandle) -> None:
        pass

    for number in range(30):
        await queue.wait((await queue.submit("source", f"{number}", done)).id)
    assert [job.name for job in queue.list()] == [f"{number}" for number in range(10, 30)]


def test_no_move_leads_out_of_an_ending() -> None:
    for before, after in MOVES.items():
        assert states.ended(before) == (not after)
        for state in MOVES:
            if state not in after:
                with pytest.raises(ValueError):
                    states.check(before, state)

"""Work that waits for a pause is done once, at the latest when the engine ends, and never twice at a time."""

import asyncio

import pytest

from backend.jobs.pauses import Pauses


async def test_what_is_asked_for_again_and_again_is_done_once() -> None:
    pauses, done = Pauses(), list[str]()

    async def work(word: str) -> None:
        done.append(word)

    for _ in range(20):
        pauses.after(0.05, "a", lambda: work("a"))
        await asyncio.sleep(0.005)
    assert done == []
    await asyncio.sleep(0.2)
    assert done == ["a"]
    pauses.after(60, "a", lambda: work("late"))
    pauses.after(60, "b", lambda: work("b"))
    await pauses.flush()
    assert done == ["a", "late", "b"]
    await pauses.flush()
    pauses.after(0.01, "a", lambda: work("before"))
    await pauses.now("a", lambda: work("now"))
    await asyncio.sleep(0.05)
    assert done == ["a", "late", "b", "now"]


async def test_two_never_run_beside_each_other_and_one_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    pauses, inside, most = Pauses(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1

    async def fail() -> None:
        raise OSError("full")

    pauses.after(60, "a", work)
    pauses.after(60, "c", fail)
    await asyncio.gather(pauses.flush(), pauses.now("b", work))
    assert most == 1 and "c failed" in caplog.text

"""Events: all of them in order, or a reset; never a gap that goes unnoticed."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from backend.bus import Bus


async def take(bus: Bus, after: int | None) -> list[tuple[str, int]]:
    bus.close()
    return [(event.kind, event.id) async for event in bus.follow(after)]


@given(ring=st.integers(1, 20), published=st.integers(0, 40), seen=st.integers(0, 40))
def test_a_reader_gets_everything_or_is_told_to_begin_anew(ring: int, published: int, seen: int) -> None:
    bus = Bus(ring)
    start = bus.last_id
    for number in range(published):
        bus.publish("job", {"number": number})
    got = asyncio.run(take(bus, start + seen))
    if seen > published or published - seen > ring:
        assert got == [("reset", start + published)]
    else:
        assert got == [("job", start + number) for number in range(seen + 1, published + 1)]


async def test_live_events_reach_every_reader() -> None:
    bus = Bus()

    async def read() -> list[int]:
        return [event.data["number"] async for event in bus.follow()]

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.sleep(0)
    for number in range(100):
        bus.publish("job", {"number": number})
        if number % 10 == 0:
            await asyncio.sleep(0)
    bus.close()
    assert await asyncio.gather(*readers) == [list(range(100))] * 3


async def test_an_engine_before_this_one_is_noticed() -> None:
    assert (await take(Bus(), 5))[0][0] == "reset"

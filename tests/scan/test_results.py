"""Lists in pages: every filter's total is exact on every page, also after a change, however its words are spelt."""

from itertools import product
from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.scan import changes, results
from tests.scan.test_scan_flow import bring, sample, scanned

FILTERS = [
    "",
    "*.py",
    "good",
    "nothing",
    "lang:python",
    "REASON:duplicate",
    "size>1000 good",
    "set:Test",
    "source:CODE",
]


@pytest.fixture(autouse=True)
async def scan(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    await bring(context, tmp_path / "code")
    await scanned(context)


async def test_totals_are_those_of_all_pages(context: Context) -> None:
    for text, verdict in product(FILTERS, ("accepted", "rejected", None)):
        for limit in (1, 5, 100):
            await context.db.execute("UPDATE settings SET value = value")  # nothing is remembered
            page = await results.page(context, verdict=verdict, text=text, limit=limit)
            total, seen = page.total, [row.id for row in page.rows]
            while page.after:
                page = await results.page(context, verdict=verdict, text=text, limit=limit, after=page.after)
                seen += [row.id for row in page.rows]
                assert page.total == total
            assert len(seen) == total and seen == sorted(set(seen))
            anywhere = await results.page(context, verdict=verdict, text=text, limit=limit, offset=total // 2)
            assert anywhere.total == total and [row.id for row in anywhere.rows] == seen[total // 2 :][:limit]


async def test_a_change_is_counted_at_once(context: Context) -> None:
    before = (await results.page(context, verdict="accepted", text="good")).total
    await changes.by_hand(context, wire.ByHand(what="exclude", paths=["good3.py"]))
    assert (await results.page(context, verdict="accepted", text="good")).total == before - 1
    assert (await results.page(context, verdict="rejected", text="good reason:Excluded_By_Mask")).total == 1


async def test_what_is_typed_is_looked_for_in_one_index(context: Context) -> None:
    asked: list[str] = []
    kept = context.db.fetch_all

    async def fetch_all(sql: str, values: tuple[object, ...] = ()) -> list[object]:
        asked.extend(row["detail"] for row in await kept(f"EXPLAIN QUERY PLAN {sql}", values))
        return list(await kept(sql, values))

    context.db.fetch_all = fetch_all  # type: ignore[method-assign, assignment]
    for text in FILTERS[1:]:
        asked.clear()
        await results.page(context, verdict="accepted", text=text)
        assert any("COVERING INDEX files_to_filter (project_id=? AND verdict=? AND id>?)" in step for step in asked), (
            text
        )

"""Projects: data sets beside each other, each with its sources, scan settings and runs; `default` is always there."""

import asyncio
import json
import re
import sqlite3
from contextlib import suppress

from backend import settings, wire
from backend.context import DEFAULT, Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.sources import catalog as sources
from backend.sources import removal
from backend.store import trash
from backend.store.database import Transaction, now

NAME = re.compile(r"[0-9a-zA-Z_][0-9a-zA-Z_.-]{0,39}")
SHOWN = "project"
"""Setting: the project that screens show and verbs are about."""
ALL = (
    "SELECT p.id, p.name, p.created, (SELECT COUNT(*) FROM sources s WHERE s.project_id = p.id) AS sources, "
    "(SELECT COALESCE(SUM(n.files), 0) FROM sources s JOIN snapshots n ON n.id = s.snapshot_id "
    "WHERE s.project_id = p.id) AS files, "
    "(SELECT COUNT(*) FROM runs r WHERE r.project_id = p.id) AS runs FROM projects p ORDER BY p.id"
)


async def restore(ctx: Context) -> None:
    """At the engine's start: the projects there are, and the one that was shown last."""
    rows = await ctx.db.fetch_all("SELECT id, name FROM projects ORDER BY id")
    ctx.projects.names.clear()
    ctx.projects.names.update({row["id"]: row["name"] for row in rows})
    shown = await settings.get(ctx.db, SHOWN)
    ctx.projects.shown = shown if shown in ctx.projects.names else DEFAULT


def number_of(ctx: Context, name: str) -> int:
    """The number of a project. Raises NotFound, naming those that exist."""
    for number, known in ctx.projects.names.items():
        if known == name:
            return number
    names = ", ".join(ctx.projects.names.values())
    raise NotFound(f"There is no project called {name!r}.", f"Projects: {names}.")


async def list_projects(ctx: Context) -> list[wire.Project]:
    """Every project with what it holds, the oldest first."""
    return [
        wire.Project(
            name=row["name"],
            shown=row["id"] == ctx.projects.shown,
            sources=row["sources"],
            files=row["files"],
            runs=row["runs"],
            created=row["created"],
        )
        for row in await ctx.db.fetch_all(ALL)
    ]


async def get(ctx: Context, name: str) -> wire.Project:
    """One project. Raises NotFound."""
    number_of(ctx, name)
    return next(one for one in await list_projects(ctx) if one.name == name)


async def add(ctx: Context, name: str) -> wire.Project:
    """Make an empty project and show it. Raises BadRequest for what cannot be a name, Conflict for a taken one."""
    if not NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot be a project's name.",
            "1 to 40 letters, digits, dots, dashes and underscores can, the first no dot or dash.",
        )
    try:
        number = await ctx.db.execute("INSERT INTO projects(name, created) VALUES (?, ?)", (name, now()))
    except sqlite3.IntegrityError as error:
        raise Conflict(
            f"There is a project called {name!r} already.", f"Go to it: `refact-tui projects use {name}`."
        ) from error
    ctx.projects.names[number] = name
    return await use(ctx, name)


async def use(ctx: Context, name: str) -> wire.Project:
    """Show a project, on every screen. What is under way in another goes on. Raises NotFound."""
    ctx.projects.shown = number_of(ctx, name)
    await settings.set(ctx.db, SHOWN, ctx.projects.shown)
    ctx.bus.publish("reset", {})
    return await get(ctx, name)


async def remove(ctx: Context, name: str) -> trash.Thrown:
    """Move a project with its sources and scan to the trash; its runs and checkpoints become the default project's.

    Raises NotFound, BadRequest for the default, Conflict while something of it is under way."""
    number = number_of(ctx, name)
    if number == DEFAULT:
        raise BadRequest(f"{name!r} is always there.", "Remove its sources instead.")
    living = [job for job in ctx.jobs.list() if job.project == name and job.state in {"queued", "running"}]
    if living:
        raise Conflict(f"{name} is at work: {living[0].kind} {living[0].name}.", "Stop it, or wait for its end.")
    of_it = ctx.inside(number)
    told = {
        "shown": ctx.projects.shown == number,
        "sources": [(await removal.remove(of_it, one.name)).folder.name for one in await sources.list_sources(of_it)],
        "runs": await _column(ctx, "SELECT name FROM runs WHERE project_id = ?", number),
        # Where something else is served by now, that stays as it is.
        "serving": await _column(ctx, "SELECT changed || ' ' || model FROM serving WHERE project_id = ?", number),
    }
    rows: dict[str, trash.Where] = {
        **{table: ("project_id = ?", (number,)) for table in ("scans", "near")},
        "projects": ("id = ?", (number,)),
        "settings": ("name LIKE ?", (f"%@{number}",)),
    }
    thrown = await asyncio.to_thread(lambda: trash.throw(ctx.paths, "project", name, told=told, rows=rows))
    async with ctx.db.transaction() as change:
        await change.execute("DELETE FROM files WHERE project_id = ?", (number,))
        for table in ("runs", "serving"):
            await change.execute(f"UPDATE {table} SET project_id = ? WHERE project_id = ?", (DEFAULT, number))
        for table in ("scans", "near", "settings", "projects"):
            condition, values = rows[table]
            await change.execute(f"DELETE FROM {table} WHERE {condition}", values)
    del ctx.projects.names[number]
    ctx.bus.publish("trash", {})
    shown = DEFAULT if ctx.projects.shown == number else ctx.projects.shown
    await use(ctx, ctx.projects.names[shown])
    return thrown


async def bring_back(ctx: Context, thrown: trash.Thrown) -> None:
    """Bring a project back with its settings, its scan, its runs, and those of its sources that the trash still has.

    Raises Conflict where its name is taken."""
    name = thrown.name
    async with ctx.db.transaction() as change:
        if await ctx.db.fetch_one("SELECT 1 FROM projects WHERE name = ?", (name,)):
            raise Conflict(f"There is a project called {name!r} already.", "This one stays in the trash.")
        number = await _rows_back(ctx, change, thrown)
        ours = "UPDATE {} SET project_id = ? WHERE project_id = ? AND {} IN (SELECT value FROM json_each(?))"
        for table, column in (("runs", "name"), ("serving", "changed || ' ' || model")):
            kept = json.dumps(thrown.told[table])
            await change.execute(ours.format(table, column), (number, DEFAULT, kept))
    ctx.projects.names[number] = name
    for folder in thrown.told["sources"]:
        with suppress(NotFound):  # it was brought back alone, or emptied
            source = await asyncio.to_thread(trash.find, ctx.paths, folder, "source")
            await removal.restore(ctx, source)
            await asyncio.to_thread(trash.drop, source)
    await use(ctx, name if thrown.told["shown"] else ctx.projects.names[ctx.projects.shown])


async def _rows_back(ctx: Context, change: Transaction, thrown: trash.Thrown) -> int:
    """The project's rows, with the numbers that they had where those are free; returns that of the project."""
    project = await trash.first(thrown, "projects")
    old = project["id"]
    number = await trash.number(ctx.db, "projects", old)
    known = {table: await trash.columns(ctx.db, table) for table in ("projects", "settings", "near", "scans")}
    await trash.insert(change, "projects", known["projects"], [{**project, "id": number}])
    async for page in trash.rows_of(thrown, "settings"):
        again = [{**row, "name": f"{row['name'].removesuffix(f'@{old}')}@{number}"} for row in page]
        await trash.insert(change, "settings", known["settings"], again)
    async for page in trash.rows_of(thrown, "near"):
        await trash.insert(change, "near", known["near"], [{**row, "project_id": number} for row in page])
    given: set[int] = set()
    async for page in trash.rows_of(thrown, "scans"):
        for row in page:
            scan = await trash.number(ctx.db, "scans", row["id"], given)
            given.add(scan)
            summary = json.dumps({**json.loads(row["summary"]), "id": scan}) if row["summary"] else None
            mine = {"id": scan, "project_id": number, "summary": summary}
            await trash.insert(change, "scans", known["scans"], [{**row, **mine}])
    return number


async def _column(ctx: Context, query: str, number: int) -> list[str]:
    return [str(row[0]) for row in await ctx.db.fetch_all(query, (number,))]

"""A scan and its files as the words, cells and bars a person reads; pure."""

from collections.abc import Sequence

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.state import ALIVE_JOBS
from refact_tui.widgets.listing import Cell, Column, Row
from refact_tui.words_of_jobs import progress

BUCKET = 0.25
"""Nats per bucket of the histogram."""

FILE_COLUMNS = {
    "accepted": (
        Column("PATH", 20),
        Column("LANG", 10, rank=2),
        Column("SIZE", 7, right=True, rank=1),
        Column("LOSS", 5, right=True),
        Column("SET", 5),
        Column("VERDICT", 7),
    ),
    "rejected": (
        Column("PATH", 20),
        Column("LANG", 10, rank=2),
        Column("SIZE", 7, right=True, rank=1),
        Column("LOSS", 5, right=True, rank=3),
        Column("VERDICT", 30),
    ),
}
REASON_COLUMNS = (Column("REASON", 14), Column("FILES", 6, right=True))
LANGUAGE_COLUMNS = (Column("LANGUAGE", 12), Column("FILES", 6, right=True))


def funnel(scan: wire.Scan, width: int) -> str:
    """From all files to the sets, in `width` cells; the sets are told apart when a scan ends."""
    count = words.count
    ended = scan.state not in ("queued", "running")
    sets = f"train {count(scan.train)} · test {count(scan.test)}" if ended or scan.train + scan.test else ""
    files = f"{count(scan.files)} files"
    if scan.stage == 1:
        return _chain(" → ", files, f"stage 1  {count(scan.accepted)} ✓  {count(scan.rejected)} ✗", sets)
    first, second = f"stage 1  {count(scan.stage1_accepted)} ✓", f"stage 2  {count(scan.accepted)} ✓"
    of_first, of_second = scan.files - scan.stage1_accepted, scan.stage1_accepted - scan.accepted
    steps = (files, f"{first}  {count(of_first)} ✗", f"{second}  {count(of_second)} ✗", sets)
    ways = (_chain("  →  ", *steps), _chain(" → ", files, first, second, sets))
    return next((way for way in ways if cell_len(way) <= width), _chain(" → ", files, first, second))


def _chain(arrow: str, *steps: str) -> str:
    return arrow.join(filter(None, steps))


def scan_line(scan: wire.Scan | None, job: wire.Job | None, width: int) -> Cell:
    """What the scan does now, or what came of it."""
    if scan is None:
        return "", "muted"
    if job is not None and job.state in ALIVE_JOBS:
        return f"{'▶' if job.total else '◌'} {progress(job, width - 2)}", "busy"
    if scan.state in ("failed", "stopped"):
        sign = "✗" if scan.state == "failed" else "■"
        return f"{sign} {scan.state}: {clean(scan.detail)} {press('scan.new')} scans again.", "bad"
    when = f", {words.ago(scan.ended)}" if scan.ended else ""
    if scan.detail:
        said, aged = clean(scan.detail), f" Scanned{when.removeprefix(',')}."
        fits = bool(when) and cell_len(said + aged) <= width
        return said + aged * fits, "bad" if not scan.accepted else "plain"
    model = f" with {clean(scan.model)}" if scan.model and scan.stage == 2 else ""
    return f"scanned{model} in {words.duration(scan.elapsed_s)}{when} · threshold {scan.threshold:g} nats", "muted"


def reason_rows(scan: wire.Scan | None) -> list[Row]:
    """Why files were rejected, the most frequent reason first; names as the engine says them."""
    reasons = sorted(scan.reasons.items(), key=lambda one: (-one[1], one[0])) if scan else []
    return [Row(name, ((clean(name), "plain"), (words.count(files), "plain"))) for name, files in reasons if files]


def language_rows(scan: wire.Scan | None) -> list[Row]:
    """The languages by number of files, with those that are switched off marked."""
    if scan is None:
        return []
    if scan.switches:
        ordered = sorted(scan.switches, key=lambda one: (-one.files, one.language))
        return [
            _language(one.language, f"[{'x' if one.on else ' '}] {clean(one.language)}", one.files) for one in ordered
        ]
    counted = sorted(scan.languages.items(), key=lambda one: (-one[1], one[0]))
    return [_language(name, clean(name), files) for name, files in counted]


def _language(key: str, shown: str, files: int) -> Row:
    return Row(key, ((shown, "plain"), (words.count(files), "plain")))


def file_row(file: wire.ScannedFile) -> Row:
    """One line of the list of files."""
    loss = f"{file.loss:.2f}" if file.loss is not None else words.NONE
    common: tuple[Cell, ...] = (
        (clean(file.path), "plain"),
        (clean(file.language or words.NONE), "muted"),
        (words.size(file.size), "muted"),
        (loss, "plain"),
    )
    if file.verdict == "accepted":
        sign: Cell = ("✓ !", "busy") if file.warnings else ("✓", "good")
        return Row(str(file.id), (*common, (file.set or words.NONE, "plain"), sign))
    return Row(str(file.id), (*common, (f"✗ {verdict(file)}", "bad")))


def verdict(file: wire.ScannedFile) -> str:
    """Why a file was rejected: the reason's name, and the words that go with it."""
    if file.verdict == "accepted":
        return "accepted"
    name, words_ = clean(file.reason or "rejected"), clean(file.detail)
    return f"{name}: {words_}" if words_ else name


def changed(commits_ago: int) -> str:
    """When a file was last changed."""
    return f"changed {words.plural(commits_ago, 'commit')} ago" if commits_ago else "changed by the newest commit"


def histogram(buckets: Sequence[int], threshold: float, width: int, height: int) -> list[str]:
    """Files by loss as upright bars with the threshold between them, then a line of numbers; `height` lines."""
    if not any(buckets) or height < 2:
        return []
    cells = 2 if width >= len(buckets) * 2 + 1 else 1
    cut = min(len(buckets), max(0, round(threshold / BUCKET)))
    tallest = max(buckets)
    rows = height - 1
    lines = []
    for row in range(rows):
        bars = [_cell(files / tallest * rows, rows - 1 - row) * cells for files in buckets]
        lines.append("".join((*bars[:cut], "│", *bars[cut:])))
    return [*lines, _axis(len(buckets), cells, cut)]


def _cell(tall: float, row: int) -> str:
    """The part of a bar `tall` rows tall in this row, counted from the bottom."""
    eighths = round((tall - row) * 8)
    if row == 0 and tall > 0:
        eighths = max(1, eighths)
    return " ▁▂▃▄▅▆▇█"[max(0, min(8, eighths))]


def _axis(buckets: int, cells: int, cut: int) -> str:
    line = [" "] * (buckets * cells + 1)
    for nats in range(0, round(buckets * BUCKET) + 1):
        bucket = round(nats / BUCKET)
        at = bucket * cells + (1 if bucket > cut else 0)
        if at < len(line):
            line[at] = str(nats) if nats < 10 else " "
    return "".join(line)

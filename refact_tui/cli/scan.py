"""`scan run|files`: judge every file, and see why; what a person changes about it is in `scan_changes`."""

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, job_of, wait
from refact_tui.cli.output import Failure, Progress, columns, emit
from refact_tui.cli.verbs import root, verb
from refact_tui.client import Client

ALL = 100_000


@root.group()
def scan() -> None:
    """Which files are worth learning from, and why the others are not."""


@verb(scan, "run")
@click.option("--stage", type=click.Choice(["1", "2"]), default="2", help="1 judges without the model.")
@click.option("--model", help="The base model that will be tuned; else the starter.")
@click.option("--wait", "waiting", is_flag=True, help="Return when it is done.")
def run(stage: str, model: str | None, waiting: bool, as_json: bool) -> None:
    """Judge every file of every source."""
    with connect() as client:
        found = client.post("/scan", wire.StartScan(stage=1 if stage == "1" else 2, model=model), wire.Scan)
        if waiting:
            found = until_scanned(client)
    emit(found, as_json, scan_text(found))


@verb(scan, "files")
@click.option("--accepted", "verdict", flag_value="accepted", help="Only these.")
@click.option("--rejected", "verdict", flag_value="rejected", help="Only these.")
@click.option("--warned", is_flag=True, help="Only accepted ones with a line that looks like a secret.")
@click.option("--reason", help="Only those rejected for this reason.")
@click.option("--source", help="Only those of this source.")
@click.option("--limit", type=click.IntRange(1, ALL), default=ALL, help="At most so many.")
def files(verdict: str | None, warned: bool, reason: str | None, source: str | None, limit: int, as_json: bool) -> None:
    """Every file with its verdict, reason, loss and warnings."""
    wanted = {"verdict": verdict, "reason": reason, "source": source, "text": "warning:secret" if warned else None}
    with connect() as client:
        page = client.get("/scan/files", wire.FilePage, **wanted, limit=limit)
    rows = [
        (one.verdict, one.reason or words.NONE, words.loss(one.loss), one.source, one.path, _why(one))
        for one in page.rows
    ]
    head = ("VERDICT", "REASON", "LOSS", "SOURCE", "PATH", "WHY")
    emit(page.rows, as_json, columns(rows, head) if rows else "No such files; has a scan run? refact-tui scan run")


def _why(file: wire.ScannedFile) -> str:
    return file.detail or "; ".join(file.warnings)


def until_scanned(client: Client) -> wire.Scan:
    """Wait for the scan under way. Raises Failure where it failed or was stopped."""

    def show(found: wire.Scan, progress: Progress) -> None:
        if job := job_of(client, found.job):
            progress.job("scan", job)

    found = wait(client, "/scan", wire.Scan, lambda one: one.state not in ("queued", "running"), show)
    if found.state != "done":
        raise Failure(f"The scan {found.state}: {found.detail}", "", "scan")
    return found


def scan_text(found: wire.Scan) -> str:
    """A scan in a few lines."""
    if found.state != "done":
        return f"The scan is {found.state}."
    reasons = [
        f"  {words.count(count):>8}  {reason}"
        for reason, count in sorted(found.reasons.items(), key=lambda one: -one[1])
    ]
    head = (
        f"{words.plural(found.files, 'file')}: {words.count(found.accepted)} accepted "
        f"({words.count(found.train)} train, {words.count(found.test)} test), {words.count(found.rejected)} rejected"
    )
    hint = ["See them: refact-tui scan files --warned"] if found.warnings else []
    return "\n".join([head, *reasons, *([found.detail] if found.detail else []), *hint])

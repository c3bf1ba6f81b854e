"""`quickstart`: the main job in one command, from code to a completion that is better because of it."""

from pathlib import Path
from typing import Any

import click

from backend import paths, wire
from refact_tui import checkout, words
from refact_tui.cli.difference import Difference, show_difference
from refact_tui.cli.engine_link import LONG_S, connect, path_of, plain
from refact_tui.cli.output import emit, tell
from refact_tui.cli.scan import scan_text, until_scanned
from refact_tui.cli.serve import CACHES, used_text
from refact_tui.cli.sources import local, source_text, until_read
from refact_tui.cli.train import RUNS, until_ended
from refact_tui.cli.verbs import root, verb
from refact_tui.client import Client, EngineError
from refact_tui.words_of_runs import forgets

NAME = "quickstart"
MINUTES = 2.0


@verb(root, "quickstart")
@click.argument("what", required=False, metavar="[PATH_OR_URL]")
@click.option("--steps", type=int, help="Exactly so many; else about two minutes.")
def quickstart(what: str | None, steps: int | None, as_json: bool) -> None:
    """Add code, scan it, fine-tune on it, serve the result, and complete the same place before and after.

    Without an argument the repository of the current folder is taken, else refact-tui's own source."""
    with connect() as client:
        tell(f"engine  {client.get('/version', wire.EngineInfo).public_url}")
        source = bring_in(client, local(what) if what else default_source())
        tell(f"source  {source_text(source)}")
        client.post("/scan", wire.StartScan(), wire.Scan)
        scan = until_scanned(client)
        tell(f"scan    {scan_text(scan)}")
        run = train(client, steps)
        tell(f"train   {train_text(run)}")
        used = serve(client, run)
        tell(f"use     {used_text(used)}")
        shown = show_difference(client, used)
        public_url = client.get("/version", wire.EngineInfo).public_url
    answer = {
        "source": plain(source),
        "scan": plain(scan),
        "train": plain(run),
        "use": plain(used),
        "before": shown.before,
        "after": shown.after,
        "public_url": public_url,
    }
    emit(answer, as_json, closing_words(scan, run, shown, public_url))


def default_source() -> str:
    """The git repository around the current folder, else the installed engine's own source."""
    return str(checkout.around() or Path(paths.__file__).parent)


def bring_in(client: Client, what: str) -> wire.Source:
    """The source called `quickstart`, read anew; one of another place gives way to this one."""
    understood = client.post("/sources/understand", {"what": what}, wire.Understood)
    known = {source.name: source for source in client.get("/sources", list[wire.Source])}
    if NAME in known and known[NAME].location != understood.location:
        client.delete(path_of("/sources", NAME))
        del known[NAME]
    if NAME in known:
        client.post(f"{path_of('/sources', NAME)}/sync", None, wire.Source)
    else:
        client.post("/sources", wire.AddSource(what=what, name=NAME), wire.Source)
    return until_read(client, NAME)


def train(client: Client, steps: int | None) -> wire.Run:
    """A new run of the starter, to its end."""
    taken = {run.run for run in client.get(RUNS, list[wire.Run])}
    name = next(f"{NAME}-{number}" for number in range(1, len(taken) + 2) if f"{NAME}-{number}" not in taken)
    minutes = None if steps is not None else MINUTES
    run = client.post(RUNS, wire.StartRun(name=name, steps=steps, minutes=minutes), wire.Run, timeout_s=LONG_S)
    return until_ended(client, run.run)


def serve(client: Client, run: wire.Run) -> wire.Used:
    """Switch to the latest best; where this run has not beaten its base, to what it has left."""
    try:
        return client.post("/use", wire.Use(mode="latest-best"), wire.Used, timeout_s=LONG_S)
    except EngineError as error:
        if error.code != "no_best" or run.best_checkpoint is None:
            raise
        tell("        No run has beaten its base model yet; serving what this one has learnt all the same.")
        use = wire.Use(mode="specific", checkpoint=run.best_checkpoint)
        return client.post("/use", use, wire.Used, timeout_s=LONG_S)


def train_text(run: wire.Run) -> str:
    """What the run came to, the figures first."""
    loss = run.test_loss
    text = (
        f"{run.run}: {run.step} steps in {words.duration(run.elapsed_s)}; "
        f"test loss {words.loss(loss.base)} → {words.loss(loss.best)} ({words.change(loss.best, loss.base)})"
    )
    if (found := run.evaluation) is None:
        return text
    return text + (
        f"\n        {found.places} held-out places: exact match {_pair(found.exact_match, 1)}, "
        f"edit similarity {_pair(found.edit_similarity, 3)}{forgets(found)}"
    )


def _pair(pair: wire.Pair, digits: int) -> str:
    """Base and tuned; a share of places is told in percent."""

    def show(value: Any) -> str:
        if value is None:
            return words.NONE
        return f"{value * 100:.1f} %" if digits == 1 else f"{value:.{digits}f}"

    return f"{show(pair.base)} → {show(pair.tuned)}"


def closing_words(scan: wire.Scan, run: wire.Run, shown: Difference, public_url: str) -> str:
    """The whole story again, for those who come back later."""
    body = '{"prompt":"def ","max_tokens":16}'
    return "\n".join(
        [
            "",
            f"accepted {words.count(scan.accepted)}, rejected {words.count(scan.rejected)} files",
            train_text(run).replace("\n        ", "\n"),
            "",
            shown.text,
            "",
            f"Completions are served at {public_url}; try: curl -s {public_url}/v1/completions -d '{body}'",
            CACHES,
            "The screen: refact-tui",
        ]
    )

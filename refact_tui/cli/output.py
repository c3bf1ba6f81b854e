"""What a verb leaves behind: words or one JSON document on stdout, progress on stderr, and the exit status."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click
import msgspec

from backend import wire
from refact_tui import words
from refact_tui.signs import clean, escaped, shown

PLAIN_EVERY_S = 5.0
MOMENT_S = 1.0
"""What takes no longer is not told of."""
BAR = 20
"""Cells."""
DONE, FAILED, USAGE, UNREACHABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Failure(Exception):
    """A verb that ends without success: a sentence, what to do, and the exit status."""

    def __init__(self, message: str, hint: str = "", code: str = "failed", exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message, self.hint, self.code, self.exit_code = message, hint, code, exit_code


def emit(value: Any, as_json: bool, text: str, exact: bool = False) -> None:
    """The answer: `value` as JSON, or `text` for people; `exact` text stays as it is where no terminal shows it."""
    if as_json:
        click.echo(escaped(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))
    elif text:
        click.echo(text if exact and not sys.stdout.isatty() else drawn(shown(text), sys.stdout))


def tell(text: str) -> None:
    """A line beside the answer."""
    click.echo(drawn(shown(text), sys.stderr), err=True)


def drawn(text: str, to: TextIO) -> str:
    """In the signs that the terminal has, or that the encoding of what is no terminal has room for."""
    if text.isascii():
        return text
    from refact_tui import glyphs, settings

    around = glyphs.here(settings.load().glyphs) if to.isatty() else glyphs.terminal({}, to.encoding, False)
    signs = glyphs.Glyphs(around.level, around.encoding)
    return "\n".join("\t".join(map(signs.shown, line.split("\t"))) for line in text.split("\n"))


def fail(failure: Failure, as_json: bool) -> int:
    """Tell a failure on stderr, and as JSON on stdout where that was asked for; returns the exit status."""
    tell(f"{failure.message} {failure.hint}".strip())
    if as_json:
        body = {"code": failure.code, "message": failure.message, "hint": failure.hint}
        emit({"error": body}, True, "")
    return failure.exit_code


def columns(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Rows as aligned columns, two blanks between."""
    table = [[clean(str(cell)) for cell in row] for row in ([head, *rows] if head else rows)]
    if not table:
        return ""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)


class Progress:
    """One line that is drawn again on a terminal; elsewhere a plain line now and then, never two alike."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._phase, self._text, self._at = "", "", 0.0
        self._began = time.monotonic()

    def show(
        self,
        what: str,
        done: int = 0,
        total: int = 0,
        unit: str = "",
        rate: float | None = None,
        eta_s: float | None = None,
    ) -> None:
        """`what` is being done; since when is said on a terminal only, where each line takes the place of the last."""
        elapsed = time.monotonic() - self._began if self._live else None
        bar = [f"{words.bar(done / total, BAR):<{BAR}}"] if total else []
        text = ""
        for speed, since in ((rate, elapsed), (rate, None), (None, None)):
            text = "  ".join([what, *bar, *words.pace(done, total, unit, speed, since, eta_s)])
            if not self._live or len(text) < shutil.get_terminal_size().columns:
                break
        self.line(text, what)

    def job(self, name: str, job: wire.Job) -> None:
        """What a job does for what is called `name`, and how far it is."""
        what = f"{name}: {job.message or job.state}"
        if job.state == "running":
            self.show(what, job.done, job.total, job.unit, job.rate, job.eta_s)
        else:
            self.show(what)

    def line(self, text: str, phase: str) -> None:
        """Draw `text`; off a terminal at once where the phase is another, else every few seconds."""
        text = clean(text)
        if self._live:
            text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps could not be drawn over
            click.echo(f"\r\x1b[K{drawn(text, sys.stderr)}", nl=False, err=True)
        elif text != self._text and (phase != self._phase or time.monotonic() - self._at >= PLAIN_EVERY_S):
            click.echo(drawn(text, sys.stderr), err=True)
        else:
            return
        self._phase, self._text, self._at = phase, text, time.monotonic()

    def end(self) -> None:
        """Clear the live line."""
        if self._live and self._text:
            click.echo("\r\x1b[K", nl=False, err=True)
        self._text = ""


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on a terminal what is waited for, and how long by now, where it takes longer than a moment."""
    if not sys.stderr.isatty():
        yield
        return
    progress, over = Progress(), threading.Event()

    def tell() -> None:
        while not over.wait(MOMENT_S):
            progress.show(what)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    try:
        yield
    finally:
        over.set()
        telling.join()
        progress.end()

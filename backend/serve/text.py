"""Token ids into text as they come: never half a character, never a piece of a stop text."""

from collections.abc import Callable, Sequence

from backend.scan.text import plain

MAX_PENDING = 8
"""Tokens after which an unfinished character is taken for broken bytes and shown as U+FFFD."""


class StopMatcher:
    """Passes text on until one of the stop texts appears, holding back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False
        self.stop_text = ""

    def feed(self, text: str) -> str:
        """What may be shown after `text` came; once a stop text was met, `stopped` is set and nothing more comes."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            place, self.stop_text = min(found)
            self.stopped, self._held = True, ""
            return text[:place]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, at the end of the answer."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0


class Writer:
    """One answer's text: ids in, text that may be shown out."""

    def __init__(self, decode: Callable[[list[int]], str], stops: Sequence[str], crlf: bool = False) -> None:
        """With `crlf` lines end with \\r\\n, in the stop texts and in what is shown; the model only knows \\n."""
        self._decode, self._crlf = decode, crlf
        self._matcher = StopMatcher([plain(stop) for stop in stops] if crlf else stops)
        self._context: list[int] = []
        self._pending: list[int] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop text was met: nothing more will be let out."""
        return self._matcher.stopped

    @property
    def stop_text(self) -> str:
        """The stop text that was met; empty before."""
        return self._matcher.stop_text

    def spell(self, id_: int) -> str:
        """The text of one token by itself."""
        return self._shown(self._decode([id_]))

    def feed(self, id_: int) -> str:
        """Text that `id_` completes; empty while a character is unfinished or a stop text may be beginning."""
        self._pending.append(id_)
        text = self._pending_text()
        if text.endswith("\ufffd") and len(self._pending) < MAX_PENDING:
            return ""
        self._context, self._pending = self._pending, []
        return self._shown(self._matcher.feed(text))

    def _shown(self, text: str) -> str:
        return text.replace("\r", "").replace("\n", "\r\n") if self._crlf else text

    def _pending_text(self) -> str:
        """Decoded behind the ids before it, since some tokenizers drop a space at the very beginning."""
        before = self._decode(self._context)
        return self._decode(self._context + self._pending)[len(before) :]

    def finish(self) -> str:
        """The rest, at the end of the answer, without a character that never became whole."""
        text = self._pending_text().rstrip("\ufffd") if self._pending else ""
        self._pending = []
        shown = self._matcher.feed(text)
        return self._shown(shown if self.stopped else shown + self._matcher.flush())

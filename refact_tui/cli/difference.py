"""The same held-out place completed by the base model and by what is served now."""

import re
from dataclasses import dataclass
from random import Random

from backend import wire
from refact_tui.cli.engine_link import LONG_S
from refact_tui.client import Client

TRIES = 8
TOKENS = 24
CONTEXT = 4000
"""Characters before and behind the cursor."""
CALL = re.compile(r"^\s+\S.*[=(.]\s?(?=\S)")


@dataclass(frozen=True)
class Difference:
    """What both made of one place, and what the developer wrote there."""

    where: str
    line: str
    before: str
    after: str
    truth: str

    @property
    def text(self) -> str:
        """For people."""
        if not self.where:
            return "before and after: no held-out place was found to complete."
        shown = (("before", self.before), ("after", self.after), ("written", self.truth))
        return "\n".join([f"{self.where}  {self.line}▏", *(f"{name:>8}  {text}" for name, text in shown)])


def show_difference(client: Client, used: wire.Used) -> Difference:
    """The first of a few held-out places where the two answer differently; else the last one tried."""
    random = Random(1)
    page = client.get("/scan/files", wire.FilePage, verdict="accepted", limit=100_000)
    held_out = [file for file in page.rows if file.set == "test" and 400 < file.size < 60_000]
    random.shuffle(held_out)
    found = Difference("", "", "", "", "")
    for file in held_out[:TRIES]:
        preview = client.get(f"/scan/files/{file.id}", wire.FilePreview)
        if place := cursor(preview.text, random):
            found = _compare(client, used, file, preview.text, place)
            if found.before != found.after:
                break
    return found


def cursor(text: str, random: Random) -> int | None:
    """A place inside a line where one waits for a completion: behind an opening bracket, a dot or an equals sign."""
    places, start = [], 0
    for line in text.splitlines(keepends=True):
        if (match := CALL.match(line)) and not line.lstrip().startswith(("#", '"', "'")):
            places.append(start + match.end())
        start += len(line)
    return random.choice(places[len(places) // 4 :]) if places else None


def _compare(client: Client, used: wire.Used, file: wire.ScannedFile, text: str, place: int) -> Difference:
    prefix, rest = text[:place], text[place:]
    truth, newline, suffix = rest.partition("\n")

    def ask(model: str) -> str:
        request = wire.Complete(
            prefix=prefix[-CONTEXT:], suffix=(newline + suffix)[:CONTEXT], model=model, max_tokens=TOKENS, stop=["\n"]
        )
        return client.post("/complete", request, wire.Completion, timeout_s=LONG_S).text.rstrip()

    tuned = f"{used.model}:{used.checkpoint}" if used.checkpoint else used.model
    line = prefix.rpartition("\n")[2].lstrip()
    where = f"{file.path}:{prefix.count(chr(10)) + 1}"
    return Difference(where, line, ask(f"{used.model}:base"), ask(tuned), truth)

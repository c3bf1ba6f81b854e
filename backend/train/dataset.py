"""From accepted files to rows of tokens, the same in the same order for the same seed; torch-free."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from backend.models.catalog import ModelInfo
from backend.models.layout import infill_document, plain_document
from backend.models.tokenizer import TextTokenizer
from backend.scan.text import decode
from backend.store.content import ContentStore
from backend.train.fim import split
from backend.train.packing import Document, Row, cut, pack

MARKS = 5
"""Tokens that infilling adds to a piece at most: one before every text, three marks and the end of text."""
SEAMS = 12
"""Tokens kept free in a row, since three parts encoded apart may take a few more than the whole."""
ENOUGH = 4
"""The fixed test set is drawn from this many times its size; more is not even read."""
GROUP = 256
"""Files that are packed together; more would pack no tighter, and resuming would re-encode more."""


@dataclass(frozen=True)
class Member:
    """One file of a run's data."""

    sha256: str
    path: str
    set: str


def write_manifest(path: Path, members: Iterable[Member]) -> None:
    """One JSON object a line: exactly what a run was trained and tested on."""
    path.write_text("".join(json.dumps(asdict(member)) + "\n" for member in members))


def read_manifest(path: Path) -> list[Member]:
    return [Member(**json.loads(line)) for line in path.read_text().splitlines()]


class Texts:
    """The texts of a run's files, read from the store of contents when they are needed."""

    def __init__(self, content: Path, members: Sequence[Member]) -> None:
        self.members = members
        self._store = ContentStore(content, read_only=True)

    def get(self, member: Member) -> str:
        """Empty where the content has gone or is no text; such a file teaches nothing."""
        data = self._store.get(member.sha256)
        return (decode(data) or "") if data else ""

    def sample(self, random: Random) -> Iterator[tuple[Member, str]]:
        """Files with their texts in an order of chance, as many as are asked for."""
        members = list(self.members)
        random.shuffle(members)
        return ((member, self.get(member)) for member in members)

    def close(self) -> None:
        self._store.close()


class Rows:
    """The training data as an endless stream of packed rows, epoch after epoch."""

    def __init__(self, texts: Texts, info: ModelInfo, tokenizer: TextTokenizer, settings: dict[str, Any]) -> None:
        self._texts, self._info, self._tokenizer = texts, info, tokenizer
        self._context = int(settings["context"])
        self._fim_rate, self._weight = float(settings["fim_rate"]), float(settings["context_weight"])
        if info.fim_layout == "none":
            self._fim_rate = 0.0
        self._seed = int(settings["seed"])

    def stream(self, epoch: int = 0, index: int = 0) -> Iterator[tuple[int, int, Row]]:
        """(epoch, index in it, row), beginning at a position. Raises ValueError where there is not one row."""
        while True:
            number = -1
            for number, row in enumerate(self.epoch(epoch)):
                if number >= index:
                    yield epoch, number, row
            if number < 0:
                raise ValueError("the training files hold no text")
            epoch, index = epoch + 1, 0

    def epoch(self, epoch: int) -> Iterator[Row]:
        """Every piece of every file once, in an order of this epoch's own."""
        random = Random(f"{self._seed}:{epoch}")
        members = list(self._texts.members)
        random.shuffle(members)
        for start in range(0, len(members), GROUP):
            documents: list[Document] = []
            for member in members[start : start + GROUP]:
                documents.extend(self._documents(self._texts.get(member), random))
            rows = pack(documents, self._context)
            random.shuffle(rows)
            yield from rows

    def _documents(self, text: str, random: Random) -> Iterator[Document]:
        if not text.strip():
            return
        pieces = cut(text, self._context - MARKS - SEAMS, self._tokenizer.encode_plain)
        for number, piece in enumerate(pieces):
            first = self._tokenizer.begun if number == 0 else str
            infill = self._infill(piece, random, first) if random.random() < self._fim_rate else None
            if infill is None or len(infill.ids) > self._context:
                infill = self._plain(first(piece), last=number == len(pieces) - 1)
            yield infill

    def _plain(self, piece: str, last: bool) -> Document:
        """The piece as it is; only a whole file ends with the end of text."""
        ids = plain_document(self._info, self._tokenizer.marks, self._tokenizer.encode_plain(piece), last)
        return Document(ids, [0.0] + [1.0] * (len(ids) - 1))

    def _infill(self, piece: str, random: Random, first: Callable[[str], str]) -> Document | None:
        parts = split(piece, random)
        if parts is None:
            return None
        encode, marks = self._tokenizer.encode_plain, self._tokenizer.marks
        prefix, suffix, middle = encode(first(parts.prefix)), encode(parts.suffix), encode(parts.middle)
        ids = infill_document(self._info, marks, prefix, suffix, middle)
        special = {marks.prefix, marks.suffix, marks.middle}
        weights = [0.0 if id_ in special else self._weight for id_ in ids]
        weights[-1 - len(middle) :] = [1.0] * (len(middle) + 1)
        weights[0] = 0.0
        return Document(ids, weights)


def held_out_rows(
    texts: Texts, info: ModelInfo, tokenizer: TextTokenizer, context: int, windows: int, seed: int
) -> list[Row]:
    """The fixed test set: plain text from all over the held-out files, at most `windows` rows, packed."""
    random = Random(f"{seed}:test")
    pieces: list[Document] = []
    read = 0
    for _, text in texts.sample(random):
        for piece in cut(text, context - MARKS, tokenizer.encode_plain) if text.strip() else []:
            ids = plain_document(info, tokenizer.marks, tokenizer.encode_plain(piece), False)
            read += len(ids)
            pieces.append(Document(ids, [0.0] + [1.0] * (len(ids) - 1)))
        if read > ENOUGH * windows * context:
            break
    random.shuffle(pieces)
    chosen: list[Document] = []
    total = 0
    for document in pieces:
        if total + len(document.ids) > windows * context:
            break
        chosen.append(document)
        total += len(document.ids)
    return pack(chosen, context)

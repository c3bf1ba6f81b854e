"""From accepted files to rows of tokens, the same in the same order for the same seed; torch-free."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from backend.models.catalog import ModelInfo
from backend.models.layout import plain_document
from backend.models.tokenizer import TextTokenizer
from backend.scan.text import decode
from backend.store.content import ContentStore
from backend.train.documents import Documents, File, document_of
from backend.train.packing import Document, Row, cut, halves, pack

ENOUGH = 4
"""The fixed test set is drawn from this many times its size; more is not even read."""
GROUP_TOKENS, GROUP_ROWS = 300_000, 64
"""What is packed together, about, whichever is more; resuming encodes as much again."""
BYTES_A_TOKEN = 3.6
UNKNOWN_SIZE = 8192
"""Bytes that a file of unknown size counts as."""
STRIDE = 1 << 20
"""More than the rows of one group: a row's place in its epoch is its group's number times this, and its own number."""


@dataclass(frozen=True)
class Member:
    """One file of a run's data."""

    sha256: str
    path: str
    set: str
    language: str = ""
    """By its Linguist name; empty where nobody knows."""
    size: int = 0
    """Bytes; 0 where nobody knows."""


def write_manifest(path: Path, members: Iterable[Member]) -> None:
    """One JSON object a line: exactly what a run was trained and tested on."""
    path.write_text("".join(json.dumps(asdict(member)) + "\n" for member in members))


def read_manifest(path: Path) -> list[Member]:
    """What `write_manifest` wrote. Raises OSError, and ValueError for a broken line."""
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
        """Let go of the store."""
        self._store.close()


class Rows:
    """The training data as an endless stream of packed rows, epoch after epoch."""

    def __init__(self, texts: Texts, info: ModelInfo, tokenizer: TextTokenizer, settings: dict[str, Any]) -> None:
        self._texts = texts
        self._documents = Documents(info, tokenizer, settings)
        self._context, self._seed = int(settings["context"]), int(settings["seed"])

    def stream(self, epoch: int = 0, index: int = 0) -> Iterator[tuple[int, int, Row]]:
        """(epoch, index, row) from a position on; the one behind a row is its epoch and its index + 1.

        Only the rows of one group are made again to get to a position. Raises ValueError where there is not one row."""
        while True:
            begun, empty = index, True
            for index, row in self._from(epoch, begun):
                empty = False
                yield epoch, index, row
            if empty and begun == 0:
                raise ValueError("the training files hold no text")
            epoch, index = epoch + 1, 0

    def epoch(self, epoch: int) -> Iterator[Row]:
        """Every piece of every file once, in an order of this epoch's own."""
        return (row for _, row in self._from(epoch, 0))

    def _from(self, epoch: int, index: int) -> Iterator[tuple[int, Row]]:
        """The epoch's rows with their indices, from an index on."""
        first, skipped = divmod(index, STRIDE)
        for group, members in enumerate(self._groups(epoch)):
            if group >= first:
                rows = self._rows(members, Random(f"{self._seed}:{epoch}:{group}"))
                for number in range(skipped if group == first else 0, len(rows)):
                    yield group * STRIDE + number, rows[number]

    def _groups(self, epoch: int) -> Iterator[list[Member]]:
        """The members in the epoch's order, as many together as are packed together."""
        members = list(self._texts.members)
        Random(f"{self._seed}:{epoch}").shuffle(members)
        group: list[Member] = []
        size, room = 0, max(GROUP_TOKENS, GROUP_ROWS * self._context) * BYTES_A_TOKEN
        for member in members:
            group.append(member)
            size += member.size or UNKNOWN_SIZE
            if size >= room:
                yield group
                group, size = [], 0
        if group:
            yield group

    def _rows(self, members: Sequence[Member], random: Random) -> list[Row]:
        files = [File(self._texts.get(member), member.language) for member in members]
        rows = pack(self._documents.of(files, random), self._context)
        random.shuffle(rows)
        return rows


def held_out_rows(
    texts: Texts, info: ModelInfo, tokenizer: TextTokenizer, context: int, windows: int, seed: int
) -> list[Row]:
    """The fixed test set: plain text from all over the held-out files, at most `windows` rows, packed."""
    random = Random(f"{seed}:test")
    room = context - len(plain_document(info, tokenizer.marks, [], False))
    pieces: list[Document] = []
    read = 0
    for _, text in texts.sample(random):
        text = tokenizer.begun(text)
        ((_, ends),) = tokenizer.encode_plain_ends([text])
        for piece in cut(text, ends, lambda: room):
            for _, ids in halves(piece, room, tokenizer.encode_plain):
                read += len(ids)
                pieces.append(document_of(plain_document(info, tokenizer.marks, ids, False)))
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

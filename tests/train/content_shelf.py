"""Files in a real store of contents, as a run reads them, and the text of a training document."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.store.content import ContentStore
from backend.train.dataset import Member, Texts
from backend.train.packing import Document

_numbers = count()


@contextmanager
def texts_of(folder: Path, files: Iterable[str | bytes], language: str = "Python") -> Iterator[Texts]:
    """The files in a store of their own below `folder`."""
    path = folder / f"content-{next(_numbers)}.db"
    store = ContentStore(path)
    members = []
    for number, file in enumerate(files):
        data = file.encode() if isinstance(file, str) else file
        sha256 = hashlib.sha256(data).hexdigest()
        store.put_many([(sha256, data)])
        members.append(Member(sha256, f"{number}.py", "train", language, len(data)))
    store.close()
    texts = Texts(path, members)
    try:
        yield texts
    finally:
        texts.close()


def parts_of(info: ModelInfo, tokenizer: TextTokenizer, document: Document) -> tuple[str, str] | None:
    """(prefix and middle, suffix) of a document that is laid out around a cursor; None for a plain one."""
    ids, marks, decode = document.ids, tokenizer.marks, tokenizer.decode
    if marks.middle not in ids:
        return None
    assert ids[-1] == marks.eot
    assert all(ids.count(mark) == 1 for mark in (marks.prefix, marks.suffix, marks.middle, marks.eot))
    p, s, m = (ids.index(mark) for mark in (marks.prefix, marks.suffix, marks.middle))
    if info.fim_layout == "psm":
        assert 0 == p < s < m
        return decode(ids[p + 1 : s]) + decode(ids[m + 1 : -1]), decode(ids[s + 1 : m])
    if info.fim_layout == "spm":
        assert 0 == s < p < m
        return decode(ids[p + 1 : m]) + decode(ids[m + 1 : -1]), decode(ids[s + 1 : p])
    assert (p, s) == (0, 1)
    return decode(ids[m + 1 : -1]), decode(ids[s + 1 : m])


def text_of(info: ModelInfo, tokenizer: TextTokenizer, document: Document) -> str:
    """The text that a document was made of."""
    if parts := parts_of(info, tokenizer, document):
        return "".join(parts)
    ids, eot = document.ids, tokenizer.marks.eot
    assert eot not in ids[:-1]
    return tokenizer.decode(ids[:-1] if ids[-1] == eot else ids)

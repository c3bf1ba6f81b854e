"""A model's tokenizer without torch: text in, ids out; a mark spelt in a user's file stays plain text."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from backend.errors import RefactError
from backend.models.catalog import ModelInfo


@dataclass(frozen=True)
class FimMarks:
    """The ids of the fill-in-the-middle marks and of the end of text."""

    prefix: int
    suffix: int
    middle: int
    eot: int


class TextTokenizer:
    """Encodes text as plain text and decodes it back byte for byte."""

    def __init__(self, tokenizer: Tokenizer, marks: FimMarks) -> None:
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.marks = marks

    def encode_plain(self, text: str) -> list[int]:
        """Token ids of `text`; what looks like a special token is encoded as the characters that it is."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_plain_batch(self, texts: list[str]) -> list[list[int]]:
        """The same for many texts, on all cores."""
        return [list(one.ids) for one in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def decode(self, ids: list[int]) -> str:
        """Text of `ids` without special tokens; bytes that are no UTF-8 yet become U+FFFD."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def token(self, id_: int) -> str:
        """The vocabulary's own spelling of one id."""
        return str(self._tokenizer.id_to_token(id_) or "")

    @property
    def size(self) -> int:
        return int(self._tokenizer.get_vocab_size())


@lru_cache(maxsize=8)
def _load(path: Path, marks: tuple[str, str, str, str]) -> TextTokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    ids = [tokenizer.token_to_id(mark) for mark in marks]
    if missing := [mark for mark, id_ in zip(marks, ids, strict=True) if id_ is None]:
        raise RefactError(
            f"{path} has no single token for {', '.join(missing)}.", "This model cannot fill in the middle."
        )
    prefix, suffix, middle, eot = (int(id_ or 0) for id_ in ids)
    return TextTokenizer(tokenizer, FimMarks(prefix, suffix, middle, eot))


def load_tokenizer(info: ModelInfo) -> TextTokenizer:
    """The tokenizer of a model, its marks verified to be one token each. Raises RefactError where one is not."""
    return _load(info.path / "tokenizer.json", (info.fim_prefix, info.fim_suffix, info.fim_middle, info.eot))

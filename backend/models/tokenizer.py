"""A model's tokenizer without torch: text in, ids out; a mark spelt in a user's file stays plain text.

Texts are encoded so that pieces can be joined: the ids of two pieces side by side are decoded to the two texts side by
side, byte for byte. What a tokenizer does only at the very beginning of a text (SentencePiece puts a space before the
first word) is left out for pieces that continue another, and done for those that begin one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from backend.errors import RefactError
from backend.models.catalog import ModelInfo

NONE = -1
"""The id of a mark that a model does not have."""
UNDERLINE = "▁"
"""What SentencePiece writes for a space."""


@dataclass(frozen=True)
class FimMarks:
    """The ids of the fill-in-the-middle marks and of the ends of texts; NONE for those that a model does not have."""

    prefix: int
    suffix: int
    middle: int
    eot: int
    """Ends a middle."""
    bos: int = NONE
    """Stands before every text, where the model wants that."""
    eos: int = NONE
    """Ends a whole file, where that is another token than `eot`."""
    stops: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """What ends a whole file."""
        return self.eos if self.eos != NONE else self.eot

    @property
    def ends(self) -> tuple[int, ...]:
        """Every token that ends an answer."""
        found = {self.eot, self.eos, self.prefix, self.suffix, self.middle, self.bos, *self.stops}
        return tuple(sorted(found - {NONE}))


class TextTokenizer:
    """Encodes text as plain text and decodes it back byte for byte."""

    def __init__(self, tokenizer: Tokenizer, marks: FimMarks, lead: str = "") -> None:
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._lead = lead
        # A user's own "▁" would come back as a space; where bytes have tokens of their own it is spelt by those.
        spelt = [tokenizer.token_to_id(f"<0x{byte:02X}>") for byte in UNDERLINE.encode()]
        self._underline = [] if None in spelt else [one for one in spelt if one is not None]
        self._added = {one.content: int(id_) for id_, one in tokenizer.get_added_tokens_decoder().items()}
        longest_first = sorted(self._added, key=len, reverse=True)
        self._special = re.compile("|".join(re.escape(one) for one in longest_first) or "(?!)")
        self.marks = marks

    def encode_plain(self, text: str) -> list[int]:
        """Token ids of `text`, a piece that continues another; what looks like a special token stays plain text."""
        if self._underline and UNDERLINE in text:
            first, *rest = (self._ids(piece) for piece in text.split(UNDERLINE))
            return sum((self._underline + ids for ids in rest), first)
        return self._ids(text)

    def encode_plain_batch(self, texts: list[str]) -> list[list[int]]:
        """The same for many texts, on all cores."""
        if self._underline and any(UNDERLINE in text for text in texts):
            return [self.encode_plain(text) for text in texts]
        return [list(one.ids) for one in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def encode_plain_ends(self, texts: list[str]) -> list[tuple[list[int], list[int]]]:
        """The same, with the number of characters of the text that end with each token."""
        if self._underline and any(UNDERLINE in text for text in texts):
            return [self._ids_and_ends(text) for text in texts]
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [(list(one.ids), [end for _, end in one.offsets]) for one in encoded]

    def encode_marked(self, text: str, guard: str) -> list[int]:
        """Token ids of a text whose special tokens count, but for those with a `guard` inside, which falls away."""
        ids: list[int] = []
        at = 0
        for found in self._special.finditer(text):
            ids += self.encode_plain(text[at : found.start()].replace(guard, ""))
            ids.append(self._added[found[0]])
            at = found.end()
        return ids + self.encode_plain(text[at:].replace(guard, ""))

    def begun(self, text: str) -> str:
        """A text, or its first piece, as it is to be encoded: with the space that some tokenizers put before it."""
        wanted = bool(text) and (self._lead == "any" or (self._lead == "word" and not text.startswith(" ")))
        return f" {text}" if wanted else text

    def decode(self, ids: list[int]) -> str:
        """Text of `ids` without special tokens; bytes that are no UTF-8 yet become U+FFFD."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def token(self, id_: int) -> str:
        """The vocabulary's own spelling of one id."""
        return str(self._tokenizer.id_to_token(id_) or "")

    @property
    def size(self) -> int:
        """How many different tokens there are, marks included."""
        return int(self._tokenizer.get_vocab_size())

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _ids_and_ends(self, text: str) -> tuple[list[int], list[int]]:
        """Of a text with a user's own underlines, each of which is one character spelt by its bytes."""
        ids: list[int] = []
        ends: list[int] = []
        at = 0
        for number, piece in enumerate(text.split(UNDERLINE)):
            if number:
                ids, at = ids + self._underline, at + 1
                ends += [at] * len(self._underline)
            one = self._tokenizer.encode(piece, add_special_tokens=False)
            ids += one.ids
            ends += [at + end for _, end in one.offsets]
            at += len(piece)
        return ids, ends


def plainly(data: dict[str, Any], control: Iterable[str]) -> tuple[Tokenizer, str]:
    """A tokenizer that changes nothing of a text, from its tokenizer.json; and the space it put before the first word:
    "" for none, "any" for always, "word" for one unless there is one already. `control` are tokens no text may hold."""
    control = set(control)
    vocabulary = data["model"].get("vocab")
    added = [{**one, "special": one["special"] or one["content"] in control} for one in data.get("added_tokens") or []]
    known = {one["content"] for one in added}
    if isinstance(vocabulary, dict):
        plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        added += [{"id": vocabulary[one], "content": one, **plain} for one in control - known if one in vocabulary]
    normalizer = [one for one in _steps(data.get("normalizer")) if one["type"] in ("Replace", "ByteLevel")]
    splitter = _steps(data.get("pre_tokenizer"))
    decoder = [one for one in _steps(data.get("decoder")) if one["type"] != "Strip"]
    changed = {
        **data,
        "added_tokens": sorted(added, key=lambda one: int(one["id"])),
        "normalizer": _sequence([_unled(one) for one in normalizer], "normalizers"),
        "pre_tokenizer": _sequence([_unled(one) for one in splitter], "pretokenizers"),
        "decoder": _sequence([_unled(one) for one in decoder], "decoders"),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }
    return Tokenizer.from_str(json.dumps(changed)), _lead(_steps(data.get("normalizer")), splitter)


def _steps(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A part of a tokenizer as the list of its steps."""
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    inner = next(value for name, value in part.items() if name != "type")
    return [step for one in inner for step in _steps(one)]


def _sequence(steps: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    if len(steps) < 2:
        return steps[0] if steps else None
    return {"type": "Sequence", name: steps}


def _unled(step: dict[str, Any]) -> dict[str, Any]:
    """The step without what it does at the beginning of a text only."""
    changes = {name: False for name in ("add_prefix_space",) if name in step}
    return {**step, **changes, **({"prepend_scheme": "never"} if step["type"] == "Metaspace" else {})}


def _lead(normalizer: list[dict[str, Any]], splitter: list[dict[str, Any]]) -> str:
    if any(one["type"] == "Prepend" for one in normalizer):
        return "any"
    for one in splitter:
        led = one.get("prepend_scheme", "always") != "never" and one.get("add_prefix_space", True)
        if (one["type"] == "Metaspace" and led) or (one["type"] == "ByteLevel" and one.get("add_prefix_space")):
            return "word"
    return ""


def marks_of(
    ids: Mapping[str, int | None], marks: tuple[str, str, str, str, str, str], stops: Iterable[str] = ()
) -> FimMarks:
    """The ids of prefix, suffix, middle, eot, bos, eos and of the stops, from their spellings."""
    prefix, suffix, middle, eot, bos, eos = (NONE if (id_ := ids.get(mark)) is None else id_ for mark in marks)
    rest = tuple(id_ for stop in stops if (id_ := ids.get(stop)) is not None)
    return FimMarks(prefix, suffix, middle, eot, bos, eos, rest)


@lru_cache(maxsize=8)
def _load(path: Path, marks: tuple[str, str, str, str, str, str], stops: tuple[str, ...]) -> TextTokenizer:
    tokenizer, lead = plainly(json.loads(path.read_text(encoding="utf-8")), {*marks, *stops} - {""})
    ids = {mark: tokenizer.token_to_id(mark) for mark in (*marks, *stops) if mark}
    if missing := [mark for mark, id_ in ids.items() if id_ is None]:
        raise RefactError(
            f"{path} has no single token for {', '.join(missing)}.", "This model cannot fill in the middle."
        )
    return TextTokenizer(tokenizer, marks_of(ids, marks, stops), lead)


def load_tokenizer(info: ModelInfo) -> TextTokenizer:
    """The tokenizer of a model, its marks verified to be one token each. Raises RefactError where one is not."""
    marks = (info.fim_prefix, info.fim_suffix, info.fim_middle, info.eot, info.bos, info.eos)
    return _load(info.path / "tokenizer.json", marks, info.stops)

"""Finds a model's family and its marks from its tokenizer, its type and its name, and verifies them; torch-free."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from tokenizers import Tokenizer

from backend.errors import BadRequest
from backend.models.families import OTHER, PLAIN, Family, Known
from backend.models.folder import spelling
from backend.models.tokenizer import TextTokenizer, marks_of, plainly

SHAPES = {
    "prefix": re.compile(r"(?i)^.{0,4}fim.{0,2}(prefix|begin|start)\W*$"),
    "suffix": re.compile(r"(?i)^.{0,4}fim.{0,2}(suffix|hole)\W*$"),
    "middle": re.compile(r"(?i)^.{0,4}fim.{0,2}(middle|end)\W*$"),
}
"""How marks of models of no known family are spelt."""
PROBE = (
    "#!/usr/bin/env python\nclass  Spaces:\n\n    def f(self, x='a', *y) -> None:\n\t\treturn x[0]  # ✓ größer\n\n"
    "  if x <= 1e-9 and not y:   \n        print(f\"{x!r}\\n\", end='')\r\n"
)
"""What every tokenizer of code must give back."""
FAR_PROBE = "naïve 日本語 🙂 e\u0301 ▁ \u00a0|"
"""Text beyond what every vocabulary can spell."""


@dataclass(frozen=True)
class Derived:
    """A model's family by name, as it is for this very tokenizer: marks that it lacks are left out."""

    name: str
    family: Family
    bos: str
    named: bool
    """Whether the model's own name told the family, so that what is known of the family is true of it."""
    notes: tuple[str, ...] = ()


def derive(
    known: Known, asked: str | None, names: Sequence[str], model_type: str, data: dict[str, Any], told: dict[str, Any]
) -> Derived:
    """The family, from tokenizer.json (`data`) and what config and tokenizer_config say (`told`).

    Raises BadRequest for an unknown family, or one whose marks the tokenizer does not have."""
    try:
        tokenizer, _ = plainly(data, ())
    except Exception as error:  # the library raises nothing more exact
        raise BadRequest(f"Its tokenizer.json cannot be read: {error}.", "Make it anew with transformers.") from error
    has = {mark: tokenizer.token_to_id(mark) is not None for one in known.families.values() for mark in _needed(one)}
    if asked is not None:
        name, named = asked, True
        family = _asked(known, asked, has)
    else:
        name, family, named = _best(known, has, names, model_type) or _unknown(known, has, tokenizer, data, told)
    stops = tuple(one for one in family.stops if tokenizer.token_to_id(one) is not None and one != family.eot)
    eos = family.eos if family.eos and tokenizer.token_to_id(family.eos) is not None else ""
    middle = family.middle if family.middle and tokenizer.token_to_id(family.middle) is not None else ""
    bos = _bos(data, told) if family.bos is not False else ""
    if bos and tokenizer.token_to_id(bos) is None:
        bos = ""
    family = msgspec.structs.replace(family, stops=stops, eos=eos, middle=middle)
    size = told.get("vocab_size")
    return Derived(name, family, bos, named, _verified(family, bos, data, size if isinstance(size, int) else 0))


def _needed(family: Family) -> Iterable[str]:
    return (*family.marks, family.eot)


def _asked(known: Known, name: str, has: dict[str, bool]) -> Family:
    family = known.families.get(name)
    if family is None:
        raise BadRequest(f"There is no family called {name!r}.", f"Families: {', '.join(known.families)}.")
    if missing := [mark for mark in _needed(family) if not has[mark]]:
        raise BadRequest(
            f"Its tokenizer has no single token for {', '.join(missing)}, which the family {name} needs.",
            "Leave --family out and it is found by the marks that there are.",
        )
    return family


def _best(known: Known, has: dict[str, bool], names: Sequence[str], model_type: str) -> tuple[str, Family, bool] | None:
    """The family whose type, marks and name fit; a name alone is not enough, and for some the name must."""
    best: tuple[int, str, Family, bool] | None = None
    for name, family in known.families.items():
        if model_type not in family.types or not all(has[mark] for mark in _needed(family)):
            continue
        named = any(re.search(pattern, one.lower()) for pattern in family.match for one in names)
        if family.by_name and not named:
            continue
        points = 2 * named + bool(family.marks)
        if best is None or points > best[0]:
            best = points, name, family, named
    return best[1:] if best else None


def _unknown(
    known: Known, has: dict[str, bool], tokenizer: Tokenizer, data: dict[str, Any], told: dict[str, Any]
) -> tuple[str, Family, bool]:
    """A family made of the marks that the tokenizer has, or without any. Raises BadRequest without an end of text."""
    eot = spelling(told.get("eos_token"))
    if not eot:
        number = told.get("eos_token_id")
        number = number[0] if isinstance(number, list) and number else number
        eot = tokenizer.id_to_token(number) or "" if isinstance(number, int) else ""
    if not eot or tokenizer.token_to_id(eot) is None:
        raise BadRequest(
            "Neither config.json nor tokenizer_config.json names a token that ends a text.",
            "Say it in models.toml: a family with its eot, then add with --family.",
        )
    # Of several families with the same marks the order that most of them use is the likeliest.
    for family in sorted(known.families.values(), key=lambda one: one.layout != "psm"):
        if family.marks and all(has[mark] for mark in family.marks):
            found = Family(
                layout=family.layout, prefix=family.prefix, suffix=family.suffix, middle=family.middle, eot=eot
            )
            return OTHER, found, False
    added = [one["content"] for one in data.get("added_tokens") or []]
    spelt = {part: [one for one in added if shape.match(one)] for part, shape in SHAPES.items()}
    if all(len(one) == 1 for one in spelt.values()):
        marks = {part: one[0] for part, one in spelt.items()}
        return OTHER, Family(layout="psm", eot=eot, **marks), False
    return PLAIN, Family(layout="none", eot=eot), False


def _bos(data: dict[str, Any], told: dict[str, Any]) -> str:
    """The token that the tokenizer itself puts before a text: said outright, or by its template."""
    if told.get("add_bos_token") is not None:
        return spelling(told.get("bos_token")) if told["add_bos_token"] else ""
    return _templated(data.get("post_processor"))


def _templated(part: dict[str, Any] | None) -> str:
    if not part:
        return ""
    if part["type"] == "Sequence":
        return next((found for one in part["processors"] if (found := _templated(one))), "")
    first = (part.get("single") or [{}])[0] if part["type"] == "TemplateProcessing" else {}
    return spelling({"content": first.get("SpecialToken", {}).get("id")})


def _verified(family: Family, bos: str, data: dict[str, Any], vocabulary: int) -> tuple[str, ...]:
    """Sentences about what is wanting. Raises BadRequest where marks or texts would not come out right."""
    spellings = (family.prefix, family.suffix, family.middle, family.eot, bos, family.eos)
    control = {*spellings, *family.stops} - {""}
    if odd := [mark for mark in control if not mark.isprintable()]:
        raise BadRequest(f"Its token {odd[0]!r} cannot be printed.", "Such a model is not to be trusted.")
    raw, lead = plainly(data, control)
    ids = {mark: id_ for mark in control if (id_ := raw.token_to_id(mark)) is not None}
    if far := [mark for mark, id_ in ids.items() if vocabulary and id_ >= vocabulary]:
        raise BadRequest(
            f"The token {far[0]} has the number {ids[far[0]]}, but the model knows only {vocabulary} tokens.",
            "Tokenizer and weights are of two models.",
        )
    tokenizer = TextTokenizer(raw, marks_of(ids, spellings), lead)
    for mark in sorted(control):
        if set(tokenizer.encode_plain(f"x {mark} y")) & set(ids.values()):
            raise BadRequest(
                f"Its tokenizer takes {mark} in a user's text for the mark itself.", "Such a model cannot be used."
            )
    for text in (PROBE, f"    {PROBE}", f"{PROBE}{' '.join(sorted(control))}"):
        joined = tokenizer.decode(tokenizer.encode_plain(text[:25]) + tokenizer.encode_plain(text[25:]))
        if joined != text or tokenizer.decode(tokenizer.encode_plain(tokenizer.begun(text))) not in (text, f" {text}"):
            raise BadRequest(
                "Its tokenizer does not give back the text that it was given.", "Such a model cannot be used for code."
            )
    lossy = tokenizer.decode(tokenizer.encode_plain(FAR_PROBE)) != FAR_PROBE
    return ("Its tokenizer has no spelling for some letters beyond ASCII.",) if lossy else ()

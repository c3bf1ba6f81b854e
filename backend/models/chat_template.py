"""Lays a conversation out as a model's own template says; a stranger's program, so in jinja's sandbox and with limits.

A text that spells one of the model's special tokens gets a guard put inside it: the tokenizer then reads plain text.
"""

import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

from backend.errors import BadRequest, RefactError
from backend.models.catalog import ModelInfo
from backend.models.folder import optional_json, spelling

GUARD = "\ufdd0"
"""A code point that no text may hold."""
LONGEST_S = 2.0
MOST = 4 * 1024 * 1024
"""Characters of a conversation as laid out."""
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def render(info: ModelInfo, messages: Sequence[Mapping[str, Any]]) -> str:
    """The conversation, ready for the model to go on as the assistant.

    Raises BadRequest for a model without a template, and with its own words for messages that it refuses."""
    source, tokens, specials = _read(info.path, (info.path / "tokenizer.json").stat().st_mtime_ns)
    if not source:
        raise BadRequest(
            f"{info.name} has no chat template: it completes code, it does not chat.",
            "Host a model that was taught to, an instruct model.",
            code="no_chat",
        )
    guarded = [_guarded(message, specials) for message in messages]
    try:
        laid_out = _limited(source, {**tokens, "messages": guarded, "add_generation_prompt": True, "tools": None})
    except _TooLong as error:
        raise RefactError(f"The chat template of {info.name} does not come to an end.", "Look at it.") from error
    except Exception as error:  # whatever a stranger's program does
        raise BadRequest(f"The chat template of {info.name} refuses this: {error}.") from error
    if len(laid_out) > MOST:
        raise BadRequest("The conversation is too long.", "Begin another one.")
    return laid_out


class _TooLong(Exception):
    """A template that took more than its time."""


def _limited(source: str, values: dict[str, Any]) -> str:
    """What the template makes of the values, unless it takes too long: looked at with every line that runs."""
    deadline = time.monotonic() + LONGEST_S

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > deadline:
            raise _TooLong
        return watch

    template, before = _compiled(source), sys.gettrace()
    sys.settrace(watch)
    try:
        return str(template.render(values))
    finally:
        sys.settrace(before)


@lru_cache(maxsize=8)
def _read(folder: Path, _changed: int) -> tuple[str, dict[str, str], "re.Pattern[str] | None"]:
    """The template, the special tokens that it may name, and a pattern of all tokens that no user may write."""
    config = optional_json(folder / "tokenizer_config.json")
    told = {**optional_json(folder / "special_tokens_map.json"), **config}
    tokens = {name: spelt for name in NAMED if (spelt := spelling(told.get(name)))}
    added = optional_json(folder / "tokenizer.json").get("added_tokens") or []
    spellings = sorted({str(one["content"]) for one in added}, key=len, reverse=True)
    specials = re.compile("|".join(re.escape(one) for one in spellings)) if spellings else None
    return _template(folder, config), tokens, specials


def _template(folder: Path, config: dict[str, Any]) -> str:
    """The template's text: a file of its own goes before what the tokenizer's configuration says; empty for none."""
    if (path := folder / "chat_template.jinja").is_file():
        return path.read_text(encoding="utf-8")
    found = optional_json(folder / "chat_template.json").get("chat_template") or config.get("chat_template") or ""
    if isinstance(found, list):
        named = {str(one.get("name")): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default") or ""
    return found if isinstance(found, str) else ""


def _guarded(value: Any, specials: "re.Pattern[str] | None") -> Any:
    """The value with a guard behind the first letter of whatever spells a special token."""
    if isinstance(value, str):
        text = value.replace(GUARD, "")
        return specials.sub(lambda found: found[0][0] + GUARD + found[0][1:], text) if specials else text
    if isinstance(value, Mapping):
        return {name: _guarded(one, specials) for name, one in value.items()}
    return [_guarded(one, specials) for one in value] if isinstance(value, list | tuple) else value


@lru_cache(maxsize=8)
def _compiled(source: str) -> Any:
    # Imported when somebody chats: it takes longer than the rest of the engine's start.
    from jinja2 import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        """The sandbox, and no text made long by arithmetic."""

        intercepted_binops = frozenset({"*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not all(isinstance(one, int | float) and abs(one) < 1_000_000 for one in (left, right)):
                raise TemplateError(f"{operator} is for small numbers")
            return super().call_binop(context, operator, left, right)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def as_json(value: Any, indent: int | None = None, **_more: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = Environment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    for name in ("lipsum", "cycler", "joiner", "dict"):
        environment.globals.pop(name, None)
    for name in ("center", "format", "indent", "random"):
        environment.filters.pop(name, None)
    environment.filters["tojson"] = as_json
    environment.globals |= {
        "raise_exception": refuse,
        "strftime_now": lambda form: datetime.now().astimezone().strftime(form),
    }
    # What only training needs, which of the text the model is to learn, becomes what jinja knows.
    plain = re.sub(r"(\{%[-+]?)\s*generation\s*([-+]?%\})", r"\1 if true \2", source)
    plain = re.sub(r"(\{%[-+]?)\s*endgeneration\s*([-+]?%\})", r"\1 endif \2", plain)
    return environment.from_string(plain)

"""What a model elsewhere answers to a completion request of ours: it goes out in OpenAI's form, pieces come back.

Here an answer is held to what was asked for, whatever the other server makes of it: its stop texts, its length."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from backend.context import Context
from backend.errors import Elsewhere
from backend.models.catalog import get
from backend.models.families import Family, shipped
from backend.serve import passthrough
from backend.serve.client_prompt import Parts, take_apart
from backend.serve.request import CompletionRequest, Delta
from backend.serve.text import StopMatcher
from backend.serve.upstreams import MISTRAL, SUFFIX, Found
from backend.serve.window import near_text

LETTERS = 3
"""Characters of code in a token, about: the other server's tokenizer is not known here."""
LONGEST_TOKEN = 256
"""Characters; an answer longer than so many for each token that it may have is cut."""
STOPS = 4
"""Stop texts that OpenAI's form allows; further ones are looked for here alone."""


class _Said(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    """One choice or a piece of it, in any of the three shapes."""

    text: str | None = None
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Packet(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


async def generate(ctx: Context, found: Found, asked: CompletionRequest) -> AsyncGenerator[Delta, None]:
    """The answer, piece by piece; leaving the iterator early hangs up on the other server.

    Raises what `upstream.ask` raises, Overloaded, and Elsewhere for what is no answer."""
    parts = _parts(ctx, found, asked.prompt, asked.suffix)
    prefix, suffix = _fitted(found.server.context, parts, asked.max_tokens)
    route, fields = _laid(found.server.fim, prefix, suffix)
    cut = len(prefix) + len(suffix) < len(parts.prefix) + len(parts.suffix or "")
    async with aclosing(_answer(ctx, found, route, fields, asked)) as pieces:
        async for piece in pieces:
            yield msgspec.structs.replace(piece, cut=cut)


async def converse(
    ctx: Context, found: Found, messages: list[dict[str, str]], asked: CompletionRequest
) -> AsyncGenerator[Delta, None]:
    """The next turn of a conversation; of `asked` only how it is to be answered counts. Raises what `generate` does."""
    async with aclosing(_answer(ctx, found, "chat/completions", {"messages": messages}, asked)) as pieces:
        async for piece in pieces:
            yield piece


def translates(ctx: Context, found: Found, prompt: str, suffix: str | None) -> bool:
    """Whether a prompt that came in OpenAI's form would not be understood by the other server as it is."""
    parts = _parts(ctx, found, prompt, suffix)
    return bool(parts.suffix) and (found.server.fim != SUFFIX or parts.suffix != suffix)


def _parts(ctx: Context, found: Found, prompt: str, suffix: str | None) -> Parts:
    """The text around the cursor. Editors that were told of the model put the first hosted model's marks around it."""
    if suffix or not found.server.completion:
        return Parts(prompt, suffix or None)
    return take_apart(get(ctx, ctx.hosts.models()[0]), prompt)


def _fitted(context: int, parts: Parts, max_tokens: int) -> tuple[str, str]:
    """Prefix and suffix as they go out: what is surely too long loses its far ends, never what is at the cursor."""
    room = (context - min(max_tokens, context // 2)) * LETTERS
    suffix = (parts.suffix or "")[: max(room // 4, room - len(parts.prefix))]
    return near_text(parts.prefix, room - len(suffix)), suffix


def _laid(fim: str, prefix: str, suffix: str) -> tuple[str, dict[str, Any]]:
    """Route and fields of a request that fills in before the suffix, as the other server understands it."""
    if not suffix:
        return "completions", {"prompt": prefix}
    if fim == MISTRAL:
        return "fim/completions", {"prompt": prefix, "suffix": suffix}
    if fim == SUFFIX:
        return "completions", {"prompt": prefix, "suffix": suffix}
    return "completions", {"prompt": _marked(shipped()[fim], prefix, suffix)}


def _marked(family: Family, prefix: str, suffix: str) -> str:
    """A family's marks around the text, in its order."""
    before, behind, middle = family.prefix, family.suffix, family.middle
    match family.layout:
        case "spm":
            return f"{behind}{suffix}{before}{prefix}{middle}"
        case "spm_contiguous":
            return f"{before}{behind}{suffix}{middle}{prefix}"
        case "spm_unmarked":
            return f"{behind}{suffix}{before}{prefix}"
    return f"{before}{prefix}{behind}{suffix}{middle}"


async def _answer(
    ctx: Context, found: Found, route: str, fields: dict[str, Any], asked: CompletionRequest
) -> AsyncGenerator[Delta, None]:
    # Imported when the first request goes elsewhere: the client takes longer than the rest of the engine's start.
    from backend.serve import upstream

    body = {"model": found.model, **fields, **_sampling(found, asked), "stream": asked.stream}
    source = upstream.stream(ctx, found, route, body) if asked.stream else _once(ctx, found, route, body)
    reader = _Reader(found, asked)
    with passthrough.place(ctx, found, asked.stream) as watch:
        async with aclosing(source) as packets:
            async for packet in packets:
                if delta := reader.read(packet):
                    watch.piece(delta)
                    yield delta
                    if delta.finish_reason:
                        return
        last = reader.finish()
        watch.piece(last)
        yield last


async def _once(ctx: Context, found: Found, route: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    from backend.serve import upstream

    yield await upstream.ask(ctx, found, route, body)


def _sampling(found: Found, asked: CompletionRequest) -> dict[str, Any]:
    """How the tokens are to be chosen; what is as usual is left out, for servers that do not know the word."""
    told: dict[str, Any] = {
        "max_tokens": min(asked.max_tokens, found.server.context // 2),
        "temperature": asked.temperature,
    }
    if asked.top_p < 1:
        told["top_p"] = asked.top_p
    if asked.stop:
        told["stop"] = list(asked.stop[:STOPS])
    if asked.seed is not None:
        told["seed"] = asked.seed
    return told


class _Reader:
    """Turns the other server's packets into pieces."""

    def __init__(self, found: Found, asked: CompletionRequest) -> None:
        self._found, self._matcher = found, StopMatcher(asked.stop)
        self._left = asked.max_tokens * LONGEST_TOKEN
        self._said = 0
        self._usage: dict[str, Any] = {}

    def read(self, packet: dict[str, Any]) -> Delta | None:
        """What may be shown of it, if anything. Raises Elsewhere for what is no piece of an answer."""
        from backend.serve.upstream import said_in

        if packet.get("error"):
            raise Elsewhere(f"{self._found.upstream} failed: {said_in(msgspec.json.encode(packet))}", "Ask again.")
        try:
            choices = msgspec.convert(packet, _Packet).choices
        except (msgspec.ValidationError, RecursionError) as error:
            what = f"{self._found.upstream} sends what cannot be understood"
            raise Elsewhere(f"{what}: {error}.", "Is it a server of OpenAI's form?") from error
        self._usage = packet if packet.get("usage") else self._usage
        if not choices:
            return None
        self._said += 1
        choice = choices[0]
        said = choice.delta or choice.message
        text = choice.text or (said.content if said else "") or ""
        shown = self._matcher.feed(text[: self._left])
        self._left -= len(text)
        if choice.finish_reason or self._matcher.stopped or self._left < 0:
            long = self._left < 0 or choice.finish_reason == "length"
            return self._last(shown, long)
        return Delta(text=shown, tokens=self._said) if shown else None

    def finish(self) -> Delta:
        """The end of an answer that did not say why it ends. Raises Elsewhere where there is none."""
        if not self._said:
            raise Elsewhere(f"{self._found.upstream} answers nothing.", "Ask again.")
        return self._last("", False)

    def _last(self, shown: str, long: bool) -> Delta:
        stopped = self._matcher.stopped
        shown += "" if stopped else self._matcher.flush()
        return msgspec.structs.replace(
            passthrough.end(self._usage, self._said),
            text=shown,
            finish_reason="length" if long and not stopped else "stop",
            stop_text=self._matcher.stop_text,
        )

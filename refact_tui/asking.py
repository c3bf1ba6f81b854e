"""A question put to a model that chats, and its answer as it comes."""

from collections.abc import Callable, Sequence
from contextlib import aclosing

import msgspec

from backend import wire
from refact_tui.client import AsyncClient, EngineError, EngineUnreachable

LONGEST_SILENCE_S = 600.0
"""A model may have much to read before it says anything."""


def who_chats(models: Sequence[wire.Model], elsewhere: Sequence[wire.ModelElsewhere]) -> list[str]:
    """Names of the models that can be asked: those hosted here, then those of other servers."""
    here = [one.name for one in models if one.hosted and "chat" in one.supports]
    return here + [one.name for one in elsewhere if one.chat]


async def answer(client: AsyncClient, question: wire.Ask, tell: Callable[[str], None]) -> wire.Said:
    """The whole answer; `tell` gets what there is of it whenever more has come. To be cancelled ends the model's work.

    Raises as the client does."""
    text = ""
    async with aclosing(client.stream("/ask/stream", question, LONGEST_SILENCE_S)) as events:
        async for event in events:
            if event.kind == "piece":
                text += event.data["text"]
                tell(text)
            elif event.kind == "said":
                return msgspec.convert(event.data, wire.Said)
            elif event.kind == "failed":
                failed = msgspec.convert(event.data, wire.ErrorBody)
                raise EngineError(failed.code, failed.message, failed.hint)
    raise EngineUnreachable("The answer broke off.", "Ask again.")

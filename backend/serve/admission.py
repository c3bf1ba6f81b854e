"""How much is let in at once: so many requests that make a model work, and none whose body never comes.

The queue of each model is bounded too; this bound is told before a body is read, so that bodies cannot fill memory."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive, Send

from backend.errors import Overloaded, RefactError

AT_ONCE = 256
"""Requests of all models and clients together."""
BODY_S = 30.0
"""Within which a body must have come."""


class Slow(RefactError):
    """The client has begun to send, and does not go on."""

    status = 408
    code = "timeout"


class Room:
    """Counts what is under way."""

    def __init__(self) -> None:
        self.taken = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """A place, given back at the end. Raises Overloaded where there is none."""
        if self.taken >= AT_ONCE:
            raise Overloaded(f"{self.taken} requests are being answered already.", "Try again in a second.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


def before_the_end(send: Send, leave: Callable[[], None]) -> Send:
    """Sends the same; `leave` is called before the last piece, since who has that may ask again at once."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            leave()
        await send(message)

    return sending


def patient(receive: Receive) -> Receive:
    """The same messages. Raises Slow, to whoever reads it, where the body has not come in time."""
    late = asyncio.get_running_loop().time() + BODY_S
    whole = False

    async def next_message() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(late):
                message = await receive()
        except TimeoutError:
            raise Slow(f"The request's body did not come within {BODY_S:g} s.", "Send it again.") from None
        whole = not message.get("more_body", False)
        return message

    return next_message

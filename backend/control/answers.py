"""Bodies in, answers out: JSON by msgspec, every error as one sentence with a hint."""

import logging
import sqlite3
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from backend import projects, wire
from backend.context import Context
from backend.errors import BadRequest, RefactError

log = logging.getLogger("refact.control")
T = TypeVar("T")


def context(request: Request) -> Context:
    """The engine's parts, about the project that the request names, else the one that is shown. Raises NotFound."""
    found: Context = request.app.state.ctx
    named = request.headers.get(wire.PROJECT_HEADER)
    return found.inside(projects.number_of(found, named)) if named else found


def answer(value: Any, status: int = 200) -> Response:
    """Anything that msgspec encodes."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def body(request: Request, kind: type[T]) -> T:
    """The request's body as this type; an empty one is an empty object. Raises BadRequest naming what is off."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise BadRequest(f"The request is not understood: {error}.") from error


def number(request: Request, name: str) -> int | None:
    """A query value that must be a whole number, if it is there. Raises BadRequest."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f"{name} is {text!r}; it must be a whole number.") from None


def refusal(status: int, code: str, message: str, hint: str = "") -> Response:
    """An error as every client reads it."""
    return answer(wire.ErrorAnswer(error=wire.ErrorBody(code=code, message=message, hint=hint)), status)


async def refuse(request: Request, error: Exception) -> Response:
    """Turns any exception into an answer."""
    if isinstance(error, RefactError):
        return refusal(error.status, error.code, error.message, error.hint)
    if isinstance(error, HTTPException):
        return refusal(error.status_code, "not_found", f"There is no {request.method} {request.url.path} here.")
    if isinstance(error, sqlite3.OperationalError | OSError):
        home = context(request).paths.home
        log.error("%s %s: %r", request.method, request.url.path, error)
        return refusal(
            500,
            "disk",
            f"The state in {home} could not be used: {error}.",
            "Look at the disk's free space and permissions.",
        )
    log.error("%s %s broke", request.method, request.url.path, exc_info=error)
    return refusal(
        500,
        "failed",
        f"The engine made a mistake: {error!r}.",
        f"Its log says more: {context(request).paths.engine_log}",
    )

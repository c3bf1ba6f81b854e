"""The control app over one engine's context."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from backend.context import Context
from backend.control import (
    about,
    chat,
    checkpoints,
    code,
    colophon,
    credentials,
    models,
    people,
    projects,
    trash,
    tuning,
)
from backend.control.answers import refuse
from backend.control.sse import events
from backend.errors import RefactError


def build(ctx: Context, leave: Callable[[bool], None]) -> Starlette:
    """Every route; `leave(keep_trainers)` makes the engine end soon."""
    app = Starlette(
        routes=[
            Route("/events", events),
            *about.ROUTES,
            *chat.ROUTES,
            *code.ROUTES,
            *colophon.ROUTES,
            *checkpoints.ROUTES,
            *credentials.ROUTES,
            *models.ROUTES,
            *people.ROUTES,
            *projects.ROUTES,
            *trash.ROUTES,
            *tuning.ROUTES,
        ],
        exception_handlers={RefactError: refuse, HTTPException: refuse, OSError: refuse, Exception: refuse},
    )
    app.state.ctx = ctx
    app.state.leave = leave
    return app

"""Who answers a completion request, for the dialects: a model hosted here, or the one elsewhere that it names."""

from collections.abc import AsyncGenerator

from backend.context import Context
from backend.serve import elsewhere
from backend.serve.request import CompletionRequest, Delta, named
from backend.serve.upstreams import Found, find


def there(ctx: Context, asked: CompletionRequest) -> Found | None:
    """The model elsewhere that a request names, if it does. Raises what `find` raises."""
    return find(ctx, named(asked.model, asked.choice))


def model(ctx: Context, asked: CompletionRequest) -> str:
    """The name of the model that answers. Raises NotFound for one that is neither here nor elsewhere."""
    found = there(ctx, asked)
    return found.name if found else ctx.hosts.host(asked.model).model


def context(ctx: Context, asked: CompletionRequest) -> int:
    """Tokens that the model reads. Raises what `model` raises."""
    found = there(ctx, asked)
    return found.server.context if found else ctx.hosts.host(asked.model).context


def generate(ctx: Context, asked: CompletionRequest) -> AsyncGenerator[Delta, None]:
    """The answer, piece by piece; leaving the iterator early cancels it.

    Raises what Hosts.generate and `elsewhere.generate` raise."""
    found = there(ctx, asked)
    return elsewhere.generate(ctx, found, asked) if found else ctx.hosts.generate(asked)

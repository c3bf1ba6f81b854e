"""The public app: what IDEs talk to on port 8008; a dialect is one file that maps two shapes."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from backend.context import Context
from backend.errors import RefactError
from backend.serve import chat, fim, infill, ollama, ollama_models, openai, refact, tabby
from backend.serve.answers import GONE, JsonResponse, refuse, refuse_http, refuse_unexpected
from backend.serve.completions import completions
from backend.serve.description import openapi
from backend.serve.gate import Gate
from backend.serve.metrics import metrics


async def health(request: Request) -> Response:
    """GET /health: 200 as long as the engine lives; `status` says whether the default model is ready."""
    shown = request.app.state.ctx.hosts.snapshot()
    return JsonResponse(
        {
            "status": "ok" if shown[0].state == "ready" else shown[0].state,
            "model": shown[0].model,
            "models": [{"model": one.model, "checkpoint": one.checkpoint, "state": one.state} for one in shown],
        }
    )


async def gone(request: Request, error: Exception) -> Response:
    """The client left before it had sent everything: nobody reads this."""
    return Response(status_code=GONE)


def build(ctx: Context) -> Starlette:
    """The app over one engine's context."""
    app = Starlette(
        routes=[
            Route("/v1/completions", completions, methods=["POST"]),
            # DeepSeek's clients say `beta` for what is OpenAI's form.
            Route("/beta/completions", completions, methods=["POST"]),
            Route("/v1/models", openai.models),
            Route("/v1/chat/completions", chat.completions, methods=["POST"]),
            Route("/v1/fim/completions", fim.completions, methods=["POST"]),
            Route("/infill", infill.infill, methods=["POST"]),
            Route("/completion", infill.completion, methods=["POST"]),
            Route("/props", infill.props),
            Route("/api/generate", ollama.generate, methods=["POST"]),
            Route("/api/chat", ollama.converse, methods=["POST"]),
            Route("/api/tags", ollama_models.tags),
            Route("/api/ps", ollama_models.running),
            Route("/api/show", ollama_models.show, methods=["POST"]),
            Route("/api/version", ollama_models.version),
            Route("/refact-caps", refact.caps),
            Route("/coding_assistant_caps.json", refact.caps),
            Route("/tokenizer/{name:path}", refact.tokenizer),
            Route("/stats/telemetry-basic", refact.telemetry, methods=["POST"]),
            Route("/stats/telemetry-snippets", refact.telemetry, methods=["POST"]),
            Route("/stats/rh-stats", refact.statistics),
            Route("/v1/health", tabby.health, methods=["GET", "POST"]),
            Route("/v1/events", tabby.events, methods=["POST"]),
            Route("/v1beta/server_setting", tabby.server_setting),
            Route("/v1beta/models", tabby.models),
            Route("/health", health),
            Route("/metrics", metrics),
            Route("/openapi.json", openapi),
        ],
        middleware=[Middleware(Gate, ctx)],
        exception_handlers={
            RefactError: refuse,
            HTTPException: refuse_http,
            ClientDisconnect: gone,
            Exception: refuse_unexpected,
        },
    )
    app.state.ctx = ctx
    return app

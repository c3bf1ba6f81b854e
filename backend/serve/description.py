"""What the public app takes, as an OpenAPI document made of the routes and of the structs that bodies are read into."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import __version__
from backend.serve import chat, fim, infill, ollama, ollama_models, openai, tabby
from backend.serve.answers import JsonResponse
from backend.serve.completions import completions

BODIES: dict[Callable[..., Any], tuple[type, ...]] = {
    completions: (openai.Body, tabby.Body),
    chat.completions: (chat.Body,),
    fim.completions: (fim.Body,),
    infill.infill: (infill.Body,),
    infill.completion: (infill.Body,),
    tabby.events: (tabby.Event,),
    ollama.generate: (ollama.Body,),
    ollama.converse: (ollama.Talk,),
    ollama_models.show: (ollama_models.Show,),
}
REFERENCE = "#/components/schemas/{name}"
ANSWERS = {
    "200": "The answer",
    "400": "What is asked cannot be done, in words",
    "404": "There is no such thing",
    "413": "Too much was sent",
    "502": "A server elsewhere failed",
    "503": "Come back later",
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI document of these routes; what is not described further takes and gives any JSON."""
    kinds = list(dict.fromkeys(one for several in BODIES.values() for one in several))
    found, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    named = dict(zip(kinds, found, strict=True))
    schemas = {endpoint: {"anyOf": [named[one] for one in several]} for endpoint, several in BODIES.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "refact-tui", "version": __version__},
        "paths": {route.path.replace(":path}", "}"): _path(route, schemas) for route in routes},
        "components": {"schemas": components},
    }


def _path(route: Route, schemas: dict[Callable[..., Any], Any]) -> dict[str, Any]:
    return {
        method.lower(): _operation(route, method, schemas.get(route.endpoint))
        for method in sorted(route.methods or ())
        if method != "HEAD"
    }


def _operation(route: Route, method: str, body: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "summary": (inspect.getdoc(route.endpoint) or "").splitlines()[0],
        "responses": {status: {"description": words} for status, words in ANSWERS.items()},
    }
    if route.param_convertors:
        told["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in route.param_convertors
        ]
    if method == "POST":
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": body or {}}}}
    return told


async def openapi(request: Request) -> Response:
    """GET /openapi.json: this document."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    return JsonResponse(document(routes))

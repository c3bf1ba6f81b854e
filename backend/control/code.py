"""Routes of bringing code in and judging it: sources and scan."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.control.answers import answer, body, context, number
from backend.errors import BadRequest, NotFound
from backend.scan import changes, results, settings
from backend.scan import run as scans
from backend.sources import catalog as sources
from backend.sources import removal
from backend.sources import upload as uploads


class What(msgspec.Struct, frozen=True):
    """Something that was pasted or typed, to be recognised."""

    what: str


class Patterns(msgspec.Struct, frozen=True):
    """Gitignore patterns, to see what they would match."""

    patterns: list[str]


class SetBody(msgspec.Struct, frozen=True):
    """The set that a source's files belong to."""

    set: wire.SetName


async def list_sources(request: Request) -> Response:
    """GET /sources"""
    return answer(await sources.list_sources(context(request)))


async def add_source(request: Request) -> Response:
    """POST /sources"""
    return answer(await sources.add(context(request), await body(request, wire.AddSource)))


async def upload(request: Request) -> Response:
    """POST /sources/upload?name=&set=: the body is the file itself, as it comes."""
    query = request.query_params
    if not (name := query.get("name")):
        raise BadRequest("What is sent needs a name.", "Give one: --name x.tgz")
    try:
        wanted = msgspec.convert({"set": query.get("set", "auto")}, SetBody).set
    except msgspec.ValidationError as error:
        raise BadRequest("set is auto, train or test.") from error
    return answer(await uploads.receive(context(request), name, wanted, request.stream()))


async def remove_source(request: Request) -> Response:
    """DELETE /sources/{name}"""
    await removal.remove(context(request), request.path_params["name"])
    return answer({})


async def understand(request: Request) -> Response:
    """POST /sources/understand: what it would be added as."""
    return answer(await sources.understand(context(request), (await body(request, What)).what))


async def get_source(request: Request) -> Response:
    """GET /sources/{name}"""
    return answer(await sources.get(context(request), request.path_params["name"]))


async def sync_source(request: Request) -> Response:
    """POST /sources/{name}/sync"""
    return answer(await sources.sync(context(request), request.path_params["name"]))


async def set_source(request: Request) -> Response:
    """POST /sources/{name}/set"""
    wanted = (await body(request, SetBody)).set
    return answer(await sources.set_set(context(request), request.path_params["name"], wanted))


async def start_scan(request: Request) -> Response:
    """POST /scan"""
    return answer(await scans.start(context(request), await body(request, wire.StartScan)))


async def get_scan(request: Request) -> Response:
    """GET /scan"""
    found = await scans.current(context(request))
    if found is None:
        raise NotFound("Nothing has been scanned yet.", "Run `refact-tui scan run`.")
    return answer(found)


async def list_files(request: Request) -> Response:
    """GET /scan/files?verdict=&reason=&source=&language=&text=&limit=&after=&offset="""
    query = request.query_params
    page = await results.page(
        context(request),
        verdict=query.get("verdict"),
        reason=query.get("reason"),
        source=query.get("source"),
        language=query.get("language"),
        text=query.get("text"),
        limit=100 if (limit := number(request, "limit")) is None else limit,
        after=number(request, "after"),
        offset=number(request, "offset"),
    )
    return answer(page)


async def preview(request: Request) -> Response:
    """GET /scan/files/{id}"""
    return answer(await results.preview(context(request), request.path_params["id"]))


async def get_settings(request: Request) -> Response:
    """GET /scan/settings"""
    return answer(await settings.read(context(request)))


async def change_settings(request: Request) -> Response:
    """POST /scan/settings: the whole of them; answers with the scan as it is judged now, null before the first."""
    return answer(await changes.apply(context(request), await body(request, wire.ScanSettings)))


async def touched(request: Request) -> Response:
    """POST /scan/touched: what masks would match, before they are saved."""
    return answer(await changes.touched(context(request), (await body(request, Patterns)).patterns))


async def by_hand(request: Request) -> Response:
    """POST /scan/by-hand"""
    return answer(await changes.by_hand(context(request), await body(request, wire.ByHand)))


ROUTES = [
    Route("/sources", list_sources),
    Route("/sources", add_source, methods=["POST"]),
    Route("/sources/upload", upload, methods=["POST"]),
    Route("/sources/understand", understand, methods=["POST"]),
    Route("/sources/{name}", get_source),
    Route("/sources/{name}", remove_source, methods=["DELETE"]),
    Route("/sources/{name}/sync", sync_source, methods=["POST"]),
    Route("/sources/{name}/set", set_source, methods=["POST"]),
    Route("/scan", get_scan),
    Route("/scan", start_scan, methods=["POST"]),
    Route("/scan/settings", get_settings),
    Route("/scan/settings", change_settings, methods=["POST"]),
    Route("/scan/touched", touched, methods=["POST"]),
    Route("/scan/by-hand", by_hand, methods=["POST"]),
    Route("/scan/files", list_files),
    Route("/scan/files/{id:int}", preview),
]

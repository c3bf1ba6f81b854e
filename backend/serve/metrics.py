"""`/metrics`: what this engine has counted since its start, in the text format that Prometheus reads."""

from collections.abc import Iterable, Iterator

from starlette.requests import Request
from starlette.responses import Response

from backend import wire
from backend.context import Context
from backend.serve.histogram import Histogram
from backend.serve.tally import Tally

TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABELS = ("model", "checkpoint", "key")
OUTCOMES = ("failed", "refused", "cancelled")
COUNTERS = (
    ("prompt_tokens", "Tokens of prompts."),
    ("cached_tokens", "Tokens of prompts that an earlier request had read."),
    ("completion_tokens", "Tokens of answers."),
    ("shown", "Answers that editors told of as shown."),
    ("taken", "Answers that were taken."),
    ("dismissed", "Answers that were dismissed."),
)
Lived = dict[tuple[str, str, str], Tally]


async def metrics(request: Request) -> Response:
    """GET /metrics: behind the same rules as completions."""
    ctx: Context = request.app.state.ctx
    lines = written(ctx.hosts.statistics.lived, ctx.hosts.snapshot(), ctx.hosts.waiting())
    return Response("\n".join(lines) + "\n", media_type=TYPE)


def written(lived: Lived, serving: Iterable[wire.Serving], waiting: dict[str, int]) -> Iterator[str]:
    """Line by line. An empty checkpoint is the base model, an empty key is none."""
    yield from _head("refact_requests_total", "counter", "Requests by how they ended.")
    for of, tally in lived.items():
        done = tally.requests - sum(getattr(tally, name) for name in OUTCOMES)
        for outcome, count in (("done", done), *((name, getattr(tally, name)) for name in OUTCOMES)):
            yield f"refact_requests_total{_labels(of, outcome=outcome)} {count}"
    for name, meaning in COUNTERS:
        yield from _head(f"refact_{name}_total", "counter", meaning)
        for of, tally in lived.items():
            yield f"refact_{name}_total{_labels(of)} {getattr(tally, name)}"
    yield from _histogram("refact_first_token_seconds", "Until the first token.", lived, "first_token")
    yield from _histogram("refact_request_seconds", "Until the end of an answer.", lived, "total")
    yield from _head("refact_waiting", "gauge", "Requests under way.")
    for model, count in waiting.items():
        yield f'refact_waiting{{model="{_escaped(model)}"}} {count}'
    yield from _head("refact_ready", "gauge", "1 where a hosted model answers.")
    for one in serving:
        yield f'refact_ready{{model="{_escaped(one.model)}"}} {int(one.state == "ready")}'


def _histogram(name: str, meaning: str, lived: Lived, part: str) -> Iterator[str]:
    """By model and checkpoint; keys would make it many times as long."""
    sums: dict[tuple[str, str], Histogram] = {}
    for (model, checkpoint, _), tally in lived.items():
        sums.setdefault((model, checkpoint), Histogram()).merge(getattr(tally, part))
    yield from _head(name, "histogram", meaning)
    for of, histogram in sums.items():
        for ms, count in histogram.doublings():
            yield f"{name}_bucket{_labels(of, le=f'{ms / 1000:g}')} {count}"
        yield f"{name}_bucket{_labels(of, le='+Inf')} {histogram.count}"
        yield f"{name}_sum{_labels(of)} {histogram.sum_ms / 1000:.6f}"
        yield f"{name}_count{_labels(of)} {histogram.count}"


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _labels(of: Iterable[str], **more: str) -> str:
    pairs = [*zip(LABELS, of, strict=False), *more.items()]
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Runs, checkpoints and what an engine answers about them."""

import hashlib
import math
from typing import Any

import msgspec
from starlette.requests import Request

from backend import wire
from tests.tui.samples import BUSY

RUN = wire.Run(
    run="billing-3",
    model="starter",
    state="running",
    step=40,
    steps=100,
    test_loss=wire.TestLoss(base=1.2, best=1.0, last=1.0),
    best_checkpoint="billing-3:40",
    evaluation=None,
    reason=None,
    phase="training",
    train_loss=0.9,
    learning_rate=2.1e-4,
    tokens_per_s=12_300.0,
    memory_bytes=14_100_000_000,
    elapsed_s=1320.0,
    eta_s=1800.0,
    created="2026-11-24T09:00:00.000Z",
    started="2026-11-24T09:00:00.000Z",
    settings={"lora_r": 16, "lora_alpha": 32, "learning_rate": 0.004, "batch_size": 8, "train_steps": 100, "seed": 42},
    overridden=["lora_r"],
    train_files=8500,
    test_files=230,
)
EVALUATION = wire.Evaluation(
    places=100,
    exact_match=wire.Pair(base=0.21, tuned=0.34, low=0.05, high=0.21),
    edit_similarity=wire.Pair(base=0.58, tuned=0.69, low=0.06, high=0.16),
    middle_loss=wire.Pair(base=1.31, tuned=1.02, low=-0.37, high=-0.21),
    test_loss=wire.Pair(base=1.21, tuned=1.05, low=-0.2, high=-0.12),
    elsewhere=wire.Pair(base=1.1, tuned=1.12, low=0.01, high=0.03),
    by_kind={
        "line": wire.KindResult(
            places=76,
            exact_match=wire.Pair(base=0.26, tuned=0.41),
            edit_similarity=wire.Pair(base=0.61, tuned=0.73),
        ),
        "lines": wire.KindResult(
            places=24,
            exact_match=wire.Pair(base=0.04, tuned=0.12),
            edit_similarity=wire.Pair(base=0.49, tuned=0.57),
        ),
    },
    step=80,
)
DONE = msgspec.structs.replace(
    RUN,
    run="billing-2",
    state="done",
    step=100,
    test_loss=wire.TestLoss(base=1.2, best=1.05, last=1.06),
    best_checkpoint="billing-2:80",
    evaluation=EVALUATION,
    created="2026-11-23T09:00:00.000Z",
    started="2026-11-23T09:00:00.000Z",
    ended="2026-11-23T10:00:00.000Z",
    settings={**RUN.settings, "lora_r": 8, "learning_rate": 0.002},
    overridden=[],
)
FAILED = msgspec.structs.replace(
    RUN,
    run="billing-1",
    state="failed",
    step=12,
    test_loss=wire.TestLoss(base=1.2, best=1.179, last=1.179),
    best_checkpoint="billing-1:10",
    reason="The loss was not a number twice running, and again at half the learning rate; it stopped there. "
    "The best checkpoint, step-000010, is good. Lower learning_rate.",
    created="2026-11-22T09:00:00.000Z",
    started="2026-11-22T09:00:00.000Z",
    ended="2026-11-22T09:04:00.000Z",
    overridden=[],
)


def point(run: str, step: int, **fields: Any) -> wire.Checkpoint:
    """A checkpoint, not the best and not served but for what is said otherwise."""
    plain = wire.Checkpoint(
        id=f"{run}:{step}",
        model="starter",
        test_loss=1.2 - step / 200,
        best=False,
        served=False,
        size=2_400_000,
        made=f"2026-11-24T09:{step // 4:02}:00.000Z" if run == "billing-3" else "2026-11-23T09:50:00.000Z",
        path=f"/home/ann/.local/share/refact-tui/runs/{run}/checkpoints/step-{step:06}",
        run=run,
        step=step,
        base_loss=1.2,
    )
    return msgspec.structs.replace(plain, **fields)


POINTS = [
    point("billing-3", 40, best=True, served=True),
    point("billing-3", 20),
    point("billing-2", 80, best=True, test_loss=1.05, evaluation=EVALUATION),
]
SERVING = wire.Serving(model="starter", mode="latest-best", checkpoint="billing-3:40", state="ready", context=2048)
STATE = msgspec.structs.replace(BUSY, jobs=[], runs=[RUN, DONE], checkpoints=POINTS, serving=[SERVING])
SETTINGS = {"lora_r": 16, "lora_alpha": 32, "learning_rate": 0.004, "batch_size": 8, "lr_schedule": "linear"}
PLAN = wire.Plan(
    model="starter",
    steps=120,
    batch_size=8,
    tokens_per_epoch=240_000,
    memory_bytes=1_500_000_000,
    memory_available_bytes=20_000_000_000,
    duration_s=130.0,
    settings={**SETTINGS, "train_steps": 120},
    train_files=8500,
    test_files=230,
    test_tokens=310_000,
    epochs=4.1,
    sentence="fits: 1.5 of 20 GB; about 2 min",
    speed="measured",
)


def info(
    name: str, default: Any, low: float | None, high: float | None, meaning: str, *choices: str
) -> wire.SettingInfo:
    """One setting as the engine describes it."""
    return wire.SettingInfo(
        name=name, kind="choice" if choices else "number", default=default, low=low, high=high,
        choices=list(choices), meaning=meaning,
    )  # fmt: skip


INFOS = [
    info("lora_r", 16, 4, 128, "Rank of the adapters: how much they can learn."),
    info("lora_alpha", 32, 1, 256, "Strength of the adapters; their output is scaled by lora_alpha / lora_r."),
    info("learning_rate", None, 1e-6, 2e-2, "Peak learning rate; planned from the model's size."),
    info("batch_size", None, 1, 1024, "Sequences in one optimizer step; planned from the amount of data."),
    info("train_steps", 0, 0, 50000, "Optimizer steps; 0 means planned."),
    info("lr_schedule", "linear", None, None, "How the learning rate falls.", "linear", "cosine"),
]
PLACES = [
    wire.HeldOutPlace(
        path="src/billing/refund.py",
        line=48,
        prefix='class Refunds:\n    """Gives money back."""\n\n    def refund(self, invoice):\n        return ',
        suffix="\n\n    def cancel(self, invoice: Invoice) -> None:\n        self.ledger.drop(invoice.id)\n",
        wanted="self.ledger.reverse(invoice.id)",
        max_tokens=24,
        stop=["\n"],
    ),
    wire.HeldOutPlace(
        path="src/billing/tax/eu.py",
        line=7,
        prefix="RATES = {}\n\n\ndef load(path):\n    ",
        suffix="\n    return RATES\n",
        wanted="for line in path.open():\n        name, rate = line.split()\n        RATES[name] = float(rate)",
        max_tokens=72,
        stop=[],
    ),
]
FILES = [
    wire.TaughtFile(
        path=f"src/billing/file_{number:06}.py",
        sha256=hashlib.sha256(b"%d" % number).hexdigest(),
        set="test" if number % 40 == 0 else "train",
    )
    for number in range(100_000)
]


def files(request: Request, _: object) -> wire.TaughtPage:
    """`GET /train/runs/billing-3/files` over FILES, as the engine pages."""
    asked = request.query_params
    rows = [one for one in FILES if asked.get("text", "") in one.path and asked.get("set", one.set) == one.set]
    offset, limit = int(asked.get("offset", "0")), int(asked["limit"])
    more = offset + limit < len(rows)
    return wire.TaughtPage(rows=rows[offset : offset + limit], total=len(rows), after=offset + limit if more else None)


def metric(step: int, scale: float = 1.0) -> wire.Metric:
    """One point of a curve that falls and levels off."""
    loss = 1.2 - 0.25 * scale * (1 - math.exp(-step / 30))
    test = loss if step % 10 == 0 else None
    return wire.Metric(
        step=step, train_loss=loss - 0.05 if step else None, test_loss=test, learning_rate=1e-3, tokens_per_s=5000
    )


def complete(_: Request, body: dict[str, Any]) -> wire.Completion:
    """The tuned model writes what was wanted, the base model something like it."""
    tuned = not body["model"].endswith(":base")
    wanted = body["wanted"] or "return 41"
    return wire.Completion(
        text=wanted if tuned else "self.process(invoice)",
        model="starter",
        checkpoint=body["model"].partition(":")[2] if tuned else None,
        tokens=9,
        first_token_ms=20.0,
        total_ms=60.0,
        exact=tuned if body["wanted"] else None,
        similarity=(1.0 if tuned else 0.54) if body["wanted"] else None,
    )


def answers() -> dict[str, Any]:
    """What the engine says to whoever looks at STATE."""
    found: dict[str, Any] = {
        "GET /train/settings": INFOS,
        "POST /train/plan": PLAN,
        "POST /train/runs": msgspec.structs.replace(RUN, run="mine", state="queued", step=0),
        "POST /use": wire.Used(model="starter", mode="off", checkpoint=None, switched_ms=3.0),
        "POST /complete": complete,
        "GET /train/runs/billing-3/files": files,
    }
    for run, last, scale in ((RUN, 40, 1.0), (DONE, 100, 0.6), (FAILED, 12, 0.3)):
        path = f"GET /train/runs/{run.run}"
        found[f"{path}/metrics"] = [metric(step, scale) for step in range(last + 1)]
        found[f"{path}/log"] = [wire.LogLine(at="2026-11-24T09:05:00.000Z", level="info", text="trainer started")]
        found[f"{path}/places"] = PLACES
    return found

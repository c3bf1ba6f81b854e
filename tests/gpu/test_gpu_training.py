"""Training on a GPU: attention by documents as elsewhere, and a run from the shell that learns, stops and resumes."""

import os
import signal
import time
from typing import Any

import pytest
import torch

from backend.train import attention
from tests.e2e.engine_box import fresh_box, sample

DOCUMENTS = ((0, 0, 50), (0, 50, 128), (1, 0, 100))
BORDERS = (0, 50, 128, 228, 256)


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_attention_by_documents_is_as_on_the_cpu(dtype: torch.dtype, groups: int) -> None:
    chance = torch.Generator().manual_seed(3)
    shapes = [(2, 4, 128, 64), (2, groups, 128, 64), (2, groups, 128, 64)]
    plain = [torch.randn(shape, generator=chance).requires_grad_() for shape in shapes]
    placed = [one.detach().to("cuda", dtype).requires_grad_() for one in plain]
    wanted, found = mixed(plain), mixed(placed)
    seen = torch.zeros(wanted.shape)
    for row, start, end in DOCUMENTS:
        seen[row, start:end] = 1
    (wanted * seen).sum().backward()
    (found * seen.to(found)).sum().backward()
    assert found.shape == wanted.shape
    assert close(found * seen.to(found), wanted * seen)
    for one, other in zip(placed, plain, strict=True):
        assert close(one.grad, other.grad)


def mixed(given: list[torch.Tensor]) -> torch.Tensor:
    query, key, value = given
    borders = torch.tensor(BORDERS, dtype=torch.int32, device=query.device)
    found, _ = attention.documents_attention(None, query, key, value, attention.mask_of(DOCUMENTS, borders))
    return found


def close(one: Any, other: Any) -> bool:
    apart = (one.detach().float().cpu() - other.detach()).norm() / other.detach().norm()
    return bool(apart < 0.02)


@pytest.mark.timeout(300)
def test_a_run_learns_is_killed_resumes_and_is_served() -> None:
    with fresh_box() as box:
        repository = sample(box.home.parent / "sample")
        box.ok("sources", "add", str(repository), "--name", "sample", "--wait")
        box.ok("scan", "run", "--wait")
        plan = box.ok("train", "plan", "--steps", "60")
        print({name: plan[name] for name in ("memory_bytes", "memory_available_bytes", "duration_s")})
        run = box.ok("train", "start", "--name", "gpu", "--steps", "60", "--set", "eval_every=10")["run"]
        while not any(row["step"] >= 15 for row in box.ok("train", "metrics", run)):
            time.sleep(0.2)
        os.kill(box.processes("backend.train")[0].pid, signal.SIGKILL)
        while box.ok("train", "show", run)["state"] == "running":
            time.sleep(0.2)
        done = box.ok("train", "resume", run, "--wait")
        assert done["state"] == "done" and done["test_loss"]["best"] < done["test_loss"]["base"]
        metrics = box.ok("train", "metrics", run)
        assert [row["step"] for row in metrics] == list(range(1, 61))
        print(metrics[-1])
        box.ok("use", "off")
        before = box.ok("complete", "--max-tokens", "24", stdin="import os\n\n\nclass Engine:\n    def __init__(self")
        used = box.ok("use", "latest-best")
        after = box.ok("complete", "--max-tokens", "24", stdin="import os\n\n\nclass Engine:\n    def __init__(self")
        assert after["checkpoint"] == used["checkpoint"] != before["checkpoint"]
        print(box.ok("serve", "status"))

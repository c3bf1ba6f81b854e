"""An exported checkpoint is what plain peft and transformers load, and answers with the same logits."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import export
from backend.context import Context
from backend.errors import BadRequest, Conflict
from backend.jobs.queue import JobHandle
from backend.models import catalog as models
from tests.checkpoints.test_trash import made
from tests.scan.conftest import context

__all__ = ["context"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.skipif(not (models.starter_folder() / "model.safetensors").is_file(), reason="no starter"),
]


async def adapter(ctx: Context) -> Path:
    """A checkpoint of the starter with adapters that change what it says."""
    import torch

    from backend.models.load import load_base
    from backend.train import lora
    from backend.train.settings import merged

    folder = await made(ctx) / "checkpoints" / "step-20"
    model = lora.adapted(load_base(models.starter()), merged({"lora_r": 4}))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.05)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    (folder / "meta.json").write_text(json.dumps({"step": 20}))
    return folder


async def written(ctx: Context, **wanted: object) -> Path:
    begun = await export.export(ctx, "first:20", wire.Export(**wanted))  # type: ignore[arg-type]
    job = await ctx.jobs.wait(begun.job)
    assert job.state == "done", (job.message, job.hint)
    return Path(begun.path)


async def test_adapter_and_merged_model_answer_alike(context: Context, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = await adapter(context)
    alone = await written(context, path=str(tmp_path / "out" / "adapter"))
    assert (alone / "adapter_model.safetensors").read_bytes() == (folder / "adapter_model.safetensors").read_bytes()
    whole = await written(context, merged=True)
    assert whole == context.paths.home / "exports" / "first-20-merged"
    for path in (alone, whole):
        assert json.loads((path / "meta.json").read_text()) == {"step": 20}
        note = (path / "README.md").read_text()
        assert "vllm serve" in note and "llama.cpp" in note and str(path) in note
    base = AutoModelForCausalLM.from_pretrained(models.starter_folder(), dtype=torch.float32)
    merged = AutoModelForCausalLM.from_pretrained(whole, dtype=torch.float32)
    assert (whole / "tokenizer.json").exists() and not list(whole.glob("*.bin"))
    ids = torch.arange(10, 60)[None]
    with torch.no_grad():
        plain = base(ids).logits
        tuned = PeftModel.from_pretrained(base, alone).eval()(ids).logits
        rounded, learnt = (tuned - merged.eval()(ids).logits).abs().mean(), (tuned - plain).abs().mean()
        assert learnt > 0.05
        assert rounded < 0.05 * learnt, "merged weights are rounded to the base's bfloat16, no more"


async def test_nothing_is_overwritten(context: Context, tmp_path: Path) -> None:
    await adapter(context)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        await export.export(context, "first:20", wire.Export(path=str(tmp_path / "full")))
    with pytest.raises(BadRequest, match="no whole path"):
        await export.export(context, "first:20", wire.Export(path="somewhere"))
    (tmp_path / "file").write_text("mine")
    begun = await export.export(context, "first:20", wire.Export(path=str(tmp_path / "file" / "below")))
    job = await context.jobs.wait(begun.job)
    assert (job.state, (tmp_path / "file").read_text()) == ("failed", "mine")
    assert "could not be written" in job.message


async def test_it_is_told_how_much_of_a_merged_model_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EVERY_S", 0.01)
    base, beside, told = tmp_path / "base", tmp_path / "beside", list[dict[str, Any]]()
    begun = asyncio.Event()

    def show(_: int, changes: dict[str, Any]) -> None:
        told.append(changes)
        begun.set()

    base.mkdir()
    (base / "model.safetensors").write_bytes(b"x" * 1000)
    (base / "tokenizer.json").write_bytes(b"x" * 1000)
    telling = asyncio.create_task(export._told(JobHandle(1, show), beside, base))
    await asyncio.sleep(0.05)
    assert told == []
    beside.mkdir()
    (beside / "model-00001-of-00002.safetensors").write_bytes(b"x" * 400)
    await asyncio.wait_for(begun.wait(), 10)
    telling.cancel()
    one = told[-1]
    assert (one["done"], one["total"], one["unit"], one["message"]) == (400, 1000, "bytes", "writing the model")
    assert one["rate"] > 0 and one["eta_s"] == pytest.approx(600 / one["rate"])

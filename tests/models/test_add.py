"""Adding models through jobs: from folders and a hub, stopped and taken up again, changed by a user's file, removed."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.jobs.queue import JobQueue
from backend.models import add, catalog, records, removal
from backend.sources import credentials
from tests.models.local_hub import COMMIT, LocalHub, local_hub

HUB_NAME = "acme/StarCoder2-Tiny"
pytestmark = pytest.mark.slow


def token_of(ctx: Context) -> add.TokenOf:
    return lambda name: credentials.find(ctx.paths, name)


async def begun(ctx: Context, what: str | Path, **more: Any) -> wire.Model:
    return await add.add(ctx, wire.AddModel(what=str(what), **more), token_of(ctx))


async def added(ctx: Context, what: str | Path, **more: Any) -> wire.Model:
    """The model when its job has ended, however it did."""
    model = await begun(ctx, what, **more)
    assert model.job is not None
    await ctx.jobs.wait(model.job)
    return await records.get_wire(ctx, model.name)


@pytest.fixture
def hub(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    repository = Path(shutil.copytree(folders["starcoder2"], tmp_path / "repository"))
    with local_hub() as found:
        found.repositories[HUB_NAME] = repository
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield found


async def test_a_folder_is_used_where_it_lies(context: Context, folders: dict[str, Path]) -> None:
    folder = folders["qwen2.5-coder"]
    model = await added(context, folder)
    assert (model.state, model.kind, model.name) == ("ready", "folder", "qwen2.5-coder-1.5b"), model.detail
    assert (model.path, model.location) == (str(folder), str(folder))
    assert model.family == "qwen2.5-coder" and model.marks[0] == "<|fim_prefix|>" and "q_proj" in model.targets
    assert model.architecture == "Qwen2ForCausalLM" and model.supports == ["completion", "finetune"]
    assert catalog.get(context, model.name).fim_layout == "psm"
    assert [one.name for one in await records.list_wire(context)] == ["starter", model.name]
    with pytest.raises(Conflict, match="already"):
        await begun(context, folder)
    context.paths.models_toml.write_text(f"[models.'{model.name}']\nloss_threshold = 1.5\ncontext = 9999\n")
    changed = catalog.get(context, model.name)
    assert (changed.loss_threshold, changed.context) == (1.5, 512)
    context.models.clear()
    await records.restore(context)
    assert catalog.get(context, model.name) == changed
    await removal.remove(context, model.name)
    assert (folder / "model.safetensors").is_file()
    with pytest.raises(NotFound, match="no model called"):
        catalog.get(context, model.name)
    with pytest.raises(NotFound):
        await removal.remove(context, model.name)


async def test_what_is_refused_says_why_and_may_be_mended(
    context: Context, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(folders["codellama"], tmp_path / "mine"))
    tokenizer = (folder / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    model = await added(context, folder, name="team/mine")
    assert model.state == "failed" and "no tokenizer.json" in model.detail
    job = context.jobs.get(model.job or 0)
    assert job and job.state == "failed" and "AutoTokenizer" in job.hint
    assert [one.name for one in catalog.list_models(context)] == ["starter"]
    tokenizer.rename(folder / "tokenizer.json")
    again = await added(context, folder, name="team/mine")
    assert (again.state, again.family, again.bos) == ("ready", "codellama", "<s>"), again.detail


async def test_a_download_goes_on_after_a_stop_and_after_the_engine(context: Context, hub: LocalHub) -> None:
    hub.hold_after = 40_000
    model = await begun(context, HUB_NAME, name="tiny")
    assert model.job is not None
    await until(lambda: hub.sent >= 40_000)
    part = Path(model.path) / f".model.safetensors.{COMMIT[:12]}.part"
    await until(lambda: part.is_file() and part.stat().st_size >= 30_000)
    job = context.jobs.get(model.job)
    assert job and job.unit == "bytes" and job.total > 100_000 and "model.safetensors" in job.message
    with pytest.raises(Conflict, match="being added"):
        await begun(context, HUB_NAME, name="tiny")
    await context.jobs.stop(model.job)
    await context.jobs.wait(model.job)
    stopped = await records.get_wire(context, "tiny")
    assert stopped.state == "stopped" and "again" in stopped.detail
    # Taken up again, and broken off by the end of the engine this time.
    again = await begun(context, HUB_NAME, name="tiny")
    before = len(hub.of("model.safetensors"))
    await until(lambda: len(hub.of("model.safetensors")) > before)
    assert again.job is not None
    await context.jobs.close()
    context.jobs = JobQueue(context.db, context.bus)
    await context.jobs.restore()
    hub.hold_after = None
    await add.recover(context, token_of(context))
    (job_id,) = [one.id for one in context.jobs.list() if one.state in ("queued", "running")]
    await context.jobs.wait(job_id)
    model = await records.get_wire(context, "tiny")
    assert (model.state, model.kind, model.commit, model.revision) == ("ready", "hub", COMMIT, "main"), model.detail
    assert model.family == "starcoder2" and model.licence == "bigcode-openrail-m"
    starts = [one.range for one in hub.of("model.safetensors")]
    assert starts[0] == "" and all(starts[1:])
    weights = hub.repositories[HUB_NAME] / "model.safetensors"
    assert (Path(model.path) / "model.safetensors").read_bytes() == weights.read_bytes()
    await removal.remove(context, "tiny")
    assert not Path(model.path).exists() and weights.exists()


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 (nobody tells of a file that grows)
            await asyncio.sleep(0.05)


async def test_a_token_opens_what_is_private(context: Context, hub: LocalHub) -> None:
    hub.token = "hf_secret"
    shut = await added(context, HUB_NAME, name="tiny")
    assert shut.state == "failed" and "or it is private" in shut.detail and "hf_secret" not in shut.detail
    await credentials.keep_token(context, "hub", "hf_secret")
    model = await added(context, HUB_NAME, name="tiny", credential="hub")
    assert model.state == "ready" and model.credential == "hub", model.detail
    assert "hf_secret" not in json.dumps([one.message for one in context.jobs.list()])
    with pytest.raises(NotFound, match="no credential called 'other'"):
        await begun(context, HUB_NAME, name="else", credential="other")


async def test_nothing_is_downloaded_offline(context: Context, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadRequest, match="HF_HUB_OFFLINE is set") as caught:
        await begun(context, HUB_NAME)
    assert "add its path" in caught.value.hint
    monkeypatch.delenv("HF_HUB_OFFLINE")
    await settings.set(context.db, add.OFFLINE, True)
    with pytest.raises(BadRequest, match=r"models\.offline"):
        await begun(context, HUB_NAME)
    assert hub.asked == []


async def test_what_is_no_model_is_refused_at_once(context: Context, tmp_path: Path) -> None:
    for what, name, said in (
        ("gpt2 please", None, "neither a folder"),
        ("/no/such/folder", None, "is no folder"),
        (str(tmp_path), "a b", "cannot be a model's name"),
        (str(tmp_path), "../up", "cannot be a model's name"),
        (str(tmp_path), "x" * 61, "cannot be a model's name"),
    ):
        with pytest.raises(BadRequest, match=said):
            await begun(context, what, name=name)
    with pytest.raises(Conflict, match="always there"):
        await begun(context, tmp_path, name="starter")
    with pytest.raises(BadRequest, match="no revisions"):
        await begun(context, tmp_path, revision="main")
    with pytest.raises(BadRequest, match="always there"):
        await removal.remove(context, "starter")
    context.paths.models_toml.write_text("[models.x]\nwhat = 3\n")
    with pytest.raises(BadRequest, match="line 2"):
        await begun(context, tmp_path)
    assert [one.name for one in catalog.list_models(context)] == ["starter"]
    assert await records.rows(context) == []


async def test_a_name_from_the_users_file_is_enough(context: Context, folders: dict[str, Path]) -> None:
    context.paths.models_toml.write_text(
        f'[families.ours]\nlayout = "spm"\nprefix = "<fim_prefix>"\nsuffix = "<fim_suffix>"\nmiddle = "<fim_middle>"\n'
        f'eot = "<|endoftext|>"\nloss_threshold = 2.5\n\n[models."our-7b"]\nwhat = "{folders["starcoder"]}"\n'
        f'family = "ours"\nlearning_rate = 1e-4\nlanguages = ["Python"]\n'
    )
    model = await added(context, "our-7b")
    assert (model.name, model.family, model.layout, model.loss_threshold) == ("our-7b", "ours", "spm", 2.5), (
        model.detail
    )
    assert (model.learning_rate, model.languages) == (1e-4, ["Python"])

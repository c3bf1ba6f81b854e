"""Models from the shell: one is added from a folder, scanned with, fine-tuned, hosted, asked, and taken away."""

import os
from pathlib import Path

import pytest

from tests.cli.test_shell import refused
from tests.e2e.engine_box import Box, sample
from tests.models.tiny_families import BY_FAMILY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NAME = "team/qwen2.5-coder"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return BY_FAMILY["qwen2.5-coder"].write(tmp_path_factory.mktemp("models") / "Qwen2.5-Coder-Tiny")


def test_families_are_listed(box: Box) -> None:
    found = {one["name"]: one for one in box.ok("models", "families")}
    assert set(BY_FAMILY) < set(found)
    assert found["codellama"]["marks"] == ["▁<PRE>", "▁<SUF>", "▁<MID>"]
    assert found["codestral"]["layout"] == "spm_unmarked" and found["llama3"]["supports"][1] == "chat"


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_model_beside_the_starter_from_end_to_end(box: Box, folder: Path, tmp_path: Path) -> None:
    (box.home / "models.toml").write_text(f'[models."{NAME}"]\nloss_threshold = 30\nlearning_rate = 0.01\n')
    model = box.ok("models", "add", os.path.relpath(folder, "/"), "--name", NAME, "--wait")
    assert (model["state"], model["family"], model["layout"]) == ("ready", "qwen2.5-coder", "psm")
    assert model["targets"] == ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    listed = {one["name"]: one for one in box.ok("models", "list")}
    assert set(listed) == {"starter", NAME} and listed[NAME]["loss_threshold"] == 30
    box.ok("projects", "add", "tiny")
    box.ok("sources", "add", str(sample(tmp_path / "code")), "--wait")
    scan = box.ok("scan", "run", "--model", NAME, "--wait")
    assert scan["model"] == NAME and scan["accepted"] > 8
    files = box.ok("scan", "files", "--accepted")
    assert all(isinstance(one["loss"], float) for one in files)
    assert "no linear layers called x_proj" in refused(
        box, "train", "plan", "--model", NAME, "--set", "target_modules=q_proj,x_proj"
    )
    options = ("--model", NAME, "--steps", "3", "--context", "128", "--batch-size", "4")
    run = box.ok("train", "start", "--name", "tiny", *options, "--set", "target_modules=q_proj,v_proj", "--wait")
    assert run["state"] == "done" and run["best_checkpoint"] == "tiny:3"
    assert "is not hosted here" in refused(box, "complete", "--model", NAME, stdin="def ")
    serving = box.ok("serve", "host", NAME, "--wait")
    assert serving["state"] == "ready" and serving["context"] == 512
    base = box.ok("complete", "--model", f"{NAME}:base", "--max-tokens", "8", stdin="def main(")
    tuned = box.ok("complete", "--model", f"{NAME}:tiny:3", "--max-tokens", "8", stdin="def main(")
    assert base["model"] == tuned["model"] == NAME and tuned["checkpoint"] == "tiny:3" and base["checkpoint"] is None
    used = box.ok("use", "tiny:3", "--model", NAME)
    assert used["checkpoint"] == "tiny:3"
    assert "is hosted" in refused(box, "models", "remove", NAME, "--yes")
    assert {one["model"] for one in box.ok("serve", "list")} == {"starter", NAME}
    box.ok("engine", "stop")
    box.ok("engine", "start")
    assert {one["model"] for one in box.ok("status")["serving"]} == {"starter", NAME}
    box.ok("serve", "unhost", NAME)
    assert "the use of 1 checkpoint" in refused(box, "models", "remove", NAME, code=4)
    box.ok("models", "remove", NAME, "--yes")
    assert [one["name"] for one in box.ok("models", "list")] == ["starter"] and folder.is_dir()
    box.ok("projects", "use", "default")
    box.ok("projects", "remove", "tiny", "--yes")


def test_what_cannot_be_hosted_or_read_says_so(box: Box, tmp_path: Path) -> None:
    (box.home / "models.toml").unlink(missing_ok=True)
    gemma = BY_FAMILY["codegemma"].write(tmp_path / "codegemma-tiny")
    box.ok("models", "add", str(gemma), "--wait")
    assert "cannot be hosted yet" in refused(box, "serve", "host", "codegemma-tiny")
    assert "no folder" in refused(box, "models", "add", "./nothing")
    (gemma / "tokenizer.json").unlink()
    assert "no tokenizer.json" in refused(box, "models", "add", str(gemma), "--name", "other", "--wait")
    (box.home / "models.toml").write_text("[models.x]\nthreshold = 3\n")
    assert "line 2: Object contains unknown field `threshold`" in refused(box, "models", "list")
    assert any(one["check"] == "model" and one["ok"] is False for one in box.ok("doctor"))
    (box.home / "models.toml").unlink()
    box.ok("models", "remove", "codegemma-tiny")
    box.ok("models", "remove", "other")

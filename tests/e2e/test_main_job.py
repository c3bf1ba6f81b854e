"""The main job in one command on a small repository, and what one does with the result."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine_box import Box, sample

pytestmark = pytest.mark.timeout(600)
STEPS, PLACES = 16, 6


@pytest.fixture(scope="module")
def story(box: Box) -> dict[str, Any]:
    repository = sample(box.home.parent / "sample")
    answer: dict[str, Any] = box.ok("quickstart", str(repository), "--steps", str(STEPS), timeout=500)
    return answer


def test_quickstart_tells_the_whole_story(box: Box, story: dict[str, Any]) -> None:
    assert {"source", "scan", "train", "use", "before", "after", "public_url"} <= set(story)
    scan, run = story["scan"], story["train"]
    assert scan["files"] == scan["accepted"] + scan["rejected"] and scan["reasons"]["not_text"] == 1
    assert (run["state"], run["step"]) == ("done", STEPS)
    assert run["test_loss"]["best"] < run["test_loss"]["base"]
    assert run["evaluation"]["places"] >= 50
    assert story["use"]["checkpoint"] == run["best_checkpoint"]


def test_what_it_made_is_served(box: Box, story: dict[str, Any]) -> None:
    status, text = box.post({"prompt": "def ", "max_tokens": 8})
    assert status == 200 and story["train"]["best_checkpoint"] in text


def test_off_latest_best_and_specific_answer_differently(box: Box, story: dict[str, Any]) -> None:
    # A run as short as this one changes few answers: of several places at least one.
    files = sorted(Path(story["source"]["location"]).glob("*.py"))[:PLACES]
    prompts = [file.read_text()[:1500].rpartition("\n")[0] + "\n" for file in files]
    texts = {}
    for use in ("off", "latest-best", story["train"]["best_checkpoint"]):
        used = box.ok("use", use)
        answers = [box.ok("complete", "--max-tokens", "32", stdin=prompt) for prompt in prompts]
        assert {answer["checkpoint"] for answer in answers} == {used["checkpoint"]}
        texts[use] = [answer["text"] for answer in answers]
    assert texts["off"] != texts["latest-best"] == texts[story["train"]["best_checkpoint"]]
    assert len(box.ok("checkpoints", "list")) >= 1


def test_the_lists_agree_with_the_story(box: Box, story: dict[str, Any]) -> None:
    runs = box.ok("train", "list")
    assert [run["run"] for run in runs] == [story["train"]["run"]]
    metrics = box.ok("train", "metrics", runs[0]["run"])
    assert [row["step"] for row in metrics] == list(range(1, STEPS + 1))
    assert set(metrics[0]) == {"step", "train_loss", "test_loss", "learning_rate", "tokens_per_s"}
    accepted = box.ok("scan", "files", "--accepted")
    assert all(isinstance(row["loss"], float) for row in accepted) and len(accepted) == story["scan"]["accepted"]


@pytest.mark.soak
def test_again_it_takes_its_source_and_makes_a_new_run(box: Box, story: dict[str, Any]) -> None:
    plan = box.ok("train", "plan", "--steps", "3", "--batch-size", "4")
    assert (plan["steps"], plan["batch_size"]) == (3, 4)
    assert {"model", "tokens_per_epoch", "memory_bytes", "memory_available_bytes", "duration_s", "settings"} <= set(
        plan
    )
    again = box.ok("quickstart", story["source"]["location"], "--steps", "2", timeout=400)
    assert again["train"]["run"] != story["train"]["run"]
    assert [source["name"] for source in box.ok("sources", "list")] == ["quickstart"]

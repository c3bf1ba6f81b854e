"""How a run is judged: places of either kind, intervals by file, and code from elsewhere."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from backend.models import catalog
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.train import probe
from backend.train.held_out import rows_by_file
from backend.train.intervals import Sums, pair
from backend.train.places import LONGEST, MOST_LINES, choose, counted
from tests.train.tiny_run import lines, texts, write_model, write_run

counts = st.floats(1, 1000)
values = st.floats(-1000, 1000)


@given(st.lists(st.builds(Sums, values, values, counts), min_size=2, max_size=30))
def test_the_interval_holds_the_difference_of_files_that_agree(files: list[Sums]) -> None:
    same = [Sums(one.base, one.base - 0.5 * one.count, one.count) for one in files]
    found = pair(same)
    assert found["low"] == pytest.approx(-0.5, abs=1e-6)
    assert found["high"] == pytest.approx(-0.5, abs=1e-6)
    assert pair(files) == pair(files), "the same files give the same interval"


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = random.Random(5)
    covered = 0
    for _ in range(200):
        files = [Sums(0.0, draw.gauss(0.3, 1.0) * 10, 10) for _ in range(40)]
        found = pair(files)
        covered += found["low"] <= 0.3 <= found["high"]  # type: ignore[operator]
    assert 175 <= covered <= 199


def test_one_file_has_no_interval_and_nothing_has_no_mean() -> None:
    assert pair([Sums(4.0, 2.0, 2.0)]) == {"base": 2.0, "tuned": 1.0, "low": None, "high": None}
    assert pair([Sums(0.0, 0.0, 0.0)])["base"] is None


def test_places_are_of_both_kinds_and_say_what_was_written() -> None:
    info = catalog.starter()
    tokenizer = load_tokenizer(info)
    code = [text for _, text in texts()]
    places = choose(code, info, tokenizer, 512, 200, seed=3)
    assert len(places) == 200
    kinds = [place.kind for place in places]
    assert 25 <= kinds.count("lines") <= 75
    for place in places:
        assert place.text in code[place.file]
        assert tokenizer.decode(place.middle) == place.text
        assert len(place.middle) <= LONGEST[place.kind]
        assert len(place.prompt) + LONGEST[place.kind] <= 512
        assert (place.text.count("\n") == 0) if place.kind == "line" else 1 <= place.text.count("\n") < MOST_LINES
        assert place.kind == "line" or place.text.lstrip() == place.text
    assert choose(code, info, tokenizer, 512, 200, seed=3) == places


def test_of_a_line_only_the_first_counts_and_of_lines_all() -> None:
    assert counted("line", "a = 1  \nb = 2\n") == "a = 1"
    assert counted("lines", "a = 1\nb = 2\n\n") == "a = 1\nb = 2"


def test_rows_by_file_hold_one_file_each_and_stop_in_time() -> None:
    tokenizer = load_tokenizer(catalog.starter())
    code = ["", *(text for _, text in texts())]
    found = rows_by_file(code, catalog.starter(), tokenizer, 128, 10**9)
    assert [number for number, _ in found] == list(range(1, len(code)))
    for number, rows in found:
        assert 1 <= len(rows) <= 3
        for row in rows:
            assert row.used <= 128
            assert all(tokenizer.decode(one.ids) in code[number] for one in row.sequences)
    assert len(rows_by_file(code, catalog.starter(), tokenizer, 128, 500)) < len(found)


def test_code_from_elsewhere_is_whole_lines_of_many_modules() -> None:
    found = probe.texts()
    assert len(found) >= 30
    assert all(0 < len(text) <= probe.CHARACTERS for text in found)
    assert probe.texts() == found


@pytest.mark.slow
def test_a_run_tells_what_it_gained_and_what_it_forgot(tmp_path: Path) -> None:
    from tests.train.tiny_run import launch

    folder = write_run(tmp_path / "run", write_model(tmp_path / "weights"), 30)
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    found = next(line for line in lines(folder) if line["kind"] == "evaluation")
    assert found["test_loss"]["tuned"] < found["test_loss"]["base"]
    difference = found["test_loss"]["tuned"] - found["test_loss"]["base"]
    assert found["test_loss"]["low"] <= difference <= found["test_loss"]["high"]
    assert found["elsewhere"]["base"] > 0 and found["elsewhere"]["tuned"] > 0
    assert sum(part["places"] for part in found["by_kind"].values()) == found["places"] == 12
    made = [line for line in lines(folder) if line["kind"] == "checkpoint"]
    assert found["step"] == min(made, key=lambda line: line["test_loss"])["step"], "the best is what is evaluated"


class Largest(TorchDispatchMode):  # type: ignore[misc]
    """Remembers how many numbers the largest tensor had that was made."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and not made._is_view():
            self.numbers = max(self.numbers, made.numel())
        return made


def test_looking_at_the_last_tokens_of_many_places_copies_no_weights(tmp_path: Path) -> None:
    model = load_base(catalog.read_folder("tiny", write_model(tmp_path / "model"))).requires_grad_(False)
    ids, weights = torch.randint(512, (16, 40)), model.get_output_embeddings().weight.numel()
    with torch.no_grad(), Largest() as largest:
        model(input_ids=ids, logits_to_keep=3, use_cache=False)
    assert 16 * 3 * 512 <= largest.numbers < 3 * weights

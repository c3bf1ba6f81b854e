"""Runs and checkpoints as a person reads them: the sign, the gain, what gives way first, what was typed."""

import msgspec
import pytest

from backend import wire
from refact_tui import words_of_checkpoints as points
from refact_tui import words_of_runs as say
from refact_tui import words_of_settings as settings
from refact_tui.registry import Registry
from tests.tui.tuning_samples import RUN

AT = "2026-11-24T09:41:07.000+00:00"


def run(**changes: object) -> wire.Run:
    fields: dict[str, object] = {
        "run": "billing",
        "model": "starter",
        "state": "running",
        "step": 338,
        "steps": 800,
        "test_loss": wire.TestLoss(base=1.138, best=0.931, last=0.931),
        "best_checkpoint": "billing:320",
        "evaluation": None,
        "reason": None,
        "created": AT,
        "started": AT,
    }
    return wire.Run(**(fields | changes))  # type: ignore[arg-type]


def serving(**changes: object) -> wire.Serving:
    fields: dict[str, object] = {"model": "starter", "mode": "off", "checkpoint": None, "state": "ready"}
    return wire.Serving(**(fields | changes))  # type: ignore[arg-type]


def checkpoint(step: int, **changes: object) -> wire.Checkpoint:
    fields: dict[str, object] = {
        "id": f"billing:{step}",
        "model": "starter",
        "test_loss": 0.931,
        "best": False,
        "served": False,
        "size": 1_800_000,
        "made": f"2026-11-24T09:{step // 20:02}:00.000+00:00",
        "path": "/home/runs/1/checkpoints/320",
        "run": "billing",
        "step": step,
        "base_loss": 1.138,
    }
    return wire.Checkpoint(**(fields | changes))  # type: ignore[arg-type]


def cells(row: object) -> list[str]:
    return [text.strip() for text, _ in row.cells]  # type: ignore[attr-defined]


def test_a_run_says_its_state_in_a_sign_and_a_word() -> None:
    row = cells(say.run_rows([run()])[0])
    assert row[:5] == ["billing", "starter", "▶ running", "338/800", "0.931 ★"]
    assert row[5] == "−18 %"


def test_newest_run_comes_first() -> None:
    rows = say.run_rows([run(run="old", created="2026-11-23T00:00:00.000+00:00"), run(run="new")])
    assert [row.key for row in rows] == ["new", "old"]


def test_a_run_without_an_evaluation_has_dashes() -> None:
    row = cells(say.run_rows([run(test_loss=wire.TestLoss(), state="queued", started=None)])[0])
    assert row[2:] == ["… queued", "338/800", "–", "–", "–"]


def test_the_line_keeps_what_matters_in_a_narrow_place() -> None:
    one = run(phase="training", learning_rate=2e-4, tokens_per_s=900.0, elapsed_s=60.0, eta_s=1800.0)
    assert say.run_line(one, 200).startswith("best 0.931 @ 320 · last 0.931 · ETA ")
    assert "900 tok/s · lr 2.0e-04" in say.run_line(one, 200)
    assert say.run_line(one, 34) == "best 0.931 @ 320 · last 0.931"


def test_a_failed_run_says_why() -> None:
    said = say.run_line(run(state="failed", reason="out of memory"), 80)
    assert Registry().told(said) == "✗ failed: out of memory · R resumes it"
    told = run(state="paused", reason="The disk is full. Free some space, then `refact-tui train resume a`.")
    assert say.run_line(told, 80) == f"‖ paused: {told.reason}"


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("2e-4", 2e-4), ("true", True), ("False", False), ("none", None), ("cosine", "cosine"), (" 7 ", 7)],
)
def test_typed_settings_become_values(text: str, value: object) -> None:
    assert say.value_of(text) == value
    assert type(say.value_of(text)) is type(value)


@pytest.mark.parametrize("value", [3, 2e-4, True, False, None, "cosine", 0.1])
def test_shown_settings_can_be_typed_back(value: object) -> None:
    assert say.value_of(say.value_text(value)) == value


def test_settings_mark_what_was_chosen_by_hand() -> None:
    assert say.settings_lines({"lora_r": 8, "seed": 0}, ["seed"]) == ["lora_r  8", "seed    0  (yours)"]


def test_checkpoints_end_with_the_base_model() -> None:
    evaluation = wire.Evaluation(
        places=60, exact_match=wire.Pair(base=0.21, tuned=0.34), edit_similarity=wire.Pair(base=0.58, tuned=0.69)
    )
    rows = points.checkpoint_rows(
        [checkpoint(240), checkpoint(320, best=True, served=True, evaluation=evaluation)],
        [run(evaluation=evaluation)],
        serving(),
    )
    assert [row.key for row in rows] == ["billing:320", "billing:240", "base"]
    assert cells(rows[0])[:5] == ["billing:320 ★▲", "0.931", "−18 %", "21 % → 34 %", "0.58 → 0.69"]
    assert cells(rows[2])[:5] == ["base  ▲", "1.138", "–", "21 %", "0.58"]


@pytest.mark.parametrize(("mode", "chosen"), [("off", "off"), ("latest-best", "latest best"), ("specific", "specific")])
def test_the_radio_line_marks_one(mode: wire.ServeMode, chosen: str) -> None:
    line = points.radio_line(serving(mode=mode))
    assert line.startswith("starter serves:  ")
    assert line.count("(•)") == 1
    assert f"(•) {chosen}" in line
    assert "latest best" in line


def test_a_switch_says_what_ides_do() -> None:
    used = wire.Used(model="starter", mode="specific", checkpoint="billing:320", switched_ms=31.2)
    assert points.used_line(used) == (
        "serving billing:320 · switched in 31 ms · 0 requests dropped"
        " · IDEs cache answers: use the manual trigger to see the change"
    )


def test_hostile_names_are_made_visible() -> None:
    row = say.run_rows([run(run="a\x1b[2Jb\n[red]c")])[0]
    assert "\x1b" not in row.cells[0][0]
    assert "\n" not in row.cells[0][0]


def test_what_got_worse_warns() -> None:
    def told(alike: tuple[float, float], elsewhere: tuple[float, float]) -> bool:
        evaluation = wire.Evaluation(
            places=60,
            exact_match=wire.Pair(base=0.2, tuned=0.3),
            edit_similarity=wire.Pair(base=alike[0], tuned=alike[1]),
            elsewhere=wire.Pair(base=elsewhere[0], tuned=elsewhere[1]),
        )
        return say.is_worse(run(evaluation=evaluation))

    assert not say.is_worse(run())
    assert not told((0.5, 0.6), (1.0, 1.04))
    assert told((0.5, 0.4), (1.0, 1.0))
    assert told((0.5, 0.6), (1.0, 1.06))


def test_two_runs_tested_on_other_text_say_so() -> None:
    one, other = run(settings={"lora_r": 8, "seed": 1}), run(run="b", settings={"lora_r": 16, "seed": 1})
    assert settings.differences(one, other) == ["lora_r 8 | 16"]
    assert settings.compared(one, other)[0] == "billing 0.931 @ 320 (−18 %) · b 0.931 @ 320 (−18 %)"
    assert settings.not_comparable(one, other) == ""
    elsewhere = run(test_loss=wire.TestLoss(base=1.2, best=0.931, last=0.931))
    assert "base 1.138 | 1.200" in settings.not_comparable(one, elsewhere)
    assert "other models" in settings.not_comparable(one, run(model="big"))
    assert settings.compared(one, one)[1] == "the same settings"


def test_a_run_says_what_it_began_with_and_whether_it_may_be_served() -> None:
    assert say.origin_lines(run()) == []
    assert say.origin_lines(run(parent="billing:320", held_back=True)) == [
        "goes on from billing:320",
        "to be served only if better than what is served: it is not the latest best yet",
    ]
    same = wire.Pair(base=0.5, tuned=0.5, low=-0.1, high=0.1)
    rival = wire.Rival(checkpoint="first:9", test_loss=same, exact_match=same, edit_similarity=same)
    found = wire.Evaluation(places=9, exact_match=same, edit_similarity=same, rival=rival)
    for held, words in (
        (True, "not better, so it is not the latest best"),
        (False, "better: it may be the latest best"),
    ):
        (line,) = say.origin_lines(run(evaluation=found, held_back=held))
        assert line == f"to be served only if better than first:9: {words}"
    lines = say.evaluation_lines(found)
    beside = lines.index("beside first:9, which was served as it began")
    assert lines[beside + 2] == "  exact match         50 % → 50 %         (-10.0 pts … +10.0 pts)"
    assert sum("test loss" in line for line in lines) == 1


def test_a_measurement_says_how_far_it_is() -> None:
    job = wire.Job(
        id=1, kind="train", name="a", state="running", done=36, total=128, unit=wire.BATCHES, eta_s=24.0,
        message="evaluating",
    )  # fmt: skip
    evaluating = msgspec.structs.replace(RUN, phase="evaluating", eta_s=None)
    assert say.run_line(evaluating, 200, job).startswith("evaluating · 28% · 36/128 batches · ETA 24s · ")
    steps = msgspec.structs.replace(job, unit="steps")
    assert "batches" not in say.run_line(evaluating, 200, steps)
    assert "128" not in say.run_line(msgspec.structs.replace(RUN, phase="training"), 200, job)

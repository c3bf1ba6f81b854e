"""Settings: a bad value is refused with its range in words, and the learning rate follows its schedule."""

from typing import Any

import pytest

from backend.errors import BadRequest
from backend.train import machine
from backend.train.settings import SETTINGS, defaults, described, learning_rate_at, merged


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lora_r", 2, "from 4 to 128"),
        ("lora_r", 4.5, "a whole number"),
        ("lora_r", "many", "a whole number from 4 to 128"),
        ("lora_r", True, "a whole number"),
        ("learning_rate", float("nan"), "from 1e-06 to 0.02"),
        ("lr_schedule", "square", "linear or cosine"),
        ("low_gpu_memory_mode", 1, "true or false"),
        ("batch_size", 0, "from 1 to 1024"),
        ("precision", "fp16", "auto, bf16 or fp32"),
        ("quantisation", "2bit", "none, 8bit or 4bit"),
        ("colour", "red", "no setting called 'colour'"),
    ],
)
def test_bad_values_are_refused_in_words(name: str, value: Any, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        merged({name: value})
    assert words in refused.value.message


def test_every_default_is_inside_its_own_range() -> None:
    for setting in SETTINGS:
        if setting.default is not None:
            assert merged({setting.name: setting.default})[setting.name] == setting.default
    assert merged({"lora_r": None}) == defaults()
    assert merged({"learning_rate": 1e-3, "lora_r": 8.0})["lora_r"] == 8


def test_what_this_box_cannot_do_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.devices.fast_bf16", lambda: False)
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    assert machine.precision_of(merged({}), gpu=False) == "fp32"
    assert machine.precision_of(merged({}), gpu=True) == "bf16"
    machine.refuse_impossible(merged({}), 0, 2)
    machine.refuse_impossible(merged({"precision": "bf16", "processes": 2}), 2, 1)
    for settings, words in (
        ({"precision": "bf16"}, "hundred times slower"),
        ({"quantisation": "4bit"}, "bitsandbytes"),
        ({"processes": 3}, "this box has 2 cores"),
    ):
        with pytest.raises(BadRequest) as refused:
            machine.refuse_impossible(merged(settings), 0, 2)
        assert words in refused.value.message


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_rises_to_its_peak_and_falls_towards_zero(schedule: str) -> None:
    values = merged({"learning_rate": 1e-3, "warmup_num_steps": 5, "lr_schedule": schedule})
    rates = [learning_rate_at(step, 50, values) for step in range(1, 51)]
    assert rates[4] == max(rates) == 1e-3
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 1e-4


def test_a_form_gets_every_setting_and_what_it_may_be() -> None:
    found = described()
    assert [one.name for one in found] == [one.name for one in SETTINGS]
    for one in found:
        values: list[Any] = [one.low, one.high] if one.low is not None else list(one.choices) or [one.default]
        assert values and one.meaning
        for value in values:
            merged({one.name: value == "true" if one.kind == "switch" else value})
        if one.low is not None and one.high is not None:
            for beyond in (one.low - 1, one.high + 1):
                with pytest.raises(BadRequest):
                    merged({one.name: beyond})

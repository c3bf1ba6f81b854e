"""Prompts that clients built around the cursor, in marks of the model's own and of other families."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.serve.client_prompt import Parts, take_apart

TEXT = st.text(alphabet="ab (\n", min_size=1, max_size=20)
QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
DEEPSEEK = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")


@given(before=TEXT, after=TEXT, marks=st.sampled_from([QWEN, DEEPSEEK]))
def test_another_familys_prompt_is_taken_apart(
    tiny: ModelInfo, before: str, after: str, marks: tuple[str, str, str]
) -> None:
    prefix, suffix, middle = marks
    expected = Parts(before, after)
    assert take_apart(tiny, f"{prefix}{before}{suffix}{after}{middle}") == expected
    assert take_apart(tiny, f"{suffix}{after}{prefix}{before}{middle}") == expected


@given(before=TEXT, after=TEXT)
def test_code_llama_and_codestral(tiny: ModelInfo, before: str, after: str) -> None:
    assert take_apart(tiny, f"<PRE> {before} <SUF>{after} <MID>") == Parts(before, after)
    assert take_apart(tiny, f"[SUFFIX]{after}[PREFIX]{before}") == Parts(before, after)


def test_an_order_without_a_middle_mark_is_known_to_the_model_trained_with_it(tiny: ModelInfo) -> None:
    codestral = replace(tiny, fim_layout="spm_unmarked", fim_middle="", bos="<s>")
    prompt = f"<s>{tiny.fim_suffix}after{tiny.fim_prefix}before"
    assert take_apart(codestral, prompt) == Parts("before", "after")
    assert take_apart(tiny, prompt) == Parts(prompt, None)


@pytest.mark.parametrize(
    "prompt",
    [
        f"x = '{QWEN[0]}' + '{QWEN[1]}' + '{QWEN[2]}'",
        f"{QWEN[0]}a{QWEN[1]}b{QWEN[2]}c",
        f"{QWEN[0]}a{QWEN[1]}b{QWEN[1]}{QWEN[2]}",
        f"{QWEN[0]}a{DEEPSEEK[1]}b{QWEN[2]}",
        "[SUFFIX]a[PREFIX]b[PREFIX]",
        "[PREFIX]a[SUFFIX]b",
    ],
)
def test_what_a_user_wrote_stays_text(tiny: ModelInfo, prompt: str) -> None:
    assert take_apart(tiny, prompt) == Parts(prompt, None)


def test_a_model_without_marks_reads_what_stands_before_the_cursor(tiny: ModelInfo) -> None:
    plain = replace(tiny, fim_layout="none", fim_prefix="", fim_suffix="", fim_middle="")
    assert take_apart(plain, f"{QWEN[0]}a{QWEN[1]}b{QWEN[2]}") == Parts("a", "b")
    assert take_apart(plain, "a = 1") == Parts("a = 1", None)

"""Prompts: what clients send is taken apart and laid out as the model was trained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.layout import trim
from backend.models.tokenizer import TextTokenizer
from backend.serve.client_prompt import Parts, take_apart
from backend.serve.prompt import lay_out
from backend.serve.request import CompletionRequest

TEXT = st.text(max_size=30).map(lambda text: text.replace("<", ""))
P, S, M, E = "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>"


@given(before=TEXT, after=TEXT.filter(bool), eos=st.sampled_from(["", E]))
def test_every_known_order_means_the_same(
    tiny: ModelInfo, tokenizer: TextTokenizer, before: str, after: str, eos: str
) -> None:
    expected = lay_out(tiny, tokenizer, CompletionRequest(prompt=before, suffix=after))
    for prompt in (
        f"{eos}{P}{before}{S}{after}{M}",
        f"{eos}{S}{after}{P}{before}{M}",
        f"{eos}{P}{S}{after}{M}{before}",
        f"{S}{after}{M}{before}",
    ):
        assert take_apart(tiny, prompt) == Parts(before, after)
        assert lay_out(tiny, tokenizer, CompletionRequest(prompt=prompt)) == expected


def test_context_before_the_marks_is_read_first(tiny: ModelInfo) -> None:
    assert take_apart(tiny, f"# a.py\n{P}x = {S}\ny{M}") == Parts("# a.py\nx = ", "\ny")


@pytest.mark.parametrize(
    "prompt",
    [f'mark = "{P}"', f"{P}a{S}b", f"{P}a{S}b{S}{M}", f"{M}a{S}b{P}", f"{P}a{S}b{M}c", f"a{M}", f"{S}a{P}b{M}c"],
)
def test_marks_in_a_users_text_stay_text(tiny: ModelInfo, tokenizer: TextTokenizer, prompt: str) -> None:
    ids = lay_out(tiny, tokenizer, CompletionRequest(prompt=prompt)).ids
    marks = tokenizer.marks
    assert not {marks.prefix, marks.suffix, marks.middle, marks.eot} & set(ids)
    assert tokenizer.decode(ids) == prompt


def test_marks_beside_a_given_suffix_are_text(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    ids = lay_out(tiny, tokenizer, CompletionRequest(prompt=f"{P}a{S}b{M}", suffix=f"c{M}")).ids
    assert sum(id_ in (tokenizer.marks.prefix, tokenizer.marks.suffix, tokenizer.marks.middle) for id_ in ids) == 3


@given(st.integers(0, 700), st.integers(0, 700), st.integers(1, 2000))
def test_prompt_and_answer_fit_the_context(
    tiny: ModelInfo, tokenizer: TextTokenizer, before: int, after: int, tokens: int
) -> None:
    request = CompletionRequest(prompt="a+b\n" * before, suffix="c-d\n" * after, max_tokens=tokens)
    prompt = lay_out(tiny, tokenizer, request)
    assert prompt.ids
    whole = len(tokenizer.encode_plain(request.prompt)) + len(tokenizer.encode_plain(request.suffix or ""))
    assert prompt.cut == (whole > len(prompt.ids) - (3 if request.suffix else 0 if before else 1))
    assert 1 <= prompt.max_tokens <= tokens
    assert len(prompt.ids) + prompt.max_tokens <= tiny.context


@pytest.mark.parametrize("far", ["a+b\n", " " * 40 + "\n"])
def test_of_a_text_without_end_what_is_near_fills_the_context(
    tiny: ModelInfo, tokenizer: TextTokenizer, far: str
) -> None:
    """However many characters its tokens have."""
    long, room = far * 40_000, tiny.context - 8
    found = [
        lay_out(tiny, tokenizer, CompletionRequest(prompt=prompt, suffix=suffix, max_tokens=8))
        for prompt, suffix in ((f"{long}cursor", None), ("cursor", f"cursor{long}"), (f"{long}cursor", f"cursor{long}"))
    ]
    assert all(one.cut and room - room // 8 - 3 <= len(one.ids) <= room for one in found)
    assert tokenizer.decode(found[0].ids).endswith("cursor")
    assert "cursor" in tokenizer.decode(found[1].ids)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200))
def test_trimming_keeps_what_is_at_the_cursor(before: int, after: int, room: int) -> None:
    prefix, suffix = list(range(before)), list(range(after))
    ahead, behind = trim(prefix, suffix, room)
    assert prefix[len(prefix) - len(ahead) :] == ahead
    assert suffix[: len(behind)] == behind
    assert len(ahead) + len(behind) == min(room, before + after)


@given(st.text(alphabet="ab\n\t", max_size=40), st.text(alphabet="ab\n\t", min_size=1, max_size=40))
def test_an_editor_with_crlf_asks_as_one_with_lf(
    tiny: ModelInfo, tokenizer: TextTokenizer, before: str, after: str
) -> None:
    plain = lay_out(tiny, tokenizer, CompletionRequest(prompt=before, suffix=after))
    request = CompletionRequest(prompt="\ufeff" + before.replace("\n", "\r\n"), suffix=after.replace("\n", "\r\n"))
    asked = lay_out(tiny, tokenizer, request)
    assert asked.ids == plain.ids
    assert asked.crlf == ("\n" in before + after) and not plain.crlf


def test_one_crlf_among_many_lines_is_no_reason_to_answer_so(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    assert not lay_out(tiny, tokenizer, CompletionRequest(prompt="a\r\nb\nc\nd\n")).crlf


def test_an_empty_prompt_still_asks_the_model_something(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    assert lay_out(tiny, tokenizer, CompletionRequest(prompt="")).ids == [tokenizer.marks.eot]

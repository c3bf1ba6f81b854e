"""Conversations laid out by a model's own template: as transformers does it, and whatever a stranger wrote in it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from backend.errors import BadRequest, RefactError
from backend.models.catalog import ModelInfo, starter
from backend.models.chat_template import GUARD, render
from backend.models.describe import Wanted, describe
from backend.models.families import Known, shipped
from backend.models.tokenizer import load_tokenizer
from tests.serve.chat_model import write_chat_model

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "  What is <b>this</b>?\n"},
    {"role": "assistant", "content": "Code & text."},
    {"role": "user", "content": "Go on"},
]
CHATML = (
    "{%- if messages[0]['role'] != 'system' %}{{ '<fim_prefix>system\\nHelp.<fim_suffix>\\n' }}{%- endif %}"
    "{% for message in messages %}{{'<fim_prefix>' + message['role'] + '\\n' + message['content'] + '<fim_suffix>' + "
    "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<fim_prefix>assistant\\n' }}{% endif %}"
)
TURNS = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set system, messages = messages[0]['content'] | trim, messages[1:] -%}
{%- endif -%}
{%- for message in messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('Roles must alternate') }}
    {%- endif -%}
    [{{ message['role'] }}] {{ message['content'] | trim }}{% if loop.first and system %} ({{ system }}){% endif %}
    {%- generation -%}{% endgeneration %}<|endoftext|>
{%- endfor -%}
"""


def model(folder: Path, template: Any = None, **more: str) -> ModelInfo:
    """The starter's tokenizer with a template of one's own."""
    from dataclasses import replace

    folder.mkdir(exist_ok=True)
    info = starter()
    (folder / "tokenizer.json").write_bytes((info.path / "tokenizer.json").read_bytes())
    said = {"bos_token": {"content": "<|endoftext|>"}, **({"chat_template": template} if template else {})}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    for name, text in more.items():
        (folder / name.replace("__", ".")).write_text(text)
    return replace(info, name="talker", path=folder)


@pytest.mark.parametrize("template", [CHATML, TURNS])
def test_ids_are_those_of_transformers(tmp_path: Path, template: str) -> None:
    info = model(tmp_path, template)
    fast = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(str(tmp_path / "tokenizer.json")))
    fast.bos_token = "<|endoftext|>"
    expected = fast.apply_chat_template(TALK, chat_template=template, add_generation_prompt=True, tokenize=True)
    assert load_tokenizer(info).encode_marked(render(info, TALK), GUARD) == list(expected["input_ids"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["<fim_prefix>", "<|endoftext|>", "<fim_", "a b", "\n", GUARD, "é"]), max_size=8))
def test_what_a_user_spells_is_text(tmp_path: Path, pieces: list[str]) -> None:
    info = model(tmp_path / "m", CHATML)
    text = "".join(pieces)
    tokenizer = load_tokenizer(info)
    ids = tokenizer.encode_marked(render(info, [{"role": "user", "content": text}]), GUARD)
    marks = tokenizer.marks
    assert sum(id_ in (marks.prefix, marks.suffix, marks.middle, marks.eot) for id_ in ids) == 5
    assert tokenizer.decode(ids) == f"system\nHelp.\nuser\n{text.replace(GUARD, '')}\nassistant\n"


def test_where_templates_lie(tmp_path: Path) -> None:
    ask = [{"role": "user", "content": "x"}]
    assert (
        render(
            model(tmp_path / "a", [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]), ask
        )
        == "d"
    )
    assert render(model(tmp_path / "b", "in config", chat_template__jinja="in a file"), ask) == "in a file"
    assert render(model(tmp_path / "c", None, chat_template__json='{"chat_template": "json"}'), ask) == "json"
    with pytest.raises(BadRequest, match="does not chat"):
        render(model(tmp_path / "d"), ask)


def test_a_templates_own_refusal_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="Roles must alternate"):
        render(model(tmp_path, TURNS), [TALK[1], TALK[1]])


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ 'x' * 999999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 9 ** 999999 ** 9 }}",
        "{{ range(999999999) }}",
        "{{ x.y.z }}",
        "{% for %}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_strangers_program_does_no_harm(tmp_path: Path, template: str) -> None:
    with pytest.raises(BadRequest, match="refuses this"):
        render(model(tmp_path, template), TALK)


def test_a_template_without_end_is_ended(tmp_path: Path) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% set x = a + b %}{% endfor %}{% endfor %}"
    began = time.monotonic()
    with pytest.raises(RefactError, match="does not come to an end"):
        render(model(tmp_path, loop), TALK)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(("told", "stops"), [(0, ()), ([0, 4], ("<fim_pad>",)), ([99999, "x"], ()), (None, ())])
def test_what_ends_a_turn_ends_an_answer(tmp_path: Path, told: Any, stops: tuple[str, ...]) -> None:
    folder = tmp_path / "talker-chat"
    write_chat_model(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": told}))
    info = describe(Wanted(name="talker-chat", path=str(folder)), Known(shipped()))
    assert info.stops == stops and "chat" in info.supports
    assert set(load_tokenizer(info).marks.stops) == {4 for _ in stops}

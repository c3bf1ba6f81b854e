"""Families as data, and a user's own: what is added, what is changed, and what is refused in words with its line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from backend.errors import BadRequest
from backend.models import catalog, families, layout
from backend.models.catalog import ModelInfo
from backend.models.families import MARKS, Family
from backend.models.tokenizer import NONE, load_tokenizer
from tests.models.tiny_families import FAMILIES, Tiny
from tests.models.tiny_tokenizers import corpus

PARTS = ["a", "f", " ", "  ", "\n", "\t", "(", "x = 1", "é", "▁", "日", "e\u0301", "<s>", "<fim_prefix>", "\r\n"]
CODE = st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | st.text(max_size=12)


def test_every_family_is_whole() -> None:
    known = families.shipped()
    assert {one.family for one in FAMILIES} | {"starter"} == set(known)
    for name, family in known.items():
        assert all(family.marks) and len(set(family.marks)) == len(MARKS[family.layout]), name
        assert family.licence and family.memory and family.context >= 2048, name
        assert family.eot not in family.stops
    assert catalog.starter().fim_marks == known["starter"].marks


def test_what_is_found_in_each_familys_model(tiny: Tiny, info: ModelInfo) -> None:
    assert (info.family, info.fim_layout, info.eot, info.eos, info.bos) == (
        tiny.family,
        tiny.layout,
        tiny.eot,
        tiny.eos,
        tiny.bos,
    )
    assert info.fim_marks[: len(tiny.marks)] == tiny.marks
    assert set(info.linear) == tiny.linear
    assert info.layers == 2 and info.hidden_size == 32 and info.intermediate_size == 48
    assert info.context == info.longest == tiny.sizes.get("sliding_window") or 512
    assert info.licence == families.shipped()[tiny.family].licence
    assert 20_000 < info.parameters < 60_000 and info.dtype == "float32"
    assert ("chat" in info.supports) == (tiny.family == "llama3")


def test_every_mark_is_one_token_and_no_text_can_spell_it(tiny: Tiny, info: ModelInfo) -> None:
    tokenizer = load_tokenizer(info)
    plain = Tokenizer.from_file(str(info.path / "tokenizer.json"))
    control = [*info.fim_marks, info.eot, info.eos, info.bos, *info.stops]
    ids = {plain.token_to_id(mark) for mark in control if mark}
    assert None not in ids and ids <= set(tokenizer.marks.ends)
    for mark in control:
        text = f"x = '{mark}' {mark}\n{mark.replace('▁', ' ')}"
        assert not set(tokenizer.encode_plain(text)) & ids
        assert tokenizer.decode(tokenizer.encode_plain(text)) == text


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(CODE, max_size=4))
def test_pieces_side_by_side_give_the_text_back(
    folders: dict[str, Path], parts: list[str], known: dict[str, ModelInfo]
) -> None:
    for info in known.values():
        tokenizer = load_tokenizer(info)
        ids = [id_ for part in parts for id_ in tokenizer.encode_plain(part)]
        assert tokenizer.decode(ids) == "".join(parts)
        assert tokenizer.encode_plain_batch(parts) == [tokenizer.encode_plain(part) for part in parts]


@pytest.fixture(scope="session")
def known(folders: dict[str, Path]) -> dict[str, ModelInfo]:
    from tests.models.conftest import described

    return {one.family: described(one, folders) for one in FAMILIES}


def test_a_text_begins_as_the_familys_own_tokenizer_begins_it(tiny: Tiny, info: ModelInfo) -> None:
    plain = Tokenizer.from_file(str(info.path / "tokenizer.json"))
    tokenizer = load_tokenizer(info)
    for text in (*corpus()[:3], "x", "\n", ""):
        ids = layout.plain_document(info, tokenizer.marks, tokenizer.encode_plain(tokenizer.begun(text)), False)
        own = list(plain.encode(text).ids)
        if tiny.family == "deepseek-coder":  # its tokenizer_config asks for the token, its template does not
            own = [tokenizer.marks.bos, *own]
        assert ids == own


def test_the_prompt_of_each_layout(tiny: Tiny, info: ModelInfo) -> None:
    marks = load_tokenizer(info).marks
    p, s, m = marks.prefix, marks.suffix, marks.middle
    wanted = {
        "psm": [p, 1, 2, s, 3, 4, m],
        "spm": [s, 3, 4, p, 1, 2, m],
        "spm_unmarked": [s, 3, 4, p, 1, 2],
        "none": [1, 2],
    }[tiny.layout]
    first = [marks.bos] if tiny.bos else []
    assert layout.infill_prompt(info, marks, [1, 2], [3, 4]) == first + wanted
    assert layout.infill_document(info, marks, [1, 2], [3, 4], [5]) == [*first, *wanted, 5, marks.eot]
    end = marks.eos if tiny.eos else marks.eot
    assert layout.plain_document(info, marks, [1, 2], True) == [*first, 1, 2, end]
    assert layout.plain_document(info, marks, [1, 2], False) == [*first, 1, 2]
    assert (NONE in (p, s, m)) == (tiny.layout == "none")


OWN = """
[families.acme]
layout = "spm_contiguous"
prefix = "<p>"
suffix = "<s>"
middle = "<m>"
eot = "<e>"

[families.starcoder2]
context = 16384

[models.starter]
loss_threshold = 2.5
languages = ["Python", "Go"]
context = 100000
"""


def test_a_users_file_adds_families_and_changes_models(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    assert families.read(path).families == families.shipped()
    path.write_text(OWN)
    known = families.read(path)
    assert known.families["acme"] == Family(
        layout="spm_contiguous", prefix="<p>", suffix="<s>", middle="<m>", eot="<e>", title="acme"
    )
    changed = known.families["starcoder2"]
    assert changed.context == 16384 and changed.marks == families.shipped()["starcoder2"].marks
    assert known.models["starter"].loss_threshold == 2.5
    path.write_text(OWN.replace("2.5", "2.75"))
    assert families.read(path).models["starter"].loss_threshold == 2.75


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x = \n", 1, "is no TOML"),
        ("\n[families.x]\nlayout = 'psm'\n", 2, "`eot`"),
        ("[families.x]\neot = 'e'\nlayout = 'psmx'\n", 3, "'psmx'"),
        ("[families.x]\neot = 'e'\nlayout = 'psm'\n", 3, "needs prefix, suffix, middle"),
        ("[families.starcoder2]\ncontext = 'long'\n", 2, "Expected `int`"),
        ("[models.'a.b']\ncontext = 4\n\n[models.b]\ncontext = 4\nthreshold = 3\n", 6, "unknown field `threshold`"),
        ("[families.starcoder2]\n\nmatch = ['(']\n", 3, "no regular expression"),
        ("[famlies.x]\n", 1, "unknown field `famlies`"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(text)
    with pytest.raises(BadRequest) as caught:
        families.read(path)
    assert f"line {line}" in caught.value.message and said in caught.value.message and str(path) in caught.value.message

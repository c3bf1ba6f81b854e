"""Near-duplicates: found where lines are shared, the earlier one stays, and datasketch sees the same pairs."""

from random import Random

from datasketch import MinHash, MinHashLSH
from hypothesis import given
from hypothesis import strategies as st

from backend.scan.duplicates import FEWEST_LINES, SIMILAR, Index, Near, alike, jaccard, signature, telling

LINES = st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=30)


def text_of(lines: list[str]) -> str:
    return "\n".join(lines)


def changed(lines: list[str], share: float, random: Random) -> list[str]:
    """A copy of which about this share of lines is another."""
    return [f"other_{random.random()}" if random.random() < share else line for line in lines]


def nears(texts: list[str]) -> list[Near[str]]:
    signed = {str(number): words for number, text in enumerate(texts) if (words := signature(text))}
    index = Index(len(texts))
    index.add(list(signed.values()))
    names = list(signed)
    return [
        near
        for late, earlier in index.candidates()
        for near in alike(names[late], [names[one] for one in earlier], lambda name: telling(texts[int(name)]))
    ]


def test_the_earlier_of_two_stays_and_the_figure_is_exact() -> None:
    lines = [f"def function_{number}(value):" for number in range(100)]
    texts = [text_of(lines), "\n\n" + text_of([f"    {line}" for line in lines[:94]]), text_of(lines[:50])]
    assert nears(texts) == [Near("1", "0", 0.94)]


def test_too_little_text_is_like_nothing() -> None:
    assert signature("import os\n" * 50) is None
    assert signature(text_of([f"line {number}" for number in range(FEWEST_LINES)])) is not None


def test_datasketch_sees_the_same_pairs() -> None:
    random = Random(5)
    texts: list[str] = []
    for family in range(40):
        lines = [f"value_{family}_{number} = compute({random.random()})" for number in range(random.randrange(20, 200))]
        texts += [text_of(lines), text_of(changed(lines, random.choice([0.02, 0.05, 0.3, 0.6]), random))]
    random.shuffle(texts)
    index = MinHashLSH(threshold=0.6, num_perm=128)
    expected = set()
    for number, text in enumerate(texts):
        sketch = MinHash(num_perm=128)
        for line in telling(text):
            sketch.update(line.encode())
        twins = [int(key) for key in index.query(sketch)]
        alike = [twin for twin in twins if jaccard(telling(text), telling(texts[twin])) >= SIMILAR]
        if alike:
            expected.add((number, min(alike)))
        index.insert(str(number), sketch)
    assert expected and {(int(near.sha256), int(near.twin)) for near in nears(texts)} == expected


def test_one_that_is_alike_is_found_among_many_that_are_half_alike() -> None:
    random = Random(7)
    shared = [f"shared_{number} = compute({number})" for number in range(80)]
    texts = [text_of([*shared, *(f"own_{text}_{number} = {number}" for number in range(12))]) for text in range(40)]
    texts += [text_of(changed(text.split("\n"), 0.02, random)) for text in texts[30:]]
    found = {(near.sha256, near.twin) for near in nears(texts)}
    assert found >= {(str(40 + number), str(30 + number)) for number in range(10)}


@given(st.lists(LINES, max_size=8))
def test_whatever_is_found_is_alike_and_points_back(all_lines: list[list[str]]) -> None:
    texts = [text_of(lines) for lines in all_lines]
    for near in nears(texts):
        assert int(near.twin) < int(near.sha256)
        assert jaccard(telling(texts[int(near.twin)]), telling(texts[int(near.sha256)])) >= SIMILAR


@given(LINES, LINES)
def test_jaccard(one: list[str], other: list[str]) -> None:
    a, b = telling(text_of(one)), telling(text_of(other))
    assert 0 <= jaccard(a, b) == jaccard(b, a) <= 1
    assert jaccard(a, a) == (1.0 if a else 0.0)

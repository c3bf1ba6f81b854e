"""The held-out files: deterministic, in proportion, enough to judge by, and never everything."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.scan.split import MOST, NEEDED_TOKENS, WANTED_TOKENS, Candidate, held_out


def files(
    count: int, tokens: int = 500, set_name: str = "auto", source: str = "s", language: str = "Python"
) -> list[Candidate]:
    return [Candidate(number, source, f"src/{number}.py", language, tokens, set_name) for number in range(count)]


candidates = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["Python", "Go"]),
        st.integers(0, 4000),
        st.sampled_from(["auto", "auto", "train", "test"]),
    ),
    max_size=80,
).map(
    lambda rows: [
        Candidate(number, source, f"{number}.x", name, tokens, which)
        for number, (source, name, tokens, which) in enumerate(rows)
    ]
)


@given(candidates, st.randoms(use_true_random=False))
def test_the_split_obeys_sets_and_ignores_order(given_files: list[Candidate], random: object) -> None:
    test = held_out(given_files)
    shuffled = list(given_files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert held_out(shuffled) == test
    by_id = {one.id: one for one in given_files}
    assert all(by_id[number].set != "train" for number in test)
    assert {one.id for one in given_files if one.set == "test"} <= test
    automatic = [one for one in given_files if one.set == "auto" and one.tokens]
    assert len([one for one in automatic if one.id in test]) <= len(automatic) // 2
    assert all(by_id[number].tokens or by_id[number].set == "test" for number in test)


def test_a_tenth_but_at_least_four_and_at_most_five_hundred() -> None:
    assert len(held_out(files(1000, 100))) == 100
    assert len(held_out(files(20, 5000))) == 4
    assert len(held_out(files(10_000, 500))) == MOST
    assert len(held_out(files(8, 9000))) == 4
    assert held_out(files(1)) == set()


def test_more_are_held_out_until_there_is_enough_to_judge_by() -> None:
    some = held_out(files(100, 500))
    assert len(some) * 500 >= WANTED_TOKENS and len(some) <= 25
    few = held_out(files(40, 450))
    assert len(few) * 450 >= NEEDED_TOKENS and len(few) <= 20
    assert len(held_out(files(30, 10))) == 15


def test_a_test_source_replaces_the_split_when_it_is_large_enough() -> None:
    large = [replace(one, id=one.id + 100, source="held") for one in files(10, 1000, "test")]
    assert held_out([*files(40), *large]) == {one.id for one in large}
    small = large[:2]
    chosen = held_out([*files(40), *small])
    assert {one.id for one in small} < chosen


def test_sources_and_languages_are_held_out_in_proportion() -> None:
    mixed = files(300, 400) + [replace(one, id=one.id + 300, language="Go", source="t") for one in files(100, 400)]
    chosen = held_out(mixed)
    go = [number for number in chosen if number >= 300]
    assert len(chosen) == 40 and 9 <= len(go) <= 11

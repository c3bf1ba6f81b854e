"""The held-out files: the newest where git tells, deterministic, in proportion, enough to judge by, not everything."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.scan.split import MOST, NEEDED_TOKENS, WANTED_TOKENS, Candidate, Split


def files(count: int, tokens: int = 500, source: str = "s", language: str = "Python") -> list[Candidate]:
    return [Candidate(number, source, f"src/{number}.py", language, tokens) for number in range(count)]


def held_out(given_files: list[Candidate], test_tokens: int = 0, has_test: bool = False) -> set[int]:
    split = Split(has_test, test_tokens)
    split.add(given_files)
    return split.held_out()


AGES = st.none() | st.integers(0, 30)
candidates = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["Python", "Go"]), st.integers(0, 4000), AGES), max_size=80
).map(
    lambda rows: [
        Candidate(number, source, f"{number}.x", name, tokens, age)
        for number, (source, name, tokens, age) in enumerate(rows)
    ]
)


@given(candidates, st.randoms(use_true_random=False))
def test_the_split_ignores_order_and_never_takes_more_than_half(given_files: list[Candidate], random: object) -> None:
    test = held_out(given_files)
    shuffled = list(given_files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    pieces = Split(False, 0)
    for start in range(0, len(shuffled), 7):
        pieces.add(shuffled[start : start + 7])
    assert pieces.held_out() == test
    by_id = {one.id: one for one in given_files}
    assert len(test) <= len([one for one in given_files if one.tokens]) // 2
    assert all(by_id[number].tokens for number in test)


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
    assert held_out(files(40), test_tokens=10_000, has_test=True) == set()
    assert held_out(files(40), test_tokens=2_000, has_test=True)


def test_sources_and_languages_are_held_out_in_proportion() -> None:
    mixed = files(300, 400) + [replace(one, id=one.id + 300, language="Go", source="t") for one in files(100, 400)]
    chosen = held_out(mixed)
    go = [number for number in chosen if number >= 300]
    assert len(chosen) == 40 and 9 <= len(go) <= 11


def test_of_very_many_the_same_are_chosen_as_of_those_alone() -> None:
    many = files(30_000, 400)
    assert held_out(many) == held_out(list(reversed(many))) and len(held_out(many)) == MOST


@given(candidates)
def test_of_each_source_and_language_the_newest_are_held_out(given_files: list[Candidate]) -> None:
    test = held_out(given_files)
    for one in given_files:
        for other in given_files:
            alike = (one.source, one.language) == (other.source, other.language)
            if alike and one.id in test and other.id not in test and other.tokens:
                assert other.commits_ago is None or (
                    one.commits_ago is not None and one.commits_ago <= other.commits_ago
                )


@given(candidates, AGES)
def test_times_change_neither_how_many_nor_from_where(given_files: list[Candidate], age: int | None) -> None:
    """And where all are the same they change nothing at all."""
    alike = [replace(one, tokens=min(one.tokens, 1) * 100) for one in given_files]
    without = held_out([replace(one, commits_ago=None) for one in alike])
    assert held_out([replace(one, commits_ago=age) for one in alike]) == without
    by_id = {one.id: (one.source, one.language) for one in alike}
    timed, plain = (Counter(by_id[number] for number in chosen) for chosen in (held_out(alike), without))
    assert timed.total() == plain.total() and all(abs(timed[name] - plain[name]) <= 1 for name in by_id.values())


def test_how_they_were_chosen_is_told() -> None:
    def by(*groups: list[Candidate]) -> str:
        split = Split(False, 0)
        for group in groups:
            split.add(group)
        split.held_out()
        return split.by

    plain = files(40)
    timed = [replace(one, id=one.id + 100, source="git", commits_ago=one.id) for one in plain]
    once = [replace(one, commits_ago=7) for one in timed]
    assert (by(plain), by(timed), by(plain, timed), by(once), by([])) == ("hash", "time", "mixed", "hash", "")
    assert held_out(timed) == set(range(100, 100 + len(held_out(timed))))


def test_of_very_many_the_newest_are_chosen() -> None:
    many = [replace(one, commits_ago=(one.id * 7919) % 30_000) for one in files(30_000, 400)]
    chosen = held_out(many)
    assert chosen == held_out(list(reversed(many))) and len(chosen) == MOST
    assert sorted(many[number].commits_ago or 0 for number in chosen) == list(range(MOST))

"""A file that is made to be slow costs some seconds and its own verdict, and nothing else."""

import signal
import threading

import pytest

from backend.scan import batch
from backend.scan.linguist.attributes import NOTHING
from backend.scan.patience import TooSlow, at_most
from backend.sources.members import Member

SLOW = b"a" * 400_000
"""In a .d file one of Linguist's patterns takes the square of a line's length."""


def test_a_slow_file_is_told_and_the_others_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LONGEST_S", 0.3)
    files = {"a.py": b"def a():\n    pass\n", "slow.d": SLOW, "b.py": b"def b():\n    pass\n"}
    found = batch.judge_batch([(Member(path, len(data), data), None, NOTHING) for path, data in files.items()])
    assert [one.found.reason for one in found] == [None, "linguist_error", None]
    assert "made to be slow" in found[1].found.detail and len(found[1].sha256) == 64
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_the_limit_ends_with_what_it_limits() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(TooSlow), at_most(0.05):
        while True:
            pass
    with pytest.raises(KeyError), at_most(5):
        raise KeyError
    assert signal.getsignal(signal.SIGVTALRM) == before


def test_beside_the_main_thread_there_is_no_limit() -> None:
    done: list[bool] = []

    def work() -> None:
        with at_most(0.0001):
            done.append(sum(range(200_000)) > 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]

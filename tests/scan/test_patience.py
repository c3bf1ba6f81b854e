"""A file that is made to be slow costs some seconds and its own verdict, and nothing else."""

import signal
import threading

import pytest

from backend.scan import batch
from backend.scan.linguist.attributes import NOTHING
from backend.scan.patience import TooSlow, patience
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
    with patience(0.05) as begin:
        for _ in range(2):
            begin()
            with pytest.raises(TooSlow):
                while True:
                    pass
    with pytest.raises(KeyError), patience(5) as begin:
        begin()
        raise KeyError
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) == before


def test_beside_the_main_thread_there_is_no_limit() -> None:
    done: list[bool] = []

    def work() -> None:
        with patience(0.0001) as begin:
            begin()
            done.append(sum(range(200_000)) > 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]

"""In which order a worker hears what has come between two steps."""

import threading

from backend.serve.inbox import Inbox
from backend.serve.protocol import Cancel, Generate, Load, ToWorker
from backend.serve.request import Adapter, CompletionRequest


def ask(id_: int) -> Generate:
    return Generate(id_, CompletionRequest(prompt="x"), None)


def filled(*messages: ToWorker | None) -> Inbox[ToWorker]:
    inbox = Inbox[ToWorker]()
    for number, message in enumerate(messages):
        inbox.put(None if message is None else (float(number), message))
    return inbox


def busy() -> bool:
    return True


def test_who_hangs_up_is_heard_first_and_is_not_taken_in() -> None:
    load = Load(9, Adapter(checkpoint="a:1", path="/a"))
    inbox = filled(ask(1), load, ask(2), Cancel(7), ask(3), Cancel(2))
    assert list(inbox.take(busy)) == [(3.0, Cancel(7)), (5.0, Cancel(2)), (0.0, ask(1)), (1.0, load), (4.0, ask(3))]
    assert list(inbox.take(busy)) == []


def test_a_crowd_is_taken_in_over_several_steps_and_nobody_is_lost() -> None:
    inbox = Inbox[ToWorker](listen_s=-1.0)
    for number in range(6):
        inbox.put((float(number), ask(number)))
    assert [message for _, message in inbox.take(busy)] == [ask(0)]
    inbox.put((9.0, Cancel(5)))
    assert [message for _, message in inbox.take(busy)] == [Cancel(5), ask(1)]
    assert [[message for _, message in inbox.take(busy)] for _ in range(4)] == [[ask(2)], [ask(3)], [ask(4)], []]


def test_without_a_step_to_do_it_takes_all_and_waits() -> None:
    inbox = filled(ask(1), ask(2))
    threading.Timer(0.05, inbox.put, [(5.0, ask(3))]).start()
    threading.Timer(0.1, inbox.put, [None]).start()
    assert [message for _, message in inbox.take(lambda: False)] == [ask(1), ask(2), ask(3)]
    assert inbox.ended


def test_the_end_is_heard_in_the_middle_of_work() -> None:
    inbox = filled(ask(1), None)
    assert list(inbox.take(busy)) == [] and inbox.ended

"""Hundreds of long prompts that have nothing in common: the worker's caches take no more than they may."""

import threading

import pytest

from backend.serve.caches import KEPT, ROWS, Cache
from backend.serve.llama import read_shape
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until, worker

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
CLIENTS, ASKS = 48, 8
SLACK = 200 * 1024 * 1024
"""What the worker may take beside its caches: buffers of a step, what malloc keeps."""


def test_caches_of_many_prompts_stay_bounded(box: Box) -> None:
    process = worker(box)
    box.complete(prompt="import ", max_tokens=4)
    before, peak, statuses = process.memory_info().rss, [0], list[int]()

    def client(number: int) -> None:
        for turn in range(ASKS):
            prompt = "".join(f"value_{number}_{turn}_{line} = {line * number}\n" for line in range(90))
            body = {"prompt": prompt, "max_tokens": 8, "temperature": 0, "model": "starter:base"}
            statuses.append(box.ask("POST", "/v1/completions", body)[0])
            peak[0] = max(peak[0], process.memory_info().rss)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(500)
    assert statuses == [200] * CLIENTS * ASKS
    whole = Cache(read_shape(box.starter.path), box.starter.context).bytes
    # Far fewer than were asked for: without a bound this would take three times as much.
    assert (ROWS + KEPT) * whole < CLIENTS * ASKS * whole // 3
    assert peak[0] - before < (ROWS + KEPT) * whole + SLACK
    assert box.host.pid == process.pid
    until(lambda: not box.host.waiting)

"""Twenty switches while four clients stream: no request fails, and each answer is the whole answer of one adapter."""

import http.client
import json
import threading
from contextlib import closing
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.engine_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
PROMPT = "import os\n\n\nclass Engine:\n    def __init__(self"
BODY = {"prompt": PROMPT, "max_tokens": 64, "temperature": 1, "seed": 5, "stream": True}
"""Drawn with a seed: the smallest difference between two adapters soon makes another text."""


def stream(box: Box, body: dict[str, Any]) -> tuple[set[str | None], str, str]:
    """The checkpoints that the packets of one answer name, its text, and how it ended."""
    with closing(http.client.HTTPConnection("127.0.0.1", box.port, timeout=60)) as connection:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        lines = [line[6:] for line in answer.read().decode().split("\n\n") if line.startswith("data: ")]
    packets = [json.loads(line) for line in lines if line != "[DONE]"]
    assert answer.status == 200 and not any("error" in packet for packet in packets), lines[-2:]
    return {packet["checkpoint"] for packet in packets}, "".join(p["choices"][0]["text"] for p in packets), lines[-1]


def test_twenty_switches_under_four_streams(tuned: Box) -> None:
    checkpoints = [row["id"] for row in tuned.ok("checkpoints", "list")]
    uses = ["off", checkpoints[0], checkpoints[-1]]
    expected: dict[str | None, str] = {}
    for use in uses:
        used = tuned.ok("use", use)
        (named,), text, _ = stream(tuned, BODY)
        assert named == used["checkpoint"]
        expected[named] = text
    assert len(set(expected.values())) == len(uses), "the answers must tell the adapters apart"

    failures: list[str] = []
    answers: list[str | None] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                named, text, last = stream(tuned, BODY)
                assert last == "[DONE]" and len(named) == 1, (named, last)
                (checkpoint,) = named
                assert text == expected[checkpoint], (checkpoint, text)
                answers.append(checkpoint)
            except Exception as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(20):
            used = tuned.ok("use", uses[turn % len(uses)])
            assert used["mode"] == ("off" if turn % len(uses) == 0 else "specific")
    finally:
        done.set()
        for thread in threads:
            thread.join(90)
    assert not failures, failures[:3]
    assert set(answers) == set(expected) and len(answers) > 20


def test_a_request_may_name_its_checkpoint(tuned: Box) -> None:
    tuned.ok("use", "latest-best")
    client = OpenAI(base_url=f"http://127.0.0.1:{tuned.port}/v1", api_key="none", max_retries=0)
    names = [model.id for model in client.models.list()]
    assert "starter:base" in names and len(names) > 3
    texts = {
        name: client.completions.create(model=name, prompt=PROMPT, max_tokens=48, temperature=0).choices[0].text
        for name in ("starter", "starter:base")
    }
    assert texts["starter"] != texts["starter:base"]


def test_overload_is_told_at_once_and_passes(tuned: Box) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(tuned.post({"prompt": PROMPT, "max_tokens": 200}, timeout=120)[0])

    threads = [threading.Thread(target=ask) for _ in range(120)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 60 and len(statuses) == 120, statuses
    assert tuned.post({"prompt": PROMPT, "max_tokens": 4})[0] == 200

"""One real engine a test module, at three stages of its life."""

from collections.abc import Iterator

import pytest

from tests.e2e.engine_box import Box, fresh_box, sample


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """An engine that has never seen anything."""
    with fresh_box() as one:
        yield one


@pytest.fixture(scope="module")
def scanned(box: Box) -> Box:
    """An engine with the sample repository scanned through both stages."""
    box.ok("sources", "add", str(sample(box.home.parent / "sample")), "--name", "sample", "--wait")
    scan = box.ok("scan", "run", "--wait")
    assert scan["accepted"] >= 8, scan
    return box


@pytest.fixture(scope="module")
def tuned(scanned: Box) -> Box:
    """An engine that serves a checkpoint better than its base."""
    scanned.ok(
        "train", "start", "--name", "first", "--steps", "24", "--batch-size", "8", "--seed", "3", "--wait", timeout=600
    )
    used = scanned.ok("use", "latest-best")
    assert used["checkpoint"], used
    return scanned

"""What an engine of the tests has counted."""

from backend import wire
from backend.serve.acceptance import Acceptance
from backend.serve.statistics import Statistics
from tests.serve.serving_box import Box


def count_anew(box: Box) -> Statistics:
    """Forget what was counted before."""
    box.call(box.ctx.db.execute("DELETE FROM requests"))
    hosts = box.ctx.hosts
    hosts.statistics = Statistics(box.ctx)
    hosts.acceptance = Acceptance(hosts.statistics)
    found: Statistics = hosts.statistics
    return found


def report(box: Box, days: int = 1) -> wire.Stats:
    """What was counted since."""
    found: wire.Stats = box.call(box.ctx.hosts.statistics.report(days))
    return found

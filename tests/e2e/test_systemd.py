"""A real systemd user manager keeps a real engine by our unit: started, killed, restarted, refused, stopped in a run.

The manager runs beside whatever else this box runs, in a control group and a mount namespace of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, fresh_box, sample

SYSTEMD = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if Path(path).exists()), None)
NEEDED = SYSTEMD and shutil.which("systemctl") and shutil.which("unshare") and os.geteuid() == 0
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not NEEDED, reason="systemd, or the right to run one, is not there"),
]
BEGIN = 'for group; do echo $$ > "$group/cgroup.procs"; done; exec unshare -m --propagation private sh -c "$INSIDE"'
INSIDE = f"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {SYSTEMD} --user --unit=basic.target"


def own_groups() -> list[Path]:
    """A control group below ours in each hierarchy that systemd looks at, made anew."""
    ours = {
        names or "unified": path for _, names, path in map(split, Path("/proc/self/cgroup").read_text().splitlines())
    }
    made = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind, options = line.split()[:4]
        name = "unified" if kind == "cgroup2" else "name=systemd" if "name=systemd" in options.split(",") else ""
        if name in ours:
            made.append(Path(point + ours[name].rstrip("/")) / f"refact-tui-test-{os.getpid()}")
            made[-1].mkdir()
    return made


def split(line: str) -> list[str]:
    return line.split(":", 2)


@pytest.fixture
def kept() -> Iterator[Box]:
    """A home whose user has a manager; its unit is installed."""
    try:
        groups = own_groups()
    except OSError:
        pytest.skip("no control groups can be made here")
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    with fresh_box() as box:
        box.environment |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": ""}
        manager = subprocess.Popen(
            ["sh", "-c", BEGIN, "sh", *map(str, groups)],
            env={**box.environment, "INSIDE": INSIDE},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            box.until((folder / "systemd" / "private").exists, 30)
            box.ok("engine", "unit", "--install")
            yield box
        finally:
            manager.send_signal(signal.SIGTERM)
            manager.wait(120)
            for group in (one for top in groups for one in [*sorted(top.rglob("*/"), reverse=True), top]):
                with contextlib.suppress(OSError):
                    group.rmdir()
    shutil.rmtree(folder)


def said(box: Box, what: str) -> str:
    command = ["systemctl", "--user", "show", "refact-tui", "--value", f"--property={what}"]
    return subprocess.run(command, env=box.environment, capture_output=True, text=True, check=True).stdout.strip()


def systems_own(box: Box) -> int:
    """The engine's pid, which is the one that systemd keeps."""
    pid = box.engine_pid()
    assert said(box, "MainPID") == str(pid)
    return pid


def test_whatever_starts_the_engine_it_is_systemds(kept: Box) -> None:
    kept.ok("engine", "start")
    first = systems_own(kept)
    kept.kill(first)
    kept.until(lambda: kept.run("engine", "status")[0] == 0, 60)
    assert systems_own(kept) != first
    # More often than systemd would start what fails.
    for _ in range(5):
        kept.ok("engine", "restart")
        systems_own(kept)
    kept.ok("engine", "stop")
    assert (said(kept, "ActiveState"), said(kept, "Result")) == ("inactive", "success")
    with socket.create_server(("127.0.0.1", kept.port)):
        code, answer, _ = kept.run("engine", "start")
    assert code == 3 and f"Port {kept.port} on 127.0.0.1 cannot be used" in answer["error"]["message"]
    kept.ok("engine", "start")
    systems_own(kept)


def test_a_run_outlives_a_killed_engine_and_saves_before_a_stopped_one_ends(kept: Box, tmp_path: Path) -> None:
    kept.ok("sources", "add", str(sample(tmp_path / "sample")), "--wait")
    kept.ok("scan", "run", "--stage", "1", "--wait")
    kept.ok("train", "start", "--name", "long", "--steps", "5000", "--batch-size", "4")
    kept.until(lambda: kept.ok("train", "show", "long")["step"] > 1, 180)
    (trainer,) = [one.pid for one in kept.processes("backend.train")]
    kept.kill(systems_own(kept))
    kept.until(lambda: kept.run("engine", "status")[0] == 0, 60)
    systems_own(kept)
    step = kept.ok("train", "show", "long")["step"]
    assert [one.pid for one in kept.processes("backend.train")] == [trainer]
    kept.until(lambda: kept.ok("train", "show", "long")["step"] > step, 60)
    subprocess.run(["systemctl", "--user", "stop", "refact-tui"], env=kept.environment, check=True, timeout=120)
    assert said(kept, "Result") == "success" and not kept.processes("backend.train")
    assert (kept.home / "runs" / "long" / "train_state" / "state.pt").exists()
    kept.ok("engine", "start")
    systems_own(kept)
    kept.until(lambda: kept.ok("train", "show", "long")["step"] > step, 120)
    kept.ok("train", "stop", "long")

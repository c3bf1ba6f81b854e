"""Runs the scripts beside this file that use a client from npm."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.install import npm


def script(name: str, package: str, home: Path, *arguments: str) -> Any:
    """What a script prints, read as JSON; its first argument is the folder in which `package` is installed."""
    command = ["node", str(Path(__file__).parent / name), str(npm(package)), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*"}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])

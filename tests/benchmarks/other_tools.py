"""Other people's tools for benchmarks, in folders of the user's cache, so that their pins do not meet ours."""

import subprocess
import venv
from pathlib import Path


def interpreter(folder: Path, wanted: list[str]) -> Path | None:
    """A Python that has these packages, installed now where they are not there; None where that fails."""
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return python
    print(f"installing {wanted[0]} and what it needs into {folder} (once, a minute or two)", flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()[-200:]
        print(f"skipped: cannot install {wanted[0]} ({said})")
        return None
    stamp.write_text("\n".join(wanted))
    return python

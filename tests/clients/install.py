"""Real clients from the package registries, each installed once into a folder beside the checkout; what cannot be
installed skips its tests by name with the reason."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("REFACT_TUI_CLIENTS") or Path(__file__).parents[2] / ".clients")
"""Kept between runs and ignored by git."""
PATIENCE_S = 600


def _run(name: str, command: list[str], folder: Path) -> None:
    """Run an installer; the test that needs it is skipped where that fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{name} cannot be installed: {error}")
    if done.returncode:
        pytest.skip(f"{name} cannot be installed: {(done.stderr or done.stdout).strip()[-300:]}")


def _folder(name: str) -> Path:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def npm(package: str) -> Path:
    """The folder from which node finds an npm package."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{package} cannot be installed: there is no {tool}")
    folder = _folder(package.replace("/", "-").removeprefix("@"))
    if not (folder / "node_modules" / package / "package.json").is_file():
        (folder / "package.json").write_text('{"private": true}')
        _run(package, ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", package], folder)
    return folder


def refact_lsp() -> Path:
    """The binary that the PyPI package `refact` ships."""
    folder = _folder("refact")
    binary = folder / "refact" / "bin" / "refact-lsp"
    if not binary.is_file():
        _run("refact", [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", ".", "refact"], folder)
        wheels = list(folder.glob("refact-*.whl"))
        if not wheels:
            pytest.skip("refact cannot be installed: there is no wheel for this machine")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extract("refact/bin/refact-lsp", folder)
        binary.chmod(0o755)
    return binary


def python_package(package: str) -> Path:
    """The interpreter of a virtual environment of its own in which a PyPI package is installed."""
    folder = _folder(package)
    python = folder / "bin" / "python"
    mark = folder / "installed"
    if not mark.is_file():
        venv.create(folder, with_pip=True, clear=True)
        _run(package, [str(python), "-m", "pip", "install", "--quiet", package], folder)
        mark.touch()
    return python

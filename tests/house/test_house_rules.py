"""The house keeps its own rules: small rooms, imports one way, nothing heavy where it must be light."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("refact_tui", "backend", "themes")
LONGEST, MEDIAN = 300, 120
UNNAMED = {"utils", "helpers", "manager", "common", "misc"}

HEAVY = ("torch", "transformers", "peft", "accelerate")
MAY_BE_HEAVY = (
    "backend/train/lora.py",
    "backend/train/loop.py",
    "backend/train/save.py",
    "backend/train/evaluate.py",
    "backend/train/answers.py",
    "backend/train/batches.py",
    "backend/train/adapted_linear.py",
    "backend/train/attention.py",
    "backend/train/forward.py",
    "backend/train/gradients.py",
    "backend/train/meter.py",
    "backend/train/nats.py",
    "backend/train/offload.py",
    "backend/train/measure.py",
    "backend/train/opening.py",
    "backend/train/ranks.py",
    "backend/train/room.py",
    "backend/train/worth.py",
    "backend/scan/loss.py",
    "backend/models/check.py",
    "backend/models/load.py",
    "backend/checkpoints/merge.py",
    "backend/serve/graphs.py",
    "backend/serve/holding.py",
    "backend/serve/slots.py",
    "backend/serve/kind.py",
    "backend/serve/packed.py",
    "backend/serve/shard.py",
    "backend/serve/sharding.py",
    "backend/serve/stages.py",
    "backend/models/starter/",
    "backend/serve/worker.py",
    "backend/serve/decode.py",
    "backend/serve/batch.py",
    "backend/serve/choose.py",
    "backend/serve/likely.py",
    "backend/serve/adapters.py",
    "backend/serve/caches.py",
    "backend/serve/lora.py",
    "backend/serve/row.py",
    "backend/serve/weights.py",
)


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_rooms_are_small() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in sources() if lines(path) > LONGEST}
    assert long == {}
    assert statistics.median(lines(path) for path in sources()) <= MEDIAN


def test_names_say_what_is_inside() -> None:
    assert not [path for path in sources() if UNNAMED & {path.stem, *path.parent.parts[-2:]}]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "no docstring"
    assert docstring.splitlines()[0].strip()


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_only_workers_name_torch() -> None:
    named = [str(path.relative_to(ROOT)) for path in sources() if imports(path) & set(HEAVY)]
    assert [path for path in named if not path.startswith(MAY_BE_HEAVY)] == []


@pytest.mark.parametrize(
    "module", ["backend.engine", "backend.__main__", "refact_tui.app", "refact_tui.frame", "refact_tui.cli.tree"]
)
def test_the_engine_and_the_face_start_without_torch(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_engine_never_imports_the_face() -> None:
    face = ("refact_tui", "themes", "textual", "rich", "plotext")
    code = f"import sys, backend.engine; print([name for name in {face!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_face_imports_wire_and_paths_only() -> None:
    for path in (path for path in sources() if path.is_relative_to(ROOT / "refact_tui")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "backend":
                names = {name.name for name in node.names}
                assert node.module in ("backend.wire", "backend.paths") or names <= {"wire", "paths"}, path


def test_the_starter_is_whole_and_small() -> None:
    folder = ROOT / "backend" / "models" / "starter" / "weights"
    for name in ("config.json", "model.safetensors", "tokenizer.json", "starter.json", "README.md"):
        assert (folder / name).is_file(), name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 25_000_000

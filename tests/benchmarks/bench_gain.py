"""What five minutes of tuning are worth: three packages that the starter never saw, split by file, defaults.

Each is fetched from the package index and added as it comes; the table is what the README shows."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.e2e.engine_box import fresh_box

PACKAGES = ("celery", "scrapy", "sphinx")
"""BSD-licensed, each with more than 300 000 tokens of Python, none in the starter's corpus."""
MINUTES, PLACES = 5, 500
CACHE = Path.home() / ".cache" / "refact-tui-bench"


def fetched(name: str) -> Path:
    """The package's wheel, fetched once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not (found := sorted(CACHE.glob(f"{name}-*.whl"))):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", name]
        subprocess.run([*command, "--dest", str(CACHE)], check=True, capture_output=True)
        found = sorted(CACHE.glob(f"{name}-*.whl"))
    return found[-1]


def tuned(name: str) -> dict[str, Any]:
    """The run's answer after source, scan and training with the defaults."""
    with fresh_box() as box:
        box.ok("sources", "add", str(fetched(name)), "--name", name, "--wait")
        scan = box.ok("scan", "run", "--wait", timeout=3600)
        began = time.monotonic()
        settings = ("--minutes", str(MINUTES), "--set", f"eval_places={PLACES}")
        plan = box.ok("train", "plan", *settings)
        run: dict[str, Any] = box.ok("train", "start", "--name", name, *settings, "--wait", timeout=3600)
        return {**run, "scan": scan, "tokens": plan["tokens_per_epoch"], "took_s": time.monotonic() - began}


def row(name: str, run: dict[str, Any]) -> str:
    found = run["evaluation"]
    loss = found["test_loss"]
    cells = [
        f"{name} ({run['tokens'] / 1000:.0f} k tokens, {run['scan']['test']} files held out)",
        f"{_pair(loss, 3)}, {loss['tuned'] / loss['base'] - 1:+.1%}",
        _pair(found["middle_loss"], 3),
        _pair(found["edit_similarity"], 3),
        _pair(found["exact_match"], 3),
        f"{found['elsewhere']['tuned'] / found['elsewhere']['base'] - 1:+.1%}",
    ]
    return f"| {' | '.join(cells)} |"


def _pair(pair: dict[str, float], digits: int) -> str:
    sure = "✓" if pair["low"] * pair["high"] > 0 else "~"
    return f"{pair['base']:.{digits}f} → {pair['tuned']:.{digits}f} {sure}"


def pooled(runs: list[dict[str, Any]], name: str) -> tuple[float, float, float]:
    """Difference over all places of all packages with its 95 % interval: each package's is taken as normal."""
    total = sum(run["evaluation"]["places"] for run in runs)
    mean = variance = 0.0
    for run in runs:
        pair, share = run["evaluation"][name], run["evaluation"]["places"] / total
        mean += share * (pair["tuned"] - pair["base"])
        variance += (share * (pair["high"] - pair["low"]) / 3.92) ** 2
    return mean, mean - 1.96 * math.sqrt(variance), mean + 1.96 * math.sqrt(variance)


def main() -> None:
    runs = []
    print(f"{MINUTES} minutes of training, {PLACES} held-out places each; ✓ beyond the 95 % interval by file, ~ within")
    print("| package | test loss | middle loss | edit similarity | exact match | loss on other code |")
    print("|---|---|---|---|---|---|")
    for name in PACKAGES:
        run = tuned(name)
        runs.append(run)
        print(row(name, run), flush=True)
    for name in ("edit_similarity", "exact_match"):
        mean, low, high = pooled(runs, name)
        places = sum(run["evaluation"]["places"] for run in runs)
        print(f"{name} over all {places} places: {mean:+.4f} (95 %: {low:+.4f} … {high:+.4f})")
    lower = [
        run["evaluation"][name]["high"] < 0
        and run["evaluation"]["elsewhere"]["tuned"] < 1.05 * run["evaluation"]["elsewhere"]["base"]
        for run in runs
        for name in ("test_loss", "middle_loss")
    ]
    print(json.dumps({"lower beyond chance and not forgotten": all(lower)}))


if __name__ == "__main__":
    main()

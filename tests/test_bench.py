"""`make bench` in its short form: what it measures is not looked at here, only that everything adds up."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_short_run_measures_everything_beside_its_floor_and_loses_no_redemption(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--out", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(figures.read_text())
    compared = {line["what"]: line["ratio"] for line in report["lines"] if line["who"] == "Guerdon"}
    assert set(compared) == {
        "validate",
        "redeem",
        "redeem one hot code",
        "qualify among 1,000 promotions",
        "generate codes",
        "earn points",
        "spend points",
        "earn on one hot card",
        "spend on one hot card",
        "read a card with 20,000 entries",
        "its balance in the past",
    }
    assert all(ratio > 0 for ratio in compared.values())
    assert report["conserved"] > 0

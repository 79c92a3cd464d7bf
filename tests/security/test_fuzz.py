"""The fuzz targets find nothing in a few seconds from the same seed; `python -m tests.security.fuzz` goes on longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", ["pages", "multipart", "words"])
def test_nothing_is_found_at_once(target: str, tmp_path: Path) -> None:
    """No input makes a reader fail in a way that it does not promise."""
    pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 alone")
    command = [sys.executable, "-m", "tests.security.fuzz", target, "--seconds", "4", "--findings", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "stat::number_of_executed_units" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("slow-unit")] == []

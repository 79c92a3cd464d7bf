"""docs/security.md names a test for every control, and each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
REVIEW = (TESTS.parent / "docs" / "security.md").read_text("utf-8")


def functions_of(file: str) -> set[str]:
    """Return the test functions of a file."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    """A renamed or deleted test has to be put right in the review."""
    named = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", REVIEW)
    assert len(named) > 40
    assert [name for name in named if name[1] not in functions_of(name[0])] == []


def test_every_row_names_a_test() -> None:
    """No threat stands in the review with a control that nothing shows."""
    rows = [line for line in REVIEW.splitlines() if line.startswith("| ") and not line.startswith("| threat")]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row.rsplit(" | ", 1)[-1]] == []


def test_every_asset_is_reviewed() -> None:
    """Each thing there is to lose has its table."""
    headings = set(re.findall(r"^## (.+)$", REVIEW, re.MULTILINE))
    assets = {
        "The bill and its files",
        "The request",
        "The row in the Sheet",
        "Fields and progress",
        "The functions",
        "The budget",
    }
    assert assets <= headings

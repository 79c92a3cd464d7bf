"""Costs: the documents say what the formula says, and the formula moves the right way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra import spec
from infra.gcp import costs
from tests.deploy.conftest import ROOT


@pytest.mark.parametrize("table", [costs.month_table, costs.attack_table])
def test_the_document_has_the_tables(table: object) -> None:
    """docs/deploy.md holds what `python3 -m infra.gcp.costs` prints."""
    assert table(spec.read()) in (ROOT / "docs" / "deploy.md").read_text("utf-8")  # type: ignore[operator]


def test_vision_is_its_price_beyond_the_free_pages() -> None:
    """10,000 bills of two pages: 19,000 pages are paid, at $1.50 a thousand."""
    assert costs.month(10_000, dict(spec.read().functions))["Vision"] == pytest.approx(28.5)
    assert costs.month(500, dict(spec.read().functions))["Vision"] == 0


def test_a_smaller_budget_costs_an_attacker_less() -> None:
    """Half the pages a day: less for Vision, nothing else changes but what is stored."""
    now = spec.read()
    half = replace(now, rate_limits=replace(now.rate_limits, pages_per_day=now.rate_limits.pages_per_day // 2))
    before, after = costs.attack(now), costs.attack(half)
    assert {what for what in before if after[what] < before[what]} == {
        "pages sent to Vision",
        "storage of what was sent, for a month",
    }

"""What the deployment costs: for a number of bills a month, and at the worst in a day of attack.

`python3 -m infra.gcp.costs` prints both tables of docs/deploy.md; a test holds the document to them. Prices are data
(prices.toml); what a bill uses is in `Bill`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import spec
from infra.spec import FunctionSpec, Settings

PRICES = Path(__file__).with_name("prices.toml")
MONTHS = (100, 1_000, 10_000)
SWEEPS = 60 * 24 * 30
HARD_FACTOR = 2  # intake/rate_limits.py
MOST_PAGES = 500  # of one submission, intake/settings.py
MOST_GIB = 30 / 1024
DAY_S = 86_400
REQUESTS_PER_SECOND = {"submit": 100, "progress": 250}
"""Requests that one instance with one CPU answers at most, refusing each at once: an estimate, to be on the safe side."""
READS = {"submit": 3, "progress": 2}
"""Firestore reads of one refused request: the limits; the progress and the intake of an unknown id."""


@dataclass(frozen=True)
class Bill:
    """What one bill of usual size uses; each figure is rounded up.

    Attributes:
        pages: Pages that go to Vision.
        gib: Size of the photos.
        seconds: Time of each function, its share of shared runs included.
        requests: Requests and events of all functions, the page's own polls included.
        reads: Firestore documents read, the page's listener included.
        writes: Firestore documents written.
        storage_writes: Uploads and lists.
        storage_reads: Downloads.
        log_gib: Log lines.
    """

    pages: float = 2.0
    gib: float = 6 / 1024
    seconds: tuple[tuple[str, float], ...] = (("submit", 6.0), ("ocr", 8.0), ("record", 1.5), ("progress", 0.5))
    requests: int = 12
    reads: int = 30
    writes: int = 14
    storage_writes: int = 10
    storage_reads: int = 4
    log_gib: float = 12_000 / 2**30


def prices() -> dict[str, Any]:
    """Return prices.toml."""
    with PRICES.open("rb") as file:
        return tomllib.load(file)


def month(bills: int, specs: dict[str, FunctionSpec], bill: Bill | None = None) -> dict[str, float]:
    """Return dollars a month by product: use less the free part, times the price.

    Args:
        bills: Bills a month.
        specs: The functions.
        bill: What one uses.
    """
    price, one = prices(), bill or Bill()
    sweep_seconds = SWEEPS * 0.5
    vcpu = bills * sum(seconds * specs[name].cpu for name, seconds in one.seconds) + sweep_seconds * specs["sweep"].cpu
    gib = sum(bills * seconds * specs[name].memory_mb for name, seconds in one.seconds) / 1024
    gib += sweep_seconds * specs["sweep"].memory_mb / 1024
    run, firestore, storage, logs = price["run"], price["firestore"], price["storage"], price["logging"]
    return {
        "Vision": over(bills * one.pages, price["vision"]["free_pages"]) / 1_000 * price["vision"]["thousand_pages"],
        "functions": over(vcpu, run["free_vcpu_seconds"]) * run["vcpu_second"]
        + over(gib, run["free_gib_seconds"]) * run["gib_second"]
        + over(bills * one.requests + SWEEPS, run["free_requests"]) / 1e6 * run["million_requests"],
        "Firestore": over(bills * one.reads + SWEEPS * 6, firestore["free_reads"])
        / 1e5
        * firestore["hundred_thousand_reads"]
        + over(bills * one.writes, firestore["free_writes"]) / 1e5 * firestore["hundred_thousand_writes"],
        "storage of a year's bills": 12 * bills * one.gib * storage["gib_month"]
        + bills * one.storage_writes / 1e4 * storage["ten_thousand_writes"]
        + bills * one.storage_reads / 1e4 * storage["ten_thousand_reads"],
        "logs and images": over(bills * one.log_gib, logs["free_gib"]) * logs["gib"]
        + price["fixed"]["images_gib"] * price["fixed"]["images_gib_month"],
    }


def over(used: float, free: float) -> float:
    """Return what is left of a use after the free part."""
    return max(0.0, used - free)


def attack(configured: Settings) -> dict[str, float]:
    """Return dollars of the worst day by what is attacked, free parts not counted.

    Args:
        configured: Instances and limits.
    """
    price, specs, limits = prices(), configured.functions, configured.rate_limits
    run, reads = price["run"], price["firestore"]["hundred_thousand_reads"] / 1e5

    def busy(spec: FunctionSpec) -> float:
        second = spec.cpu * run["vcpu_second"] + spec.memory_mb / 1024 * run["gib_second"]
        return float(spec.max_instances * DAY_S * second)

    def flood(name: str) -> float:
        requests = specs[name].max_instances * REQUESTS_PER_SECOND[name] * DAY_S
        return float(requests * (run["million_requests"] / 1e6 + READS[name] * reads))

    pages = HARD_FACTOR * limits.pages_per_day + specs["ocr"].max_instances * MOST_PAGES
    return {
        "pages sent to Vision": pages / 1_000 * price["vision"]["thousand_pages"],
        "ocr, all instances busy all day": busy(specs["ocr"]),
        "submit, all instances busy all day": busy(specs["submit"]),
        "submit, requests and reads of a flood": flood("submit"),
        "progress, all instances busy all day": busy(specs["progress"]),
        "progress, requests and reads of a flood": flood("progress"),
        "storage of what was sent, for a month": limits.pages_per_day * MOST_GIB * price["storage"]["gib_month"],
    }


def month_table(configured: Settings) -> str:
    """Return the monthly costs as Markdown."""
    columns = {bills: month(bills, dict(configured.functions)) for bills in MONTHS}
    lines = [f"| dollars a month | {' | '.join(f'{bills:,} bills' for bills in MONTHS)} |", "|---|--:|--:|--:|"]
    lines += [
        f"| {product} | {' | '.join(f'{columns[bills][product]:.2f}' for bills in MONTHS)} |"
        for product in columns[100]
    ]
    totals = " | ".join(f"**{sum(columns[bills].values()):.2f}**" for bills in MONTHS)
    return "\n".join([*lines, f"| together | {totals} |"])


def attack_table(configured: Settings) -> str:
    """Return the worst day as Markdown."""
    parts = attack(configured)
    rows = [f"| {what} | {dollars:.0f} |" for what, dollars in parts.items()]
    return "\n".join(
        ["| dollars a day | at most |", "|---|--:|", *rows, f"| together | **{sum(parts.values()):.0f}** |"]
    )


if __name__ == "__main__":
    print(f"{month_table(spec.read())}\n\n{attack_table(spec.read())}")

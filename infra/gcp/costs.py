"""What the deployment costs: for a number of bills a month, and at most in a day of attack.

`python3 -m infra.gcp.costs` prints both tables of docs/deploy.md. prices.toml has the prices.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import spec
from infra.spec import FunctionSpec, Settings

MONTHS = (100, 1_000, 10_000)
SWEEPS = 60 * 24 * 30
DAY_S = 86_400
# What one bill of usual size uses, rounded up: pages sent to Vision, size, seconds of each function, requests and events
# (with the page's polls), Firestore reads (with the page's listener) and writes, Storage calls, and log lines.
PAGES, BILL_GIB, REQUESTS, READS, WRITES = 2.0, 6 / 1024, 12, 30, 14
SECONDS = {"submit": 6.0, "ocr": 8.0, "record": 1.5, "progress": 0.5}
STORAGE_WRITES, STORAGE_READS, LOG_GIB = 10, 4, 12_000 / 2**30
# An attack: what the limits allow, and an estimate of what one instance with one CPU can refuse in a second.
HARD_FACTOR = 2  # intake/rate_limits.py
MOST_PAGES = 500  # of one submission, intake/settings.py
MOST_GIB = 30 / 1024
FLOOD_PER_SECOND = {"submit": 100, "progress": 250}
FLOOD_READS = {"submit": 3, "progress": 2}
"""Firestore reads of one refused request: the rate limits; the progress and the intake of an unknown ID."""


def prices() -> dict[str, Any]:
    """Return prices.toml."""
    return tomllib.loads(Path(__file__).with_name("prices.toml").read_text("utf-8"))


def month(bills: int, specs: Mapping[str, FunctionSpec]) -> dict[str, float]:
    """Return dollars a month by product: use minus the free part, times the price."""
    price = prices()
    run, firestore, storage, logs = price["run"], price["firestore"], price["storage"], price["logging"]
    seconds = {name: bills * each for name, each in SECONDS.items()} | {"sweep": SWEEPS * 0.5}
    vcpu = sum(used * specs[name].cpu for name, used in seconds.items())
    gib = sum(used * specs[name].memory_mb / 1024 for name, used in seconds.items())
    reads, writes = bills * READS + SWEEPS * 6, bills * WRITES
    return {
        "Vision": over(bills * PAGES, price["vision"]["free_pages"]) / 1_000 * price["vision"]["thousand_pages"],
        "functions": over(vcpu, run["free_vcpu_seconds"]) * run["vcpu_second"]
        + over(gib, run["free_gib_seconds"]) * run["gib_second"]
        + over(bills * REQUESTS + SWEEPS, run["free_requests"]) / 1e6 * run["million_requests"],
        "Firestore": over(reads, firestore["free_reads"]) / 1e5 * firestore["hundred_thousand_reads"]
        + over(writes, firestore["free_writes"]) / 1e5 * firestore["hundred_thousand_writes"],
        "storage of a year's bills": 12 * bills * BILL_GIB * storage["gib_month"]
        + bills * STORAGE_WRITES / 1e4 * storage["ten_thousand_writes"]
        + bills * STORAGE_READS / 1e4 * storage["ten_thousand_reads"],
        "logs and images": over(bills * LOG_GIB, logs["free_gib"]) * logs["gib"]
        + price["fixed"]["images_gib"] * price["fixed"]["images_gib_month"],
    }


def over(used: float, free: float) -> float:
    """Return what is left of a use after the free part."""
    return max(0.0, used - free)


def attack(settings: Settings) -> dict[str, float]:
    """Return dollars of the worst day by what is attacked, without free parts."""
    price, specs, limits = prices(), settings.functions, settings.rate_limits
    run, read = price["run"], price["firestore"]["hundred_thousand_reads"] / 1e5
    pages = HARD_FACTOR * limits.pages_per_day + specs["ocr"].max_instances * MOST_PAGES
    costs = {"pages sent to Vision": pages / 1_000 * price["vision"]["thousand_pages"]}
    for name in ("ocr", "submit", "progress"):
        each = specs[name]
        second = each.cpu * run["vcpu_second"] + each.memory_mb / 1024 * run["gib_second"]
        costs[f"{name}, all instances busy all day"] = each.max_instances * DAY_S * second
        if name in FLOOD_PER_SECOND:
            requests = each.max_instances * FLOOD_PER_SECOND[name] * DAY_S
            one = run["million_requests"] / 1e6 + FLOOD_READS[name] * read
            costs[f"{name}, requests and reads of a flood"] = requests * one
    stored = limits.pages_per_day * MOST_GIB * price["storage"]["gib_month"]
    return {**costs, "storage of what was sent, for a month": stored}


def month_table(settings: Settings) -> str:
    """Return the monthly costs as Markdown."""
    columns = [month(bills, settings.functions) for bills in MONTHS]
    rows = [f"| {product} | {' | '.join(f'{column[product]:.2f}' for column in columns)} |" for product in columns[0]]
    totals = " | ".join(f"**{sum(column.values()):.2f}**" for column in columns)
    head = f"| dollars a month | {' | '.join(f'{bills:,} bills' for bills in MONTHS)} |"
    return "\n".join([head, "|---|--:|--:|--:|", *rows, f"| together | {totals} |"])


def attack_table(settings: Settings) -> str:
    """Return the worst day as Markdown."""
    parts = attack(settings)
    rows = [f"| {what} | {dollars:.0f} |" for what, dollars in parts.items()]
    total = f"| together | **{sum(parts.values()):.0f}** |"
    return "\n".join(["| dollars a day | at most |", "|---|--:|", *rows, total])


if __name__ == "__main__":
    print(f"{month_table(spec.read())}\n\n{attack_table(spec.read())}")

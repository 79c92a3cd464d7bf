"""Run fault campaigns and print what they show: python -m tests.faults --seed 1 --submissions 300."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from tests.faults import tables  # noqa: E402
from tests.faults.campaign import Outcome, Plan, run  # noqa: E402


def main() -> int:
    """Run one campaign for each seed; return 0 only when every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one campaign for each (default: 1)")
    parser.add_argument("--submissions", type=int, default=300, metavar="N", help="of each campaign (default: 300)")
    parser.add_argument(
        "--outage", type=float, default=90.0, metavar="S", help="seconds without Sheets quota (default: 90)"
    )
    parser.add_argument(
        "--coverage", type=float, default=240.0, metavar="S", help="longest time for the last boundaries (default: 240)"
    )
    parser.add_argument("--write", action="store_true", help="write the section of docs/reliability.md")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    for seed in options.seed:
        outcomes.append(run(Plan(seed, options.submissions, options.outage, options.coverage)))
        text = tables.table(outcomes)
        print(text, flush=True)
        if options.write:
            tables.write_section("campaign", text)
    return 0 if not any(outcome.wrong for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

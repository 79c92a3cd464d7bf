"""Load the local stack and print figures.

    python -m tests.bench.load       2,000 submissions within a minute, Vision at a fixed 300 ms

Client, emulators, stand-ins and functions share the processors of this machine, so the figures also say who used them.
`--write` puts the tables into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from tests.bench.load import burst  # noqa: E402
from tests.faults import tables  # noqa: E402


def main() -> int:
    """Run what was asked for; return 0 if everything that was accepted has exactly one row."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--submissions", type=int, default=2000, metavar="N", help="within --over seconds (default: 2000)"
    )
    parser.add_argument("--over", type=float, default=60.0, metavar="S", help="(default: 60)")
    parser.add_argument("--vision-ms", type=int, default=300, metavar="MS", help="time of one OCR call (default: 300)")
    parser.add_argument("--ocr-instances", type=int, default=6, metavar="N", help="instances of ocr (default: 6)")
    parser.add_argument("--write", action="store_true", help="write the section of docs/reliability.md")
    options = parser.parse_args()
    text, good = burst.run(burst.Load(options.submissions, options.over, options.vision_ms, options.ocr_instances))
    print(text)
    if options.write:
        tables.write_section("load", text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

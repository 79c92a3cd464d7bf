"""Measure memory, speed, cold start and cost; print the tables and write them into docs/benchmarks.md.

tests/bench/run                       every part but the long ones
tests/bench/run coldstart calls       these parts
tests/bench/run leak                  20,000 page jobs through the whole stack: half an hour
"""

from __future__ import annotations

import argparse
import importlib
import time

from tests.bench.report import write_section

PARTS = {
    "memory": "memory of ocr and submit",
    "page": "own time a page: all that is not OCR",
    "coldstart": "process start to first answer, imports, installed size",
    "endtoend": "one page from POST to row; 100 pages by instances of ocr",
    "calls": "calls to Google a bill, and what they cost",
    "leak": "memory over 20,000 page jobs",
}
LONG = {"leak"}


def main() -> None:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description=(__doc__ or "").partition("\n")[0],
        epilog="\n".join(f"  {name:10} {what}" for name, what in PARTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help="what to measure")
    parts = parser.parse_args().parts or [part for part in PARTS if part not in LONG]
    for part in parts:
        began = time.monotonic()
        text = importlib.import_module(f"tests.bench.{part}").section()
        print(text)
        write_section(part, text, time.monotonic() - began)


if __name__ == "__main__":
    main()

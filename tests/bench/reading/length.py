"""Time against length for every reader of fields, with words that somebody chose to make it slow.

    python -m tests.bench.reading.length                  a table: contexts and words down, 100 to 10,000 words across
    python -m tests.bench.reading.length --labels use     for one label only

A stranger decides what words a page has. Each case is a label that sets off a reader (an account number, an address, a
period ...) followed by words that could keep it busy: dots, commas, digits, dashes, label words again, and mixtures; in one
line, in lines, all in one place, or strewn about. Times are processor time of this process; the exit status is 1 if a page of
any length costs more than `ONE_PAGE_S`, or a bill of 24 such pages more than `BILL_S`.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

_ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from intake.extraction import read_bill  # noqa: E402
from intake.model import PageWords, Quad, Word  # noqa: E402

ONE_PAGE_S = 0.15
BILL_S = 1.0
BILL_PAGES = 24
LENGTHS = (100, 1_000, 10_000)

CONTEXTS = {
    "nothing": "",
    "name": "NYSEG Account Number: 1001-2345-678 Customer Name:",
    "address": "NYSEG Service Address: 12",
    "account": "NYSEG Account Number:",
    "pod": "NYSEG PoD ID:",
    "period": "NYSEG Service from: 05/02/25 -",
    "use": "NYSEG Electricity Service Total kWh: Billed Usage",
    "history": "nationalgrid Electric Usage History Month kWh",
    "meter": "Meter Number: 05/02/25 05/31/25 1234 1200",
    "amount": "Amount Due: Statement Date: Rate",
}  # fmt: skip
"""Labels that set off a reader."""

FILLS: dict[str, Callable[[Random], str]] = {
    "dots": lambda _: "." * 79,
    "a dot": lambda _: ".",
    "commas": lambda _: "A," * 39,
    "dashes": lambda _: "1-" * 39,
    "digits": lambda _: "1" * 79,
    "a digit": lambda rng: str(rng.randrange(10)),
    "letters": lambda _: "N" * 79,
    "a letter": lambda _: "N",
    "towns": lambda rng: rng.choice(["12", "ITHACA", "NY", "1485", "RD", "ST", "14850", "A,"]),
    "dates": lambda rng: rng.choice(["05/02/25", "-", "to", "05/31/25", "30", "days", "Jan", "25"]),
    "numbers": lambda rng: f"1001-2345-{rng.randrange(1000):03d}",
    "pods": lambda rng: f"N010000{rng.randrange(10**8):08d}",
    "uses": lambda rng: rng.choice(["787", "kWh", f"{rng.randrange(10**4)}kwh", "@", "0.06823", "53.70", "x", "="]),
    "months": lambda rng: rng.choice(["Jan", "25", "Feb", "787", "Mar25", "6"]),
    "money": lambda rng: rng.choice(["$1.00", "$", "1,000", ".", "00", "$1,000,000"]),
    "labels": lambda rng: rng.choice(["Account", "Number:", "Service", "Address:", "for", "from:", "PoD", "ID:", "kWh"]),
    "names": lambda rng: "".join(rng.choice("ABCDEFGHIJKLMNOP") for _ in range(rng.randrange(3, 19))),
    "mixed": lambda rng: "".join(rng.choice("N01 .,-/$AYkwh:") for _ in range(rng.randrange(1, 79))).strip() or "-",
}  # fmt: skip
"""Words to keep a reader busy."""


def _box(x: float, y: float, width: float, height: float) -> Quad:
    return Quad(x, y, x + width, y, x + width, y + height, x, y + height)


def _in_one_line(index: int, count: int) -> Quad:
    return _box(index / count, 0.5, 0.95 / count, 0.4 / count)


def _in_lines(index: int, count: int) -> Quad:
    row, column = divmod(index, 12)
    rows = count // 12 + 1
    return _box(column / 12, row / rows, 0.98 / 12, 0.8 / rows)


def _in_one_place(index: int, _: int) -> Quad:
    return _box(0.5, 0.5, 0.05, 0.01 + 1e-6 * (index % 7))


def _strewn(index: int, _: int) -> Quad:
    rng = Random(index)
    return _box(rng.random(), rng.random(), 0.04, 0.01)


LAYOUTS = {"line": _in_one_line, "lines": _in_lines, "place": _in_one_place, "strewn": _strewn}


def bill(context: str, fill: str, layout: str, words: int, pages: int = 1) -> list[PageWords]:
    """Make a bill.

    Args:
        context: Key of `CONTEXTS`.
        fill: Key of `FILLS`.
        layout: Key of `LAYOUTS`.
        words: Words of each page.
        pages: How many pages.
    """
    made = []
    for number in range(1, pages + 1):
        rng = Random(number)
        texts = CONTEXTS[context].split()
        texts += [FILLS[fill](rng) for _ in range(words - len(texts))]
        placed = [Word(text, LAYOUTS[layout](index, words), 0.9) for index, text in enumerate(texts)]
        made.append(PageWords(number, 1000, 1650, "text", placed))
    return made


def seconds(pages: Sequence[PageWords]) -> float:
    """Return the processor time of reading a bill."""
    started = time.process_time()
    read_bill(pages)
    return time.process_time() - started


def modules(pages: Sequence[PageWords]) -> str:
    """Return the modules of the reading in which the time goes, built-in functions counted where they are called."""
    with cProfile.Profile() as profile:
        read_bill(pages)
    spent: Counter[str] = Counter()
    for (file, _, _), (*_, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        for (caller, _, _), (_, _, own, _) in callers.items():
            spent[Path(file if "/reading/" in file else caller).stem] += own
    return ", ".join(f"{name} {own:.2f} s" for name, own in spent.most_common(4))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.reading.length", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--slowest", type=int, default=3, help="cases whose modules are named (default 3)")
    parser.add_argument(
        "--labels", nargs="+", choices=CONTEXTS, default=[*CONTEXTS], help="which (default: all, 15 minutes)"
    )
    wanted = parser.parse_args()
    seconds(bill("nothing", "labels", "lines", 100))  # what is loaded and compiled once
    found: list[tuple[float, float, tuple[str, str, str]]] = []
    print("| label | words after it | " + " | ".join(f"{length:,}" for length in LENGTHS) + f" | {BILL_PAGES} pages |")
    print("|---|---|" + "--:|" * (len(LENGTHS) + 1))
    for context in wanted.labels:
        for fill in FILLS:
            worst = [max(seconds(bill(context, fill, layout, length)) for layout in LAYOUTS) for length in LENGTHS]
            long, layout = max((seconds(bill(context, fill, layout, 1_500, BILL_PAGES)), layout) for layout in LAYOUTS)
            found.append((long, max(worst), (context, fill, layout)))
            print(f"| {context} | {fill} | " + " | ".join(f"{one:.3f} s" for one in [*worst, long]) + " |", flush=True)
    found.sort(reverse=True)
    print(f"\nSlowest: a page {max(one for _, one, _ in found):.3f} s, a bill {found[0][0]:.3f} s of processor time.")
    for long, _, (context, fill, layout) in found[: wanted.slowest]:
        print(f"- {context}, {fill}, {layout}: {long:.2f} s; {modules(bill(context, fill, layout, 1_500, BILL_PAGES))}")
    sys.exit(1 if found[0][0] > BILL_S or max(one for _, one, _ in found) > ONE_PAGE_S else 0)


if __name__ == "__main__":
    main()

"""Measure how well bills are read, on specimens and photographs of specimens.

    python -m tests.bench.reading --photos 100 --engine rapidocr     photographs through the Vision stand-in
    python -m tests.bench.reading --photos 100 --engine tesseract    the same photographs through Debian's tesseract-ocr
    python -m tests.bench.reading --specimens 200 --engine text      text layers with damaged words; no OCR, seconds

Words are kept in .local/bench, so only the first run of a picture costs OCR time (5 s with RapidOCR on two cores).
The exit status is 1 if any wrong value was reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random

_ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from intake.extraction import read_bill  # noqa: E402

from tests.bench.reading import tables  # noqa: E402
from tests.bench.reading.cases import choose, take  # noqa: E402
from tests.bench.reading.degrade import Damage, damaged, text_pages  # noqa: E402
from tests.bench.reading.engines import ENGINES, words_of  # noqa: E402
from tests.bench.reading.scoring import Outcome, Score, score  # noqa: E402
from tests.specimens.catalogue import VARIANTS, make  # noqa: E402

_KEY_FIELDS = ("utility", "account_number", "pod_id", "kwh", "service_address", "customer_name")


def photo_scores(engine: str, count: int, seed: int, *, kept_only: bool) -> Iterator[Score]:
    """Yield the scores of photographs, each submitted alone."""
    with nullcontext(None) if kept_only else ENGINES[engine]() as recognise:
        for number, case in enumerate(choose(count, seed), start=1):
            picture = take(case)
            page = words_of(picture, engine, recognise)
            if page is not None:
                yield from score(read_bill([page]), picture.truth, picture.readable, case.utility, str(case))
            print(f"\r{number} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def text_scores(count: int, seed: int) -> Iterator[Score]:
    """Yield the scores of damaged text layers: of single pages, and of whole bills."""
    layouts = [(utility, variant) for utility, variants in VARIANTS.items() for variant in variants]
    for number in range(count):
        utility, variant = layouts[number % len(layouts)]
        rng = Random(f"{seed}/{number}/damage")
        specimen = make(seed + number, utility, variant)
        pages = text_pages(specimen)
        damage = Damage.invent(rng)
        for chosen in ([rng.choice(pages)], pages):
            numbers = [page.page for page in chosen]
            readable = frozenset().union(*(specimen.readable_on(page) for page in numbers))
            reading = read_bill([damaged(page, damage, rng) for page in chosen])
            name = f"{utility}-{variant}-{seed + number}-p{numbers} {damage}"
            yield from score(reading, specimen.truth.as_json(), readable, utility, name)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.reading", description="Measure how well bills are read."
    )
    parser.add_argument("--engine", choices=[*ENGINES, "text"], default="text", help="whose words (default: text)")
    parser.add_argument("--specimens", type=int, default=100, help="bills for --engine text (default 100)")
    parser.add_argument("--photos", type=int, default=60, help="photographs for the OCR engines (default 60)")
    parser.add_argument("--seed", type=int, default=5000, help="of the specimens (default 5000)")
    parser.add_argument("--kept-only", action="store_true", help="use kept words only, run no OCR")
    parser.add_argument("--missing", action="store_true", help="list the missing values too")
    wanted = parser.parse_args()
    if wanted.engine == "text":
        scores = list(text_scores(wanted.specimens, wanted.seed))
    else:
        scores = list(photo_scores(wanted.engine, wanted.photos, wanted.seed, kept_only=wanted.kept_only))
    pictures = len({one.case for one in scores})
    print(f"Engine {wanted.engine}, {pictures} pictures or bills, seed {wanted.seed}\n")
    print(tables.by_field(scores), tables.by_utility(scores, _KEY_FIELDS), tables.calibration(scores), sep="\n\n")
    wrong = [one for one in scores if one.outcome is Outcome.WRONG]
    for one in wrong:
        print(f"\nWRONG {one.field} in {one.case}: {one.detail}, confidence {one.confidence}")
    if wanted.missing:
        for one in scores:
            if one.outcome is Outcome.MISSING:
                print(f"missing {one.field} in {one.case}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

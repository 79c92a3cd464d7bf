"""Write specimen bills to files.

python -m tests.specimens --utility nyseg --variant residential --seed 7 --pages 3 --as photo --out DIR
python -m tests.specimens --utility all --out DIR
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

from tests.specimens.camera import KINDS, photograph_specimen
from tests.specimens.catalogue import VARIANTS, make


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.specimens", description="Write invented utility bills to files."
    )
    parser.add_argument("--seed", type=int, default=7, help="any whole number (default 7)")
    parser.add_argument("--utility", default="nyseg", choices=[*VARIANTS, "all"])
    parser.add_argument("--variant", default="all", help="a layout variant of the utility, or all (default)")
    parser.add_argument("--pages", default="", help="page numbers, e.g. 1,3 (default: all)")
    parser.add_argument("--statement", type=date.fromisoformat, help="date of issue (default: invented)")
    parser.add_argument("--as", dest="form", default="pdf", choices=["pdf", "photo"], help="(default: pdf)")
    parser.add_argument("--kind", default="photo", choices=[*sorted(KINDS), "all"], help="kind of photograph")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; made if need be")
    return parser.parse_args()


def main() -> None:
    """Write what the command line asks for, each file with the truth beside it."""
    wanted = _arguments()
    wanted.out.mkdir(parents=True, exist_ok=True)
    for utility in VARIANTS if wanted.utility == "all" else [wanted.utility]:
        for variant in VARIANTS[utility] if wanted.variant == "all" else [wanted.variant]:
            specimen = make(wanted.seed, utility, variant, statement=wanted.statement)
            stem, truth = f"{utility}-{variant}-{wanted.seed}", {"truth": specimen.truth.as_json()}
            pages = [int(page) for page in wanted.pages.split(",") if page] or [*range(1, specimen.page_count + 1)]
            if wanted.form == "pdf":
                (wanted.out / f"{stem}.pdf").write_bytes(specimen.pdf(pages))
                (wanted.out / f"{stem}.json").write_text(json.dumps(truth, indent=1))
                continue
            for page in pages:
                for kind in sorted(KINDS) if wanted.kind == "all" else [wanted.kind]:
                    photo = photograph_specimen(specimen, page, specimen.seed, kind)
                    (wanted.out / f"{stem}-p{page}-{kind}.jpg").write_bytes(photo.jpeg)
                    facts = truth | {"description": photo.description, "visible": photo.visible}
                    (wanted.out / f"{stem}-p{page}-{kind}.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()

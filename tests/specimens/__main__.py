"""Write specimen bills to files.

python -m tests.specimens --utility nyseg --variant residential --seed 7 --pages 3 --as photo --out DIR
python -m tests.specimens --utility all --as pdf --out DIR
python -m tests.specimens --utility nyseg --variant residential --pages 3 --as kinds --out DIR
"""

from __future__ import annotations

import argparse
import io
import json
from datetime import date
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from tests.specimens.bill import Specimen
from tests.specimens.camera import KINDS, Photo, photograph_specimen
from tests.specimens.catalogue import VARIANTS, make


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.specimens", description="Write invented utility bills to files."
    )
    parser.add_argument("--seed", type=int, default=7, help="any whole number (default 7)")
    parser.add_argument("--utility", default="nyseg", choices=[*VARIANTS, "all"])
    parser.add_argument("--variant", default="all", help="a layout variant of the utility, or all (default)")
    parser.add_argument("--pages", default="", help="page numbers, e.g. 1,3 (default: all)")
    parser.add_argument(
        "--statement", type=date.fromisoformat, help="date of issue, e.g. 2026-10-05 (default: invented)"
    )
    parser.add_argument("--as", dest="form", default="pdf", choices=["pdf", "scan", "png", "photo", "kinds"],
                        help="PDF with text, PDF of pictures, clean pictures, photographs, or all kinds of them")  # fmt: skip
    parser.add_argument("--kind", default="photo", choices=sorted(KINDS), help="kind of photograph for --as photo")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; made if need be")
    return parser.parse_args()


def _photographs(specimen: Specimen, pages: list[int], kinds: list[str], out: Path) -> list[tuple[str, Image.Image]]:
    """Write photographs with a JSON of what is readable in each. Return small copies with captions."""
    small = []
    for page in pages:
        for kind in kinds:
            photo: Photo = photograph_specimen(specimen, page, specimen.seed, kind)
            stem = f"{specimen.utility}-{specimen.variant}-{specimen.seed}-p{page}-{kind}"
            (out / f"{stem}.jpg").write_bytes(photo.jpeg)
            facts = {
                "description": photo.description,
                "truth": specimen.truth.as_json(),
                "visible": photo.visible,
            }
            (out / f"{stem}.json").write_text(json.dumps(facts, indent=1))
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo.jpeg)))
            small.append((f"p{page} {kind}", image))
    return small


def _contact_sheet(pictures: list[tuple[str, Image.Image]], path: Path, cell: int = 380) -> None:
    columns = min(7, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * (cell + 26)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for index, (caption, picture) in enumerate(pictures):
        left, top = index % columns * cell, index // columns * (cell + 26)
        picture.thumbnail((cell - 8, cell - 8))
        sheet.paste(picture, (left + 4, top + 24))
        draw.text((left + 6, top + 4), caption, font=ImageFont.load_default(16), fill=(0, 0, 0))
    sheet.save(path, quality=88)


def main() -> None:
    """Write what the command line asks for, and a contact sheet of all pictures."""
    wanted = _arguments()
    wanted.out.mkdir(parents=True, exist_ok=True)
    utilities = list(VARIANTS) if wanted.utility == "all" else [wanted.utility]
    pictures: list[tuple[str, Image.Image]] = []
    for utility in utilities:
        for variant in VARIANTS[utility] if wanted.variant == "all" else (wanted.variant,):
            specimen = make(wanted.seed, utility, variant, statement=wanted.statement)
            stem = f"{utility}-{variant}-{wanted.seed}"
            pages = (
                [int(p) for p in wanted.pages.split(",")] if wanted.pages else list(range(1, specimen.page_count + 1))
            )
            if wanted.form in ("photo", "kinds"):
                pictures += _photographs(
                    specimen, pages, sorted(KINDS) if wanted.form == "kinds" else [wanted.kind], wanted.out
                )
                continue
            (wanted.out / f"{stem}.json").write_text(json.dumps(specimen.truth.as_json(), indent=1))
            if wanted.form == "png":
                for page in pages:
                    specimen.picture(page).image.save(wanted.out / f"{stem}-p{page}.png")
            else:
                data = specimen.pdf(pages) if wanted.form == "pdf" else specimen.scan_pdf(pages)
                (wanted.out / f"{stem}.pdf").write_bytes(data)
            pictures += [(f"{utility} {variant} p{page}", specimen.picture(page, 800).image) for page in pages]
    _contact_sheet(pictures, wanted.out / "contact-sheet.jpg")
    print(f"Wrote {len(pictures)} pictures or pages and contact-sheet.jpg to {wanted.out}")


if __name__ == "__main__":
    main()

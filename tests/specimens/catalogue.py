"""Make specimens by utility and variant: the one door to the generator."""

from __future__ import annotations

import random
from datetime import date

from tests.specimens import avangrid, avangrid_figures, avangrid_pages, national_grid, national_grid_pages, others
from tests.specimens.bill import Specimen, Truth, save_pdf
from tests.specimens.draw import Pad
from tests.specimens.figures import Account

#: Layout variants by utility.
VARIANTS: dict[str, tuple[str, ...]] = {
    "nyseg": avangrid.VARIANTS,
    "rge": avangrid.VARIANTS,
    "national_grid": national_grid.VARIANTS,
    **dict.fromkeys(others.STYLES, others.VARIANTS),
}


def make(seed: int, utility: str, variant: str, *, statement: date | None = None) -> Specimen:
    """Invent and draw one bill.

    Args:
        seed: Any whole number; the same one gives the same bytes in one environment.
        utility: A key of `VARIANTS`.
        variant: One of that utility's variants.
        statement: Date of issue; None to invent one.

    Returns:
        The bill with its truth.

    Raises:
        ValueError: There is no such utility or variant.
    """
    if variant not in VARIANTS.get(utility, ()):
        known = "; ".join(f"{name}: {', '.join(variants)}" for name, variants in VARIANTS.items())
        raise ValueError(f"There is no specimen {utility} {variant}. Known are {known}.")
    who = Account(random.Random(f"{seed}/{utility}/{variant}/customer"))
    rng = random.Random(f"{seed}/{utility}/{variant}/figures/0")
    truth, pad = _draw(rng, who, utility, variant, statement)
    return Specimen(utility, variant, seed, truth, tuple(pad.places), save_pdf(pad.pdf))


def _draw(rng: random.Random, who: Account, utility: str, variant: str, statement: date | None) -> tuple[Truth, Pad]:
    if utility == "national_grid":
        grid = national_grid.invent_bill(rng, who, variant, statement)
        return grid.truth, national_grid_pages.draw_bill(grid, rng)
    if utility in others.STYLES:
        plain = others.invent_bill(rng, who, utility, variant, statement)
        return plain.truth, others.draw_bill(plain)
    bill = avangrid_figures.invent_bill(rng, who, utility, variant, statement)
    return bill.truth, avangrid_pages.draw_bill(bill, rng)

"""Invent customers of New York utilities: names, service and mailing addresses.

Towns go with their real ZIP codes and the utility that serves them, so that address checks hold; people,
businesses, streets and house numbers are made up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_NAMES = (
    "MARLA", "DESMOND", "ILSE", "TOBIAS", "WINIFRED", "ORRIN", "PRUDENCE", "CASIMIR", "LENORA", "BARNABY",
    "ODESSA", "THADDEUS", "JUNE", "RAFAELA", "SILAS", "YUSRA", "HALVARD", "IMOGEN", "DARYL", "CONSTANZA",
)  # fmt: skip
LAST_NAMES = (
    "QUILLFEATHER", "BRANDSETTER", "OAKHOLLOW", "VANDERMEEK", "TILLINGSWORTH", "MACADOO", "PELLEGRANO",
    "STRAWBRIDGE", "O'DELLIVAN", "KOSCIELNAK", "HARROWGATE", "FENNIMOOR", "BELLWETHER-ROSS", "NAKASHITA",
    "DUMONTIER", "GRISSOMLY", "ABERNATHE", "LINDQUISTER", "TORRESOLA", "WEXCOMBE",
)  # fmt: skip
TRADES = (
    "DAIRY FARM LLC", "AUTO BODY INC", "HARDWARE & FEED", "ORCHARDS", "FAMILY DINER", "COLD STORAGE CORP",
    "TOOL AND DIE CO", "SELF STORAGE LLC", "VETERINARY PC", "BAKERY", "MACHINE WORKS", "GREENHOUSES INC",
)  # fmt: skip
STREETS = (
    "WILLOWMERE RD", "TANNERSBROOK LN", "COPPER KETTLE RD", "HOLLOW BELL RD", "E LANTERN ST", "SUGARHOUSE HL",
    "N QUARRYMAN AVE", "OLD PLANK TPKE", "CIDERPRESS WAY", "COUNTY ROAD 198", "STATE ROUTE 541B", "MILLRACE CT",
    "THIMBLEBERRY DR", "SAWYERS BEND", "W GRISTMILL ST", "FIDDLERS GREEN", "LOWER TOLLGATE RD", "PEACHBLOSSOM TER",
)  # fmt: skip

#: Towns with their ZIP codes, by the utility that serves them.
TOWNS: dict[str, tuple[tuple[str, str], ...]] = {
    "nyseg": (("ITHACA", "14850"), ("BINGHAMTON", "13901"), ("ONEONTA", "13820"), ("GENEVA", "14456"),
              ("AUBURN", "13021"), ("HORNELL", "14843"), ("WALTON", "13856"), ("LIBERTY", "12754"),
              ("OWEGO", "13827"), ("PLATTSBURGH", "12901"), ("LANCASTER", "14086")),
    "rge": (("ROCHESTER", "14609"), ("ROCHESTER", "14620"), ("WEBSTER", "14580"), ("HILTON", "14468"),
            ("PITTSFORD", "14534"), ("PENFIELD", "14526"), ("CANANDAIGUA", "14424")),
    "national_grid": (("SYRACUSE", "13203"), ("ALBANY", "12203"), ("SCHENECTADY", "12303"), ("UTICA", "13501"),
                      ("WATERTOWN", "13601"), ("TROY", "12180"), ("GLENS FALLS", "12801"), ("OSWEGO", "13126"),
                      ("POTSDAM", "13676"), ("BUFFALO", "14216")),
    "central_hudson": (("POUGHKEEPSIE", "12601"), ("KINGSTON", "12401"), ("NEWBURGH", "12550"),
                       ("SAUGERTIES", "12477"), ("NEW PALTZ", "12561")),
    "con_edison": (("BROOKLYN", "11215"), ("BRONX", "10463"), ("YONKERS", "10701"), ("NEW YORK", "10025")),
    "orange_rockland": (("MIDDLETOWN", "10940"), ("NYACK", "10960"), ("SUFFERN", "10901"), ("MONROE", "10950")),
    "pseg_li": (("HUNTINGTON", "11743"), ("PATCHOGUE", "11772"), ("HICKSVILLE", "11801"), ("RIVERHEAD", "11901")),
}  # fmt: skip

#: National Grid's load zones by town; the state's market zones as it prints them.
LOAD_ZONES = {
    "SYRACUSE": "Central", "ALBANY": "Capital", "SCHENECTADY": "Capital", "UTICA": "Mohawk Valley",
    "WATERTOWN": "Mohawk Valley", "TROY": "Capital", "GLENS FALLS": "Capital", "OSWEGO": "Central",
    "POTSDAM": "North", "BUFFALO": "Frontier",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """A postal address in New York, capitals, as utilities print it."""

    street: str
    town: str
    state: str
    zip_code: str
    plus_four: str

    @property
    def one_line(self) -> str:
        """Write it the way NYSEG prints a service address: one comma, none before the state."""
        return f"{self.street}, {self.town} {self.state} {self.zip_code}"

    @property
    def mailing_town(self) -> str:
        """Write the last line of a mailing label, with ZIP+4."""
        return f"{self.town} {self.state} {self.zip_code}-{self.plus_four}"


@dataclass(frozen=True)
class Customer:
    """An invented customer.

    Attributes:
        name: A person, or the business itself when `business`.
        person: Somebody to write to; equals `name` for a person.
        business: Whether the account is a business's.
        service: Where the meter hangs.
        mailing: Where the bill goes; may be another town or state.
    """

    name: str
    person: str
    business: bool
    service: Address
    mailing: Address


def _zip_plus(rng: random.Random) -> str:
    return f"{rng.randint(1000, 9899)}"


def _house_number(rng: random.Random, *, letter: bool) -> str:
    number = str(rng.choice((rng.randint(2, 98), rng.randint(100, 999), rng.randint(1000, 8999))))
    return number + (rng.choice("AB") if letter and rng.random() < 0.15 else "")


def _pole_or_unit(rng: random.Random) -> str:
    """Return one of the suffixes NYSEG and RG&E print after the street, or nothing (most often)."""
    if rng.random() < 0.55:
        return ""
    choices = ("HSE", f"POL {rng.randint(10, 99)}", f"PO{rng.randint(10, 99)}-{rng.randint(1, 9)}",
               f"L-{rng.randint(100, 399)}", f"APT {rng.randint(1, 24)}")  # fmt: skip
    return " " + rng.choice(choices)


def invent_customer(rng: random.Random, utility: str, *, business: bool) -> Customer:
    """Invent a customer of a utility.

    Args:
        rng: Source of every choice.
        utility: Key of `TOWNS`; of another one the customers live in any of those towns.
        business: Whether to invent a business; three in ten pay from elsewhere, sometimes another state.

    Returns:
        The customer. Streets get pole and unit suffixes only where the utility prints such.
    """
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    person = f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')} {last}" if rng.random() < 0.4 else f"{first} {last}"
    name = person
    if business:
        name = rng.choice((f"{last} {rng.choice(TRADES)}", f"{rng.randint(2, 99)} {rng.choice(TRADES)}"))
    town, zip_code = rng.choice(TOWNS.get(utility) or [town for towns in TOWNS.values() for town in towns])
    avangrid = utility in ("nyseg", "rge")
    street = f"{_house_number(rng, letter=avangrid)} {rng.choice(STREETS)}{_pole_or_unit(rng) if avangrid else ''}"
    service = Address(street, town, "NY", zip_code, _zip_plus(rng))
    mailing = service
    if rng.random() < 0.3:
        far_town, far_state, far_zip = rng.choice(
            (("SCRANTON", "PA", "18503"), ("NAPLES", "FL", "34102"), ("ELMIRA", "NY", "14901"))
        )
        mailing = Address(f"PO BOX {rng.randint(12, 998)}", far_town, far_state, far_zip, _zip_plus(rng))
    return Customer(name, person, business, service, mailing)

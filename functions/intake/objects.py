"""Every name of an object in the bucket, made and parsed in one place; names hold ids and numbers only.

    bills/{intake}/{upload}/{file:02}       an uploaded file, as it came
    words/{intake}/{page:04}.json           the words of a page
    exports/{year}-{month}.csv              recorded intakes; kept until somebody deletes them

infra/functions.toml gives the first two folders their lifetime.
"""

from __future__ import annotations

BILLS, WORDS, EXPORTS = "bills/", "words/", "exports/"


def bills_prefix(intake_id: str, upload_id: str = "") -> str:
    """Return what the names of all files of an intake begin with, or of one of its uploads."""
    return f"{BILLS}{intake_id}/{upload_id}/" if upload_id else f"{BILLS}{intake_id}/"


def bill_object(intake_id: str, upload_id: str, number: int) -> str:
    """Return the name of an uploaded file by its 1-based position."""
    return f"{bills_prefix(intake_id, upload_id)}{number:02d}"


def upload_of(bill: str) -> str:
    """Return the id of the upload that brought a file."""
    return bill.split("/")[2]


def words_prefix(intake_id: str) -> str:
    """Return what the names of all page objects of an intake begin with."""
    return f"{WORDS}{intake_id}/"


def words_object(intake_id: str, page: int) -> str:
    """Return the name of the object with the words of a page, by its 1-based number."""
    return f"{words_prefix(intake_id)}{page:04d}.json"


def page_of(words: str) -> int:
    """Return the number of the page whose words an object holds."""
    return int(words.rpartition("/")[2].removesuffix(".json"))


def export_object(year: int, month: int) -> str:
    """Return the name of the object with the intakes of a month."""
    return f"{EXPORTS}{year}-{month:02d}.csv"

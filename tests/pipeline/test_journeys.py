"""Every kind of bill goes in over HTTP and its row comes out, through the real clients, emulators and OCR."""

from __future__ import annotations

import pytest
import requests
from PIL import Image

from tests.support import documents
from tests.support.submitter import ANSWERS, Submitter


def test_a_digital_pdf_becomes_a_row_without_any_ocr(submitter: Submitter) -> None:
    """The text layer is read, nothing goes to Vision, the row holds what the agent typed, and its link opens the bill."""
    pictures, bill = submitter.vision()["pictures"], documents.text_pdf(1)
    row = submitter.recorded(bill)
    assert submitter.vision()["pictures"] == pictures
    assert requests.get(str(row["Bill (link)"]), timeout=10).content == bill
    typed = {
        "Account Name": ANSWERS["account_name"],
        "Contact Name": ANSWERS["contact_name"],
        "Title": ANSWERS["title"],
        "Phone": ANSWERS["phone"],
        "Email": ANSWERS["email"],
        "Utility (form)": ANSWERS["utility"],
        "Account Type": ANSWERS["account_type"],
        "Developer": ANSWERS["developer"],
        "Consent": "yes",
        "Text messages": "no",
        "Agent ID": ANSWERS["agent_id"],
        "Business Entity": "",
        "Pages": 1,
        "Status": "check",  # it is no utility bill, and the agent is told so
    }
    assert {name: row[name] for name in typed} == typed
    assert list(row)[:2] == ["Intake ID", "Submitted"]


def test_each_page_of_a_mixed_pdf_takes_its_own_way(submitter: Submitter) -> None:
    """Text, scan, drawing and a scan with a stray letter stand in one file; every page is read whole."""
    row = submitter.recorded(documents.mixed_pdf())
    intake_id = str(row["Intake ID"])
    sources = [submitter.words(intake_id, page).source for page in (1, 2, 3, 4)]
    assert sources == ["text", "picture", "render", "picture"]
    for page in (1, 2, 3, 4):
        assert documents.numbers(page) in submitter.text(intake_id, page)


def test_forty_pages_are_read_in_chunks(submitter: Submitter) -> None:
    """More pages than one message covers: all are read, each once, and the row says how many."""
    row = submitter.recorded(documents.text_pdf(40))
    intake_id = str(row["Intake ID"])
    assert row["Pages"] == 40
    assert len(submitter.objects(f"words/{intake_id}/")) == 40
    for page in (1, 16, 17, 32, 33, 40):
        assert documents.numbers(page) in submitter.text(intake_id, page)


def test_two_photos_are_one_bill(submitter: Submitter) -> None:
    """Several files make one intake, one row and a page each, in the order in which they were sent."""
    row = submitter.recorded(*(documents.jpeg(documents.page_picture(page)) for page in (7, 8)))
    intake_id = str(row["Intake ID"])
    assert row["Pages"] == 2
    assert [documents.numbers(page + 6) in submitter.text(intake_id, page) for page in (1, 2)] == [True, True]
    assert len(str(row["Bill (link)"]).split("\n")) == 2


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_photo_is_placed_upright_by_its_exif(submitter: Submitter, orientation: int) -> None:
    """A phone stores its sensor's raster and says how to turn it; words lie where a person sees them."""
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    raster = documents.page_picture(orientation).transpose(stored[orientation])
    row = submitter.recorded(documents.jpeg(raster, orientation))
    page = submitter.words(str(row["Intake ID"]), 1)
    assert (page.width, page.height) == (1000, 700)
    number = next(word for word in page.words if documents.numbers(orientation) in word.text)
    assert number.quad.x0 < number.quad.x1  # reads from left to right
    assert 0.18 < number.quad.y0 < number.quad.y3 < 0.32  # on the second line


FAX = [documents.page_picture(page).convert("L") for page in (12, 13)]
OTHER_KINDS = {
    "PNG": documents.encoded(documents.page_picture(13), "PNG"),
    "TIFF of two pages": documents.encoded(FAX[0], "TIFF", save_all=True, append_images=FAX[1:]),
    "WebP": documents.encoded(documents.page_picture(13), "WEBP"),
    "HEIC": documents.heic(documents.page_picture(13)),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_kinds_of_pictures_are_read(submitter: Submitter, kind: str) -> None:
    """Screenshots, faxes and an iPhone's photos, all their pages."""
    row = submitter.recorded(OTHER_KINDS[kind])
    assert documents.numbers(13) in submitter.text(str(row["Intake ID"]), int(str(row["Pages"])))


def test_progress_only_ever_goes_forward(submitter: Submitter) -> None:
    """Stages come in order, pages and percent never shrink, and the page sees more than beginning and end."""
    submitter.vision(delay_ms=400)
    try:
        intake_id = submitter.submit(documents.scan_pdf(range(20, 28)))
        seen = [submitter.progress(intake_id)]
        while seen[-1]["stage"] not in ("done", "failed"):
            progress = submitter.progress(intake_id)
            if progress != seen[-1]:
                seen.append(progress)
    finally:
        submitter.vision(delay_ms=0)
    order = ["waiting", "reading", "recording", "done"]
    stages = [order.index(progress["stage"]) for progress in seen]
    assert stages == sorted(stages)
    assert seen[-1]["stage"] == "done"
    assert seen[-1]["percent"] == 100
    percents = [progress["percent"] for progress in seen]
    assert percents == sorted(percents)
    assert any(0 < progress["pages_done"] < 8 for progress in seen)

"""Every kind of bill goes in over HTTP and its row comes out, through the real clients, emulators and OCR."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.support import documents
from tests.support.submitter import ANSWERS, Submitter


def test_a_digital_pdf_becomes_a_row_without_any_ocr(submitter: Submitter) -> None:
    """The text layer is read, nothing is sent to Vision, and the row holds what the agent typed."""
    pictures = submitter.vision()["pictures"]
    row = submitter.recorded(documents.text_pdf(1))
    assert submitter.vision()["pictures"] == pictures
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


def test_the_words_of_a_text_layer_are_those_of_the_page(submitter: Submitter) -> None:
    """What is saved of a page are its words, in its own order, with places on the page."""
    row = submitter.recorded(documents.text_pdf(1))
    page = submitter.words(str(row["Intake ID"]), 1)
    assert page.source == "text"
    line = documents.LINE.format(page=1, number=documents.numbers(1))
    assert " ".join(word.text for word in page.words[: len(line.split())]) == line
    assert all(0 <= corner <= 1 for word in page.words for corner in word.quad)


def test_the_link_in_the_row_opens_the_bill(submitter: Submitter) -> None:
    """The office sees the very bytes that the agent sent."""
    import requests

    bill = documents.text_pdf(1)
    row = submitter.recorded(bill)
    assert requests.get(str(row["Bill (link)"]), timeout=10).content == bill


def test_a_scanned_pdf_is_recognised_from_its_own_pictures(submitter: Submitter) -> None:
    """Each page's picture goes to Vision as it is, once."""
    before = submitter.vision()["pictures"]
    row = submitter.recorded(documents.scan_pdf([1, 2, 3]))
    assert row["Pages"] == 3
    assert submitter.vision()["pictures"] == before + 3
    for page in (1, 2, 3):
        assert submitter.words(str(row["Intake ID"]), page).source == "picture"
        assert documents.numbers(page) in submitter.text(str(row["Intake ID"]), page)


def test_each_page_of_a_mixed_pdf_takes_its_own_way(submitter: Submitter) -> None:
    """Text, scan, drawing and a scan with a stray letter stand in one file; every page is read whole."""
    row = submitter.recorded(documents.mixed_pdf())
    intake_id = str(row["Intake ID"])
    assert [submitter.words(intake_id, page).source for page in (1, 2, 3, 4)] == [
        "text",
        "picture",
        "render",
        "picture",
    ]
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


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photo_is_placed_upright_by_its_exif(submitter: Submitter, orientation: int) -> None:
    """A phone stores its sensor's raster and says how to turn it; words lie where a person sees them."""
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    raster = documents.page_picture(orientation).transpose(stored[orientation])
    row = submitter.recorded(documents.jpeg(raster, orientation))
    page = submitter.words(str(row["Intake ID"]), 1)
    assert (page.width, page.height) == (1000, 700)
    number = next(word for word in page.words if documents.numbers(orientation) in word.text)
    assert number.quad.x0 < number.quad.x1  # reads from left to right
    assert 0.18 < number.quad.y0 < number.quad.y3 < 0.32  # on the second line


def test_a_page_that_lies_sideways_is_read_and_its_direction_kept(submitter: Submitter) -> None:
    """One photo in ten lies on its side without any EXIF; the order of the corners tells which way it reads."""
    raster = documents.page_picture(9).transpose(Image.Transpose.ROTATE_270)  # turned clockwise
    row = submitter.recorded(documents.jpeg(raster))
    page = submitter.words(str(row["Intake ID"]), 1)
    number = next(word for word in page.words if documents.numbers(9) in word.text)
    assert number.quad.y0 < number.quad.y1  # reads downwards


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_other_kinds_of_pictures_are_read(submitter: Submitter, kind: str) -> None:
    """Screenshots and scans come in these formats."""
    row = submitter.recorded(documents.encoded(documents.page_picture(11), kind))
    assert documents.numbers(11) in submitter.text(str(row["Intake ID"]), 1)


def test_every_page_of_a_tiff_is_read(submitter: Submitter) -> None:
    """Fax software puts a whole document into one TIFF."""
    pages = [documents.page_picture(page).convert("L") for page in (12, 13)]
    row = submitter.recorded(documents.encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert row["Pages"] == 2
    assert documents.numbers(13) in submitter.text(str(row["Intake ID"]), 2)


def test_an_iphone_photo_is_read(submitter: Submitter) -> None:
    """HEIC is decoded here, since Vision does not take it."""
    row = submitter.recorded(documents.heic(documents.page_picture(14)))
    assert documents.numbers(14) in submitter.text(str(row["Intake ID"]), 1)


def test_progress_only_ever_goes_forward(submitter: Submitter) -> None:
    """Stages come in order, pages and percent never shrink, and the page sees more than beginning and end."""
    submitter.vision(delay_ms=400)
    try:
        intake_id = submitter.submit(documents.scan_pdf(range(20, 32)))
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
    assert any(0 < progress["pages_done"] < 12 for progress in seen)

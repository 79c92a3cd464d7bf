"""What is wrong with the files of a bill. No retry helps: the intake fails with this reason and its files are deleted."""

from __future__ import annotations

from typing import ClassVar

from intake.errors.base import IntakeError


class FileError(IntakeError):
    """Files that no retry can turn into a bill.

    Args:
        **figures: The numbers that the sentence names.

    Attributes:
        figures: The same.
    """

    status = 422
    template: ClassVar[str]

    def __init__(self, **figures: float) -> None:
        self.figures = figures
        super().__init__(self.template.format(**figures))


class TooManyPages(FileError):
    """More pages than one submission may have."""

    code = "too_many_pages"
    template = "The files have {pages} pages together; the limit is {limit}. Send only the pages of this bill."


class TooManyPictures(FileError):
    """Pages so long that, cut up to be read, they make more pictures than a submission may have pages."""

    code = "too_many_pictures"
    template = (
        "The pages are so long that they must be read in more than {limit} pieces. Send only the pages of this bill, "
        "each as its own photo or screenshot."
    )


class BillTooSlow(FileError):
    """All files of a submission together take longer than those of any bill do."""

    code = "bill_too_slow"
    template = (
        "The files take more than {seconds} seconds to open and to draw all their pages; no bill needs that long. "
        "Send only the pages of this bill, as photos or printed to a new PDF."
    )


class BadFile(FileError):
    """One of the files cannot be read.

    Args:
        number: 1-based position of the file in the submission. File names may hold a person's name, so sentences name
            files by position.
        **figures: The numbers that the sentence names.
    """

    code = "bad_file"
    template = "File {number} cannot be read."

    def __init__(self, number: int, **figures: float) -> None:
        super().__init__(number=number, **figures)


class EncryptedPdf(BadFile):
    """The PDF needs a password."""

    code = "encrypted_pdf"
    template = "File {number} is a PDF that needs a password. Send it without a password, or send photos of the pages."


class BrokenFile(BadFile):
    """The bytes begin like a known format but cannot be opened."""

    code = "broken_file"
    template = (
        "File {number} is damaged and cannot be opened. Take the photo again, or download the PDF again, and send that."
    )


class NoPages(BadFile):
    """The PDF has no page."""

    code = "no_pages"
    template = "File {number} is a PDF without pages. Send the PDF of the whole bill, or photos of its pages."


class DocumentsInside(BadFile):
    """The PDF is a portfolio, or a form that is built when it is opened: its pages are not the bill."""

    code = "documents_inside"
    template = "File {number} is a PDF that contains other documents. Open it, save the bill itself, and send that."


class PictureTooLarge(BadFile):
    """A picture with more pixels than the memory of a function allows for its format."""

    code = "picture_too_large"
    template = (
        "File {number} has a picture of {megapixels} megapixels; the limit for its format is {limit}. "
        "Send it as a JPEG photo at normal quality."
    )


class AvifPicture(BadFile):
    """An AVIF picture that calls itself HEIC."""

    code = "avif_picture"
    template = (
        "File {number} is an AVIF picture, which is not supported. Send it as a JPEG, or send a screenshot of it."
    )


class UnusualPicture(BadFile):
    """A picture that our decoders cannot read, such as a JPEG of 12 bits a sample."""

    code = "unusual_picture"
    template = (
        "File {number} is a picture in a variant of its format that few programs can open. "
        "Send a screenshot of it, or take the photo again."
    )


class FileTooSlow(BadFile):
    """Opening the file, or drawing one of its pages, takes longer than any bill does."""

    code = "file_too_slow"
    template = (
        "File {number} takes more than {seconds:g} seconds to open or to draw a page; no bill needs that long. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


class FileTooLargeInMemory(BadFile):
    """Opening the file takes more memory than a function has for it."""

    code = "file_too_large_in_memory"
    template = (
        "File {number} needs more than {megabytes} MB of memory when it is opened; no bill needs that much. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


class FileCrashesReader(BadFile):
    """The program that opens files crashed on this one."""

    code = "file_stops_program"
    template = (
        "File {number} is damaged and crashes the program that opens it. "
        "Send photos of the pages, or print the file to a new PDF and send that."
    )


class LocationNotRemoved(BadFile):
    """The metadata of a picture cannot be found, so the picture is not copied."""

    code = "location_not_removed"
    template = "File {number} was not copied because it might still say where it was taken. Use the link to the bill."

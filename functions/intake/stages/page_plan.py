"""Which pages of a submission are read, which come next, and where each is found. Done is what has an object in Storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intake import objects
from intake.model import Intake

if TYPE_CHECKING:
    from intake.ports import Bucket


@dataclass(frozen=True)
class Place:
    """Where a page of the submission is found.

    Attributes:
        page: 1-based number within the submission.
        file: 0-based index of the file.
        index: 0-based index within the file.
    """

    page: int
    file: int
    index: int


def page_places(file_pages: Sequence[int], pages: range) -> list[Place]:
    """Return where some pages are found.

    Args:
        file_pages: Pages of each file.
        pages: 1-based numbers within the submission.
    """
    every = [(file, index) for file, count in enumerate(file_pages) for index in range(count)]
    return [Place(page, *every[page - 1]) for page in pages]


def done_pages(bucket: Bucket, intake_id: str) -> set[int]:
    """Return the pages whose words are saved.

    Raises:
        TemporaryError: Storage did not answer.
    """
    return {objects.page_of(name) for name in bucket.names(objects.words_prefix(intake_id))}


def next_chunks(done: Collection[int], pages: int, chunk_pages: int, in_flight: int) -> list[int]:
    """Return the chunks to be read next, in order: one at most of each lane, of which there are `in_flight`.

    Chunk n is in lane n % in_flight. Each lane advances by itself, so that no two runs ask for the same chunk.

    Args:
        done: 1-based numbers of the pages that are read.
        pages: How many there are.
        chunk_pages: Most pages of one chunk.
        in_flight: Most chunks of a submission at once.
    """
    first: dict[int, int] = {}
    for page in range(1, pages + 1):
        if page not in done:
            chunk = (page - 1) // chunk_pages
            first.setdefault(chunk % in_flight, chunk)
    return list(first.values())


def delete_files(bucket: Bucket, intake: Intake) -> None:
    """Delete the files and words of an intake that was refused.

    Raises:
        TemporaryError: Storage did not answer.
    """
    bucket.delete_all(objects.bills_prefix(intake.id))
    bucket.delete_all(objects.words_prefix(intake.id))

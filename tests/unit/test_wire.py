"""Frames between `ocr` and the worker that opens files."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from intake.pages import wire
from intake.pages.content import MAX_PIECES, UPRIGHT, PageContent, Piece, Placement

CONTENT = PageContent(1, 2, "render", [], [Piece(b"upper", Placement(1, 0, 0, 0.5, 0, 0)), Piece(b"low")])


def test_pieces_come_through() -> None:
    """Each picture of a page comes back with its own bytes and place."""
    here, there = socket.socketpair()
    with here, there:
        wire.send(here, wire.message_of(CONTENT), [piece.picture for piece in CONTENT.pieces])
        message, pictures, _ = wire.receive(there)
    assert wire.content_of(message, pictures) == CONTENT


@pytest.mark.parametrize(
    "pieces",
    [
        [[8, *UPRIGHT], [1, *UPRIGHT]],
        [[9, *UPRIGHT], [-1, *UPRIGHT]],
        [[7, *UPRIGHT]],
        [[8, *UPRIGHT], [0, *UPRIGHT]],
        [[8, 1, 0]],
        [[8, *UPRIGHT[:5], "wide"]],
        [8],
        None,
        [[1, *UPRIGHT]] * (MAX_PIECES + 1),
    ],
    ids=["too long", "negative", "too short", "empty", "no place", "no number", "no list", "none", "too many"],
)
def test_a_worker_that_lies(pieces: Any) -> None:
    """A frame whose pieces do not add up to its bytes is no page."""
    message = wire.message_of(CONTENT) | {"pieces": pieces}
    with pytest.raises(wire.Garbled):
        wire.content_of(message, b"x" * (MAX_PIECES + 1 if pieces and len(pieces) > MAX_PIECES else 8))

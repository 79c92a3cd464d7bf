"""Frames between `ocr` and the worker that opens files."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from intake.model import Quad, Word
from intake.pages.content import MAX_PIECES, UPRIGHT, PageContent, Piece, Placement
from intake.pages.sandbox import protocol

CONTENT = PageContent(1, 2, "render", [], [Piece(b"upper", Placement(1, 0, 0, 0.5, 0, 0)), Piece(b"low")])


def test_pieces_come_through() -> None:
    """Each picture of a page comes back with its own bytes and place."""
    here, there = socket.socketpair()
    with here, there:
        protocol.send(here, *protocol.frame_of(CONTENT))
        message, pictures, _ = protocol.receive(there)
    assert protocol.content_of(message, pictures) == CONTENT


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
    message = protocol.frame_of(CONTENT)[0] | {"pieces": pieces}
    with pytest.raises(protocol.ProtocolError):
        protocol.content_of(message, b"x" * (MAX_PIECES + 1 if pieces and len(pieces) > MAX_PIECES else 8))


WORDS = [Word("kWh", Quad(0.1, 0.2, 0.3, 0.2, 0.3, 0.25, 0.1, 0.25), 1.0), Word("7\u00bd", Quad(*[1 / 3] * 8), 0.7)]


def test_words_come_through() -> None:
    """Words come back as they were, to the last digit, with the pictures behind them."""
    content = PageContent(612, 792, "render", WORDS, [Piece(b"picture")])
    message, behind = protocol.frame_of(content)
    assert protocol.content_of(message, b"".join(behind)) == content


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["kWh"]},
        {"words": ["kWh", "7", "8"]},
        {"words": ["kWh", 7]},
        {"words": ["kWh", None]},
        {"words": {"kWh": 1, "7": 2}},
        {"words": "ab"},
        {"words": None},
        {"width": float("nan")},
        {"height": "inf"},
    ],
    ids=["fewer", "more", "number", "nothing", "map", "text", "none", "width", "height"],
)
def test_words_that_lie(change: dict[str, Any]) -> None:
    """A frame whose words do not add up to its bytes, or are no words, is no page."""
    message, behind = protocol.frame_of(PageContent(612, 792, "text", WORDS))
    with pytest.raises(protocol.ProtocolError):
        protocol.content_of(message | change, b"".join(behind))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none(number: float) -> None:
    """A word whose place is not finite is no word."""
    message, behind = protocol.frame_of(PageContent(612, 792, "text", [*WORDS, Word("8", Quad(*[number] * 8), 1.0)]))
    with pytest.raises(protocol.ProtocolError):
        protocol.content_of(message, b"".join(behind))

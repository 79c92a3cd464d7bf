"""What surrounds the stages in a `World`: Storage, Pub/Sub, Vision, the Sheet, the sandbox of files and the clock, in memory.

Each request goes through `World.request`, which stops the run that makes it and decides how the request ends.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

import requests
from intake.errors import BrokenFile, OcrUnavailable, TemporaryError
from intake.extraction import Reading, read_bill
from intake.model import PageWords, Quad, Word
from intake.pages.content import PageContent, Piece
from intake.pages.sandbox.process import Pay
from intake.ports import PictureRefused

from tests.support.office_sheet import OfficeSheet
from tests.support.submitter import ANSWERS

if TYPE_CHECKING:
    from tests.faults.world import World

BILLS = {"one page": 1, "five pages": 5, "cannot be opened": 1, "second page refused": 2, "third page refused": 4}
"""Pages of each kind of bill."""
BAD_BILLS = ("cannot be opened", "second page refused", "third page refused")
_REFUSED = {"second page refused": 1, "third page refused": 2}


def submission_body(kind: str, key: str) -> bytes:
    answers = {**ANSWERS, "account_name": kind}
    fields = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in answers.items()
    )
    file = f'--b\r\nContent-Disposition: form-data; name="bill"; filename="x"\r\n\r\n%PDF-1.7 {kind} {key}\r\n--b--\r\n'
    return (fields + file).encode()


@dataclass
class BucketInMemory:
    world: World

    def create(self, name: str, _content_type: str) -> _Writer:
        return _Writer(self.world, name)

    def fetch(self, name: str, file: IO[bytes]) -> None:
        file.write(self.read(name))
        file.seek(0)

    def read(self, name: str) -> bytes:
        def effect() -> bytes:
            if name not in self.world.objects:
                raise TemporaryError
            return self.world.objects[name]

        data: bytes = self.world.request("Storage read", effect, TemporaryError)
        return data

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        self._put(name, json.dumps(data).encode())

    def _put(self, name: str, data: bytes) -> None:
        self.world.request("Storage write", lambda: self.world.objects.__setitem__(name, data), TemporaryError)

    def names(self, prefix: str) -> list[str]:
        found: list[str] = self.world.request("Storage list", lambda: self._below(prefix), TemporaryError)
        return found

    def delete_all(self, prefix: str) -> None:
        for name in self.names(prefix):
            self.world.request("Storage delete", functools.partial(self.world.objects.pop, name, None), TemporaryError)

    def _below(self, prefix: str) -> list[str]:
        return sorted(name for name in self.world.objects if name.startswith(prefix))


@dataclass
class _Writer:
    world: World
    name: str
    data: bytes = b""

    def write(self, piece: bytes) -> None:
        self.data += piece

    def close(self) -> None:
        BucketInMemory(self.world)._put(self.name, self.data)

    def abandon(self) -> None:
        self.world.request("Storage abandon", lambda: None, TemporaryError)


@dataclass
class NudgesInMemory:
    world: World

    def ocr(self, intake_id: str, chunks: Sequence[int]) -> None:
        def effect() -> None:
            for chunk in chunks:
                self.world.publish("ocr", intake_id, chunk)

        if chunks:
            self.world.request("Publish", effect, TemporaryError)

    def sheet(self, intake_id: str) -> None:
        self.world.request("Publish", lambda: self.world.publish("sheet", intake_id), TemporaryError)


@dataclass
class VisionInMemory:
    world: World

    def words(self, picture: bytes) -> list[Word]:
        if picture == b"refused":
            self.world.request("Annotate", lambda: None, OcrUnavailable)
            raise PictureRefused
        self.world.request("Annotate", lambda: None, OcrUnavailable)
        return [Word("seen", Quad(0, 0, 1, 0, 1, 1, 0, 1), 0.9)]


def sheet_in_memory(world: World) -> OfficeSheet:
    """Return the model of the Sheet, each call of which is a request of the world; the real client runs on it."""
    sheet = OfficeSheet(WorldClock(world).monotonic)

    def around(name: str, effect: Callable[[], requests.Response]) -> requests.Response:
        # gspread repeats nothing by itself.
        answer: requests.Response = world.request(f"Sheet {name}", _once(effect), requests.ConnectionError)
        return answer

    sheet.wire.around = around
    return sheet


def _once(effect: Callable[[], requests.Response]) -> Callable[[], requests.Response]:
    done: list[requests.Response] = []

    def guarded() -> requests.Response:
        if not done:
            done.append(effect())
        return done[0]

    return guarded


class OpenerInMemory:
    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay) -> _Document:
        pay(0.0)
        name = file.read().decode().removeprefix("%PDF-1.7 ").rpartition(" ")[0]
        if name == "cannot be opened":
            raise BrokenFile(number)
        return _Document(name)

    def read_fields(self, words: IO[bytes], day: date, pay: Pay) -> Reading:
        pay(0.0)
        words.seek(0)
        return read_bill([PageWords.from_dict(json.loads(line)) for line in words], day)


@dataclass
class _Document:
    kind: str

    @property
    def page_count(self) -> int:
        return BILLS[self.kind]

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        refused = _REFUSED.get(self.kind) == index
        return PageContent(612, 792, "render", pieces=[Piece(b"refused" if refused else b"picture")])

    def close(self) -> None:
        pass


@dataclass
class WorldClock:
    world: World

    def monotonic(self) -> float:
        return (self.world.now - self.world.began).total_seconds()

    def now(self) -> datetime:
        return self.world.now

    def sleep(self, seconds: float, /) -> None:
        self.world.pass_time(seconds)

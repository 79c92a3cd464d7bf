"""Coverage-guided fuzzing of what reads bytes from anybody, with atheris (https://github.com/google/atheris).

    python -m tests.security.fuzz pages --seconds 600      files of all kinds, opened and drawn
    python -m tests.security.fuzz multipart --seconds 600  request bodies
    python -m tests.security.fuzz words --seconds 600      words of a page, from which the fields are read

Ends with status 0 when the time is over and nothing was found. An input that makes a reader fail in a way it does not
promise is written into --findings and described; then the status is not 0. Pages are read in this process, so that the
fuzzer sees what they cover, with more memory than the worker has; a bomb that wants more still is no finding.
"""

from __future__ import annotations

import argparse
import json
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import atheris

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

with atheris.instrument_imports(include=["intake", "multipart"]):
    from intake import bounds, filetypes, multipart
    from intake.errors import BadFile, IntakeError
    from intake.extraction import attention, read_bill
    from intake.model import PageWords, Quad, Word
    from intake.pages import open_document
    from intake.pages.heic import HeicDocument
    from intake.pages.pdf import PdfDocument
    from intake.pages.pictures import RasterDocument
    from intake.pages.sandbox import protocol

from tests.bench.reading.degrade import text_pages  # noqa: E402
from tests.security.hostile_pdfs import HOSTILE, reaching_out  # noqa: E402
from tests.specimens.catalogue import VARIANTS, make  # noqa: E402
from tests.support.marks import encoded, marked  # noqa: E402
from tests.support.pdfs import both, pdf, scan, text  # noqa: E402
from tests.support.pictures import heic  # noqa: E402
from tests.support.uploads import BOUNDARY, CONTENT_TYPE, JPEG, PDF, CutStream, body_of, field_part, file_part  # noqa: E402

MAX_BYTES = 20_000
MEMORY_BYTES = 1_500_000_000
READING_S = 10.0
"""Most processor time for the words of one input: many times what a page of a bill takes, since counting the coverage slows the
reading down several times."""
PAGE = (612.0, 792.0)
LOADED = (HeicDocument, PdfDocument, RasterDocument)  # imported above, so that they are instrumented


def read_pages(data: bytes) -> None:
    """Open a file by its own first bytes, and have its first page ready to be sent."""
    kind = filetypes.sniff(data[: filetypes.SNIFF_BYTES])
    if kind is None:
        return
    try:
        document = open_document(kind, data, 1)
    except (BadFile, MemoryError):
        return
    try:
        for redraw in (False, True):
            content = document.page(0, redraw=redraw)
            message, behind = protocol.frame_of(content)
            assert protocol.content_of(message, b"".join(behind)).pieces == list(content.pieces)
            "".join(word.text for word in content.words).encode("utf-8")
    except (BadFile, MemoryError):
        return
    finally:
        document.close()


def read_body(data: bytes) -> None:
    """Read a request body that comes in pieces; the first bytes say in which."""
    if len(data) < 4:
        return
    cuts = [1 + cut for cut in struct.unpack("4B", data[:4])]
    parts = 0
    received = 0
    try:
        for part in multipart.read_parts(CutStream(data[4:], cuts), CONTENT_TYPE):  # type: ignore[arg-type]
            if isinstance(part, multipart.FilePiece):
                received += len(part.data)
            else:
                parts += 1
    except IntakeError:
        pass
    assert parts <= multipart.MAX_PARTS
    assert received <= len(data)


def read_words(data: bytes) -> None:
    """Lay words out on a page as the bytes say, read the fields off it, and have them said what is missing."""
    page = PageWords(1, *PAGE, "text", list(_words(data)))
    started = time.process_time()
    reading = bounds.bounded(read_bill([page]))
    said = attention(reading, {}, date(2026, 11, 28), [])
    taken = time.process_time() - started
    assert taken < READING_S, f"{len(page.words)} words took {taken:.1f} s"
    json.dumps(reading.to_document(), allow_nan=False)
    assert said or {"utility", "account_number", "kwh", "period_end"} <= set(reading.fields), (
        "a field is missing and not said"
    )


def _words(data: bytes) -> Iterator[Word]:
    """Yield words, each from a place of four bytes, a count of repetitions, a length, and its letters in UTF-8."""
    at = 0
    while at + 6 <= len(data):
        x, y, again, length = struct.unpack_from(">HHBB", data, at)
        text = data[at + 6 : at + 6 + length].decode("utf-8", "replace") * (1 + again % 16)
        at += 6 + length
        left, top = x / 65535, y / 65535
        right, bottom = left + 0.008 * len(text), top + 0.012
        yield Word(text, Quad(left, top, right, top, right, bottom, left, bottom), 1.0 if again < 128 else 0.6)


def _spelled(page: PageWords) -> bytes:
    """Return the bytes from which `_words` makes the words of a page."""
    spelled = bytearray()
    for word in page.words:
        letters = word.text.encode("utf-8")[:255]
        x, y = (max(0, min(65535, round(65535 * corner))) for corner in word.quad[:2])
        spelled += struct.pack(">HHBB", x, y, 0, len(letters)) + letters
    return bytes(spelled)


def word_seeds() -> list[bytes]:
    """Return pages of each utility's bills, and lines that have made a search run long."""
    pages = [
        _spelled(page)
        for utility, variants in VARIANTS.items()
        for page in text_pages(make(7, utility, next(iter(variants))))
    ]
    dots = [b"Service", b"Address:", b"1", b"A,", *[b"." * 79] * 60, b"RD,", b"ALBANY", b"NY", b"12207"]
    lines = [
        dots,
        [b"9" * 40, b"kWh"] * 80,
        [b"1001-2345-"] * 150,
        [b"Account", b"Number:"] * 150,
        [b"Oct", b"13,", b"2026", b"to"] * 90,
    ]
    long = [
        b"".join(struct.pack(">HHBB", 400 * n % 65536, 20_000, 0, len(word)) + word for n, word in enumerate(line))
        for line in lines
    ]
    return [seed for seed in [*pages, *long] if len(seed) <= MAX_BYTES]


def page_seeds() -> list[bytes]:
    """Return small files of all kinds, and hostile ones that are small."""
    photo = encoded(marked(60, 80), "jpeg")
    drawn = [encoded(marked(24, 16), kind) for kind in ("jpeg", "png", "webp", "tiff")] + [heic(marked(24, 16))]
    sound = [pdf(text), pdf(lambda page: scan(page, photo)), pdf(both(lambda page: scan(page, photo), text))]
    outside = list(reaching_out("http://127.0.0.1:9/", "/nothing").values())
    slow = (
        "swell",
        "million",
        "packed",
        "deep",
        "in arrays",
        "in dictionaries",
        "brackets",
        "states",
        "clips",
        "again",
    )
    small = [
        make()
        for name, make in HOSTILE.items()
        if not any(word in name for word in (*slow, "forms", "pattern", "dust"))
    ]
    return [seed for seed in [*drawn, *sound, *outside, *small] if len(seed) <= MAX_BYTES]


def body_seeds() -> list[bytes]:
    """Return request bodies, whole and odd, behind the four bytes that cut them."""
    parts = [field_part("agent_id", "AG-1"), file_part(PDF), file_part(JPEG, filename="../../\u202e\U0001f4a9.jpg")]
    inner = body_of([field_part("a", "b")], boundary="inner")
    nested = (
        b"Content-Type: multipart/mixed; boundary=inner\r\nContent-Disposition: form-data; name=bill\r\n\r\n" + inner
    )
    bodies = [body_of(parts), body_of([nested]), body_of([]), body_of(parts * 10), body_of(parts)[:-9], b"", b"--" * 99]
    cuts = [b"\xff\xff\xff\xff", b"\0\0\0\0", bytes((len(BOUNDARY), 1, 3, 7))]
    return [cut + body for body in bodies for cut in cuts]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "pages": (read_pages, page_seeds),
    "multipart": (read_body, body_seeds),
    "words": (read_words, word_seeds),
}


def main() -> None:
    """Fuzz one target for a while."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2026, help="of the fuzzer's random numbers (default: %(default)s)")
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()), help="folder for what it finds")
    options = parser.parse_args()
    target, seeds = TARGETS[options.target]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"{number:03d}").write_bytes(seed)
        arguments = {
            "max_total_time": options.seconds,
            "seed": options.seed,
            "max_len": MAX_BYTES,
            "timeout": 60,
            "rss_limit_mb": 4096,
            "artifact_prefix": f"{options.findings.resolve()}/",
            "print_final_stats": 1,
        }
        with open("/proc/self/statm", encoding="ascii") as statm:
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES, mapped + MEMORY_BYTES))
        atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in arguments.items()), folder], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""The OCR of the benches: Vision's gRPC interface that gives every picture the same page of words after a fixed time.

    python -m tests.bench.ocr_stub --port 8085 --delay-ms 1000

What is measured with it is everything but the OCR. The answer has the size of a real one: `WORDS` words of a bill, each
symbol with its box, as DOCUMENT_TEXT_DETECTION gives them. It holds every call open for the fixed time, as many at once as
come (the real service is only limited by its quota).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.cloud import vision_v1

from infra.local.options import ROOT
from infra.local.ports import free_ports, port_answers
from infra.local.processes import Child

WORDS = 300
_LINE = ("Account", "Number:", "1001-4000-123", "Amount", "Due:", "$123.45", "Service", "from:", "05/02/25", "kwh")


def answer() -> bytes:
    """Return a BatchAnnotateImagesResponse for one picture, serialized."""
    response = vision_v1.BatchAnnotateImagesResponse.pb()()
    page = response.responses.add().full_text_annotation.pages.add(width=1700, height=2200)
    paragraph = page.blocks.add().paragraphs.add()
    for number in range(WORDS):
        left, top = 60 + number % 10 * 160, 60 + number // 10 * 60
        word = paragraph.words.add(confidence=0.98)
        for at, letter in enumerate(_LINE[number % 10]):
            symbol = word.symbols.add(text=letter, confidence=0.98)
            _box(symbol.bounding_box, left + at * 10, top, 10)
        _box(word.bounding_box, left, top, 10 * len(word.symbols))
        symbol.property.detected_break.type_ = 5 if number % 10 == 9 else 1
    return bytes(response.SerializeToString())


def _box(box: Any, left: int, top: int, width: int) -> None:
    for x, y in ((left, top), (left + width, top), (left + width, top + 30), (left, top + 30)):
        box.vertices.add(x=x, y=y)


async def _serve(port: int, delay_s: float) -> None:
    same = answer()

    async def annotate(request: bytes, context: object) -> bytes:
        await asyncio.sleep(delay_s)
        return same

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    method = grpc.unary_unary_rpc_method_handler(annotate)  # raw bytes both ways: the stub must cost next to nothing
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.cloud.vision.v1.ImageAnnotator", {"BatchAnnotateImages": method})]
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


@contextlib.contextmanager
def running(log: Path, delay_s: float = 0.0) -> Iterator[str]:
    """Run the stub in a process of its own; yields its host:port."""
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "tests.bench.ocr_stub", "--port", str(port), "--delay-ms", str(round(delay_s * 1000))]
    child = Child("ocr-stub", argv, log, cwd=ROOT)
    child.start()
    try:
        while not port_answers(port):
            if not child.running:
                raise RuntimeError(child.describe_exit())
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        child.kill()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ocr_stub")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.delay_ms / 1000))


if __name__ == "__main__":
    main()

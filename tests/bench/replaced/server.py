"""The design that was replaced, for comparison only: one Flask process, a thread a job, progress in a dict.

    python -m tests.bench.replaced.server --port 8090 --pages all|one

`all` is what it did: pdf2image turns every page of the PDF into a picture at 150 dpi, then each goes to the OCR. `one` is the
fix that was tried: a page at a time. The OCR is the same stub through the same Google client as for `ocr`.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
from flask import Flask, Response, jsonify, request
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport
from pdf2image import convert_from_path, pdfinfo_from_path
from PIL import Image
from werkzeug.serving import WSGIRequestHandler

DPI = 150

app = Flask(__name__)
progress: dict[str, dict[str, object]] = {}
one_by_one = False

_unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_client = vision.ImageAnnotatorClient(
    transport=ImageAnnotatorGrpcTransport(
        channel=grpc.insecure_channel(os.environ["VISION_EMULATOR_HOST"], options=_unlimited)
    )
)


@app.post("/upload")
def upload() -> Response:
    """Keep the file in a temporary one and start the job's thread."""
    job = uuid.uuid4().hex
    kept = tempfile.NamedTemporaryFile(suffix=".pdf", delete=False)  # noqa: SIM115 - the thread deletes it
    request.files["bill"].save(kept)
    kept.close()
    progress[job] = {"done": 0, "finished": False}
    threading.Thread(target=_read, args=(job, Path(kept.name))).start()
    return jsonify(job=job)


@app.get("/progress/<job>")
def show(job: str) -> Response:
    """Return how far a job is."""
    return jsonify(progress[job])


def _read(job: str, path: Path) -> None:
    texts = []
    for picture in _pages(path):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        answer = _client.document_text_detection(image=vision.Image(content=buffer.getvalue()))
        texts.append(answer.full_text_annotation.text)
        progress[job] = {"done": len(texts), "finished": False}
    path.unlink()
    progress[job] = {"done": len(texts), "finished": True}


def _pages(path: Path) -> Iterator[Image.Image]:
    if not one_by_one:
        yield from convert_from_path(path, dpi=DPI)
        return
    for page in range(1, pdfinfo_from_path(path)["Pages"] + 1):
        yield convert_from_path(path, dpi=DPI, first_page=page, last_page=page)[0]


class _Silent(WSGIRequestHandler):
    def log_request(self, *args: object) -> None:
        """Write no line for every look at the progress."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replaced.server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages", choices=("all", "one"), required=True)
    options = parser.parse_args()
    one_by_one = options.pages == "one"
    app.run("127.0.0.1", options.port, threaded=True, request_handler=_Silent)

"""Stand in for Cloud Vision: google.cloud.vision.v1.ImageAnnotator over gRPC, with real OCR behind it.

    python -m infra.local.vision --port 8085 --control-port 8086

BatchAnnotateImages answers DOCUMENT_TEXT_DETECTION to the official client over a channel without TLS, on the
loopback interface only. The text is read by RapidOCR from the pixels that
were sent: no answer is made up. What the service does is in `annotation` (the answer's shape),
`picture` (what it refuses) and here:

- at most 16 pictures a call, else the call fails with "Too many images per request"
  (https://docs.cloud.google.com/vision/quotas);
- one response per picture, in order; what is wrong with one picture stands in its response's `error`
  (https://docs.cloud.google.com/vision/docs/reference/rpc/google.cloud.vision.v1#annotateimageresponse).

What differs: other features and pictures given by URI are answered with code 12 (UNIMPLEMENTED); no quota is
enforced unless told; other methods do not exist.

The real service costs no local CPU and load tests send the same picture hundreds of times, so answers are
kept by the SHA-256 of the picture's bytes (the last `CACHED_ANSWERS`), the same picture in several calls at
once is read once, and at most `--ocr-workers` pictures are read at a time. What it can be told is in
`control`.

One event loop serves the calls: a call that waits holds no thread.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import grpc
from aiohttp import web
from google.cloud import vision_v1

from infra.local.vision.control import FAILURE_CODES, MODES, Control, ControlError, Stats, control_app
from infra.local.vision.picture import MAX_PICTURE_BYTES
from infra.local.vision.service import MAX_PICTURES_PER_CALL, ImageAnnotator

_HOST = "127.0.0.1"
_PORT_IN_USE = "Port {} cannot be opened, most likely something else uses it. Choose another."


def make_server(annotator: ImageAnnotator) -> grpc.aio.Server:
    """Make the gRPC server, not yet bound; call inside the event loop that will run it."""
    # Room for the largest allowed call; grpc's own limit is 4 MB.
    limit = MAX_PICTURES_PER_CALL * (MAX_PICTURE_BYTES + 1_000_000)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", limit), ("grpc.so_reuseport", 0)])
    method = grpc.unary_unary_rpc_method_handler(
        annotator.batch_annotate_images,
        request_deserializer=vision_v1.BatchAnnotateImagesRequest.pb().FromString,
        response_serializer=vision_v1.BatchAnnotateImagesResponse.pb().SerializeToString,
    )
    service = {"BatchAnnotateImages": method}
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.cloud.vision.v1.ImageAnnotator", service)]
    )
    return server


async def _open_control(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, _HOST, port).start()
    except OSError as exc:
        raise OSError(_PORT_IN_USE.format(port)) from exc


async def serve(control: Control, port: int, control_port: int | None, ocr_workers: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        control: the first settings.
        port: of the gRPC server on 127.0.0.1; 0 picks a free one, which the ready line names.
        control_port: of the HTTP endpoint of `control`; None for none.
        ocr_workers: how many pictures are read at once.

    Raises:
        OSError: a port is in use.
    """
    stats = Stats()
    server = make_server(ImageAnnotator(control, stats, ocr_workers))
    try:
        bound = server.add_insecure_port(f"{_HOST}:{port}")
    except RuntimeError as exc:
        raise OSError(_PORT_IN_USE.format(port)) from exc
    runner = web.AppRunner(control_app(control, stats), access_log=None)
    await runner.setup()
    if control_port is not None:
        await _open_control(runner, control_port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await server.start()
    print(f"vision: listening on {_HOST}:{bound}", flush=True)
    await stop.wait()
    await server.stop(grace=0.5)
    await runner.cleanup()


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.vision", description="Stand in for Cloud Vision.")
    parser.add_argument("--port", type=int, required=True, help="gRPC, on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--control-port", type=int, help="HTTP endpoint for settings and counters, on 127.0.0.1")
    parser.add_argument(
        "--ocr-workers", type=int, default=1, help="pictures read at once (default 1: it uses all cores)"
    )
    parser.add_argument("--delay-ms", type=int, default=0, help="wait this long with each picture")
    parser.add_argument("--recordings", metavar="DIR", help="folder of recorded answers")
    parser.add_argument(
        "--mode", choices=MODES, help="how recordings are used (default: record when --recordings is given)"
    )
    fail = parser.add_mutually_exclusive_group()
    fail.add_argument("--fail-every", type=int, metavar="N", help="fail every N-th call")
    fail.add_argument("--fail-rate", type=float, metavar="R", help="fail calls at random with this probability")
    parser.add_argument("--fail-seed", type=int, default=0, metavar="S", help="of the random sequence")
    parser.add_argument("--fail-code", choices=FAILURE_CODES, default=FAILURE_CODES[0], help="the gRPC status")
    parser.add_argument("--fail-per-image", action="store_true", help="fail single pictures instead of whole calls")
    return parser.parse_args(argv)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    failures = None
    if args.fail_every is not None or args.fail_rate is not None:
        how = {"every": args.fail_every, "rate": args.fail_rate, "seed": args.fail_seed}
        failures = how | {"code": args.fail_code, "per_image": args.fail_per_image}
    mode = args.mode or ("record" if args.recordings else "ocr")
    return {"delay_ms": args.delay_ms, "mode": mode, "recordings": args.recordings, "failures": failures}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process: 0 after a signal, 1 when a port is in use, 2 on bad usage."""
    args = _arguments(argv)
    try:
        control = Control(_settings(args))
        if args.ocr_workers < 1:
            raise ControlError("--ocr-workers must be at least 1.")
    except ControlError as exc:
        print(f"vision: {exc}", file=sys.stderr)
        sys.exit(2)
    try:
        asyncio.run(serve(control, args.port, args.control_port, args.ocr_workers))
    except OSError as exc:
        print(f"vision: {exc}", file=sys.stderr)
        sys.exit(1)
    # A model cannot be interrupted, and an ordinary exit would wait for the picture in its hands.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

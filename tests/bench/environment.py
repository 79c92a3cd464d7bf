"""What the benches run the functions in: the local stack with the OCR stub, and messages delivered as production would."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import PushConfig, SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.layout import PROJECT
from infra.local.stack import LocalStack, StackOptions
from tests.bench import ocr_stub
from tests.bench.report import ROOT
from tests.support.deliverer import FUNCTIONS, Deliverer
from tests.support.stacks import running
from tests.support.submitter import Submitter

NO_QUOTA = ("--reads-per-minute", "600000", "--writes-per-minute", "600000")


def deployed_python() -> Path:
    """Return the Python of an environment with the functions' own packages, made when it is not there as it should be.

    The tests' environment has more, which Google's clients import when they find it (aiohttp: 200 ms and 9 MB).
    """
    venv, requirements = ROOT / ".local" / "bench" / "deployed", ROOT / "requirements.txt"
    python, stamp = venv / "bin" / "python", venv / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-r", requirements], check=True)
        stamp.write_text(wanted, encoding="ascii")
    return python


@contextmanager
def bench_stack(ocr_s: float = 0.0, env: dict[str, str] | None = None, **options: Any) -> Iterator[Submitter]:
    """Run the local stack as deployed (packages, retries, intervals), its OCR replaced by the stub.

    Args:
        ocr_s: Seconds that the OCR takes.
        env: Environment of the functions on top of the stack's.
        **options: Further `StackOptions`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="greenwatt-bench-") as folder,
        ocr_stub.running(Path(folder, "stub.log"), ocr_s) as at,
    ):
        deployed = {"sweep_seconds": None, "sheets_args": NO_QUOTA, "python": str(deployed_python())}
        options = {**deployed, **options}
        own = {"VISION_EMULATOR_HOST": at, **(env or {})}
        with running(StackOptions(Path(folder, "stack"), 0, function_env=own, say=lambda _: None, **options)) as stack:
            stack.env["VISION_EMULATOR_HOST"] = at
            os.environ["VISION_EMULATOR_HOST"] = at
            yield Submitter(stack)


@contextmanager
def nothing_delivered(stack: LocalStack) -> Iterator[None]:
    """Keep every message in its subscription."""
    with grpc.insecure_channel(stack.env["PUBSUB_EMULATOR_HOST"]) as channel:
        client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        paths = [f"projects/{PROJECT}/subscriptions/{topic}" for topic in FUNCTIONS]
        pushes = [client.get_subscription(subscription=path).push_config for path in paths]
        for path in paths:
            client.modify_push_config(subscription=path, push_config=PushConfig())
        yield
        for path, push in zip(paths, pushes, strict=True):
            client.modify_push_config(subscription=path, push_config=push)


class EagerDeliverer(Deliverer):
    """Delivers each message the moment it is there, as many at once as there are instances.

    Google's emulator has at most two pushes in flight a subscription; production grows with its success.
    """

    def _pump(self, subscription: str, topic: str) -> None:
        with ThreadPoolExecutor(self._parallel) as pool:
            send = self._send(topic)
            while not self._stopping.is_set():
                try:
                    pulled = self._client.pull(subscription=subscription, max_messages=100, timeout=2)
                except DeadlineExceeded:
                    continue
                received = list(pulled.received_messages)
                if received:
                    ids = [message.ack_id for message in received]
                    self._client.acknowledge(subscription=subscription, ack_ids=ids)
                for message in received:
                    pool.submit(send, message)


def log_lines(stack: LocalStack, offsets: dict[str, int]) -> list[dict[str, Any]]:
    """Return the JSON lines that all functions wrote since the last call with the same offsets."""
    lines = []
    for name in stack.log_names():
        if not stack.is_function(name):
            continue
        with stack.logs(name).open("rb") as log:
            log.seek(offsets.get(name, 0))
            added = log.read()
        complete = added[: added.rfind(b"\n") + 1]
        offsets[name] = offsets.get(name, 0) + len(complete)
        lines += [json.loads(line) for line in complete.decode().splitlines() if line.startswith("{")]
    return lines

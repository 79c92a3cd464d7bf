"""Every assumption of `./deploy.sh check` holds where Google keeps to it, and is called WRONG where Google does not.

Google is pretended here: what stands behind the clients answers as it is told to, first honestly, then with one lie.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import requests
from google.cloud.vision_v1.types import BatchAnnotateImagesRequest, BatchAnnotateImagesResponse
from intake.cloud.sheets.client import Book

import infra.check.__main__  # noqa: F401 - first: the order of its imports is that of the list
from infra.check.assumptions import ASSUMPTIONS, OK, WRONG, step, table

from infra import spec  # isort: skip
from infra.check import platform_rules, site_rules  # isort: skip
from infra.check.assumptions import Assumption
from infra.check.target import Target
from infra.gcp.deployment import ROOT, TOPICS, Deployment, dead
from tests.support.office_sheet import SHEET_ID, OfficeSheet

FUNCTIONS = spec.read().functions
DELIVERY = spec.read().delivery
PAGE_HEADERS = json.loads((ROOT / "infra" / "firebase.json").read_text("utf-8"))["hosting"]["headers"]


Change = Callable[[Sequence[Any]], list[Any]]


class BentBook(Book):
    """The stand-in's Sheet, with what a lie makes of each batch of requests."""

    bend: Callable[[Sequence[Any], Change], list[Any]]

    def change(self, requests_: Sequence[Any]) -> list[Any]:
        """Carry out what the lie leaves."""
        return self.bend(requests_, super().change)


def honest(asked: Sequence[Any], change: Change) -> list[Any]:
    return change(asked)


@dataclass
class World:
    """What Google answers; a lie changes it."""

    sheet: OfficeSheet = field(default_factory=OfficeSheet)
    bend: Callable[[Sequence[Any], Change], list[Any]] = honest
    stranger_status: int = 403
    # Reason by the folder that something is put into; "" where it is taken.
    drive: dict[str, tuple[int, str]] = field(
        default_factory=lambda: {
            "unknown": (404, "notFound"),
            "office": (404, "notFound"),
            "own": (403, "insufficientFilePermissions"),
            "upload": (403, "storageQuotaExceeded"),
        }
    )
    statuses: dict[str, int] = field(
        default_factory=lambda: {"intake": 403, "list": 403, "progress": 404, "submit": 401}
    )
    second_upload: int = 412
    headers: list[str] = field(
        default_factory=lambda: [h["key"] for rule in PAGE_HEADERS if rule["source"] == "**" for h in rule["headers"]]
    )
    words: tuple[str, ...] = ("Account ", "N01", "-", "234", "-", "5678 ")
    confidence: float = 0.97
    deadline: int = DELIVERY.ack_deadline_s
    dead_letters: bool = True
    intake: dict[str, Any] = field(default_factory=lambda: {"client": "a" * 32, "peer": "b" * 32})
    sandbox: str = "nothing"
    hops: int = len(site_rules.FORGED) + 2
    generation: str = ""
    woken: list[dict[str, Any]] = field(default_factory=list)
    uploads: int = 0
    places: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, JSON and headers of an answer of Drive, Storage, Firestore or Hosting."""
        if path.startswith("/drive/v3/files") and method == "GET":
            return 200, {"files": []}, {}
        if "/permissions" in path:
            return 200, {}, {}
        if "drive/v3/files" in path and method == "POST":
            parent = json.loads(body)["parents"][0]
            if parent == "root" and not path.startswith("/upload"):
                return 200, {"id": "own", "webViewLink": ""}, {}
            status, reason = self.drive[
                "upload" if path.startswith("/upload") else parent if parent in self.drive else "unknown"
            ]
            return (
                status,
                {"id": "x", "webViewLink": "", "error": {"errors": [{"reason": reason}]}},
                {"Location": "/put"},
            )
        if "/storage/" in path or "/b/" in path:
            self.uploads += method == "POST"
            return (self.second_upload if method == "POST" and self.uploads == 2 else 200), {}, {}
        if "/documents/" in path:
            kind = "intake" if "/intakes/" in path else "progress" if "/progress/" in path else "list"
            return self.statuses[kind], {}, {}
        if path.startswith("/submit?wake"):
            self.woken.insert(0, {"hops": self.hops, "fastly": True})
            return 204, {}, {}
        return (self.statuses["submit"] if method == "POST" else 200), {}, dict.fromkeys(self.headers, "x")


@dataclass(frozen=True)
class Pretended(Target):
    """A deployment at Google as a World has it."""

    world: World = field(default_factory=World)

    @property
    def book(self) -> Book:
        """The stand-in's Sheet."""
        book = BentBook(self.world.sheet.book().client, SHEET_ID)
        book.bend = self.world.bend
        return book

    @property
    def strangers_book(self) -> Book:
        """A Sheet that refuses."""
        status = self.world.stranger_status

        def refuse(_method: str, _effect: object) -> requests.Response:
            answer = requests.Response()
            answer.status_code = status
            answer._content = json.dumps({"error": {"code": status, "message": "No", "status": "X"}}).encode()
            return answer

        self.world.sheet.wire.around = refuse
        return self.world.sheet.book()

    def pubsub(self) -> tuple[Any, Any]:
        """A publisher and a subscriber."""
        return FakePubSub(self.world), FakePubSub(self.world)

    def person(self, scope: str) -> Any:
        """Nobody asks who it is."""

    def stranger(self, scope: str) -> Any:
        """Nobody asks who it is."""

    def google(self, *command: str) -> str:
        """What gcloud prints."""
        name = command[2]
        if command[0] == "projects":
            return "123"
        if command[0] == "run":
            generation = self.world.generation or f"gen{FUNCTIONS[command[3]].generation}"
            annotations = {"run.googleapis.com/execution-environment": generation}
            return json.dumps({"spec": {"template": {"metadata": {"annotations": annotations}}}})
        wanted = FUNCTIONS[name]
        config = {"availableMemory": f"{wanted.memory_mb}Mi", "timeoutSeconds": wanted.timeout_s}
        return json.dumps({"serviceConfig": {**config, "environmentVariables": {"APP_CHECK_KEY": "x"}}})

    def lines(self, **wanted: str | bool) -> list[dict[str, Any]]:
        """What stands in the logs."""
        return [{"missing": self.world.sandbox}] if wanted["function"] == "ocr" else list(self.world.woken)


class FakePubSub:
    """Publisher and subscriber in one: subscriptions of a deployment, and a message that comes five times."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left = 5

    def list_topic_subscriptions(self, topic: str) -> list[str]:
        return [f"{topic.rpartition('/')[2]}-sub"]

    def get_subscription(self, subscription: str) -> Any:
        letters = dead(subscription.removesuffix("-sub"))
        policy = SimpleNamespace(dead_letter_topic=f"t/{letters}", max_delivery_attempts=DELIVERY.max_delivery_attempts)
        backoff = SimpleNamespace(
            minimum_backoff=SimpleNamespace(seconds=DELIVERY.retry_min_backoff_s),
            maximum_backoff=SimpleNamespace(seconds=DELIVERY.retry_max_backoff_s),
        )
        push = SimpleNamespace(push_endpoint="https://x")
        return SimpleNamespace(
            dead_letter_policy=policy, push_config=push, retry_policy=backoff, ack_deadline_seconds=self._world.deadline
        )

    def pull(self, subscription: str, **_: object) -> Any:
        message = SimpleNamespace(attributes={"CloudPubSubDeadLetterSourceDeliveryCount": "5"})
        if subscription.endswith("-dead"):
            there = self._left == 0 and self._world.dead_letters
        else:
            there = self._left > 0
            self._left -= there
        return SimpleNamespace(received_messages=[SimpleNamespace(ack_id="1", message=message)] if there else [])

    def __getattr__(self, name: str) -> Callable[..., None]:
        assert name.startswith(("create_", "delete_", "set_iam", "modify_ack", "publish")), name
        return lambda *_args, **_kwargs: None


def annotated(world: World, _request: object, _context: object) -> Any:
    """Return Vision's answer: words of which the last letter says whether a blank follows."""
    words = []
    for index, text in enumerate(world.words):
        symbols: list[dict[str, Any]] = [{"text": sign, "confidence": world.confidence} for sign in text.strip()]
        if text.endswith(" "):
            symbols[-1]["property"] = {"detected_break": {"type_": "SPACE"}}
        corners = [{"x": index * 10 + x, "y": y} for x, y in ((1, 1), (9, 1), (9, 9), (1, 9))]
        words.append({"symbols": symbols, "confidence": world.confidence, "bounding_box": {"vertices": corners}})
    page = {"width": 100, "height": 10, "blocks": [{"paragraphs": [{"words": words}]}]}
    return BatchAnnotateImagesResponse(responses=[{"full_text_annotation": {"pages": [page]}}])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A Google that keeps to everything, at the addresses that the environment names."""
    pretended = World()

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, found, headers = pretended.answer(self.command, self.path, body)
            content = b"" if status == 204 else json.dumps(found).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Length": str(len(content)),
                "Content-Type": "application/json",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    service = grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(
        lambda asked, context: annotated(pretended, asked, context),
        request_deserializer=BatchAnnotateImagesRequest.deserialize,
        response_serializer=BatchAnnotateImagesResponse.serialize,
    )
    name = "google.cloud.vision.v1.ImageAnnotator"
    service.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"BatchAnnotateImages": method}),))
    port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    places = {
        "GOOGLE_CLOUD_PROJECT": "my-project",
        "BILLS_BUCKET": "bills",
        **TOPICS,
        "SHEET_ID": SHEET_ID,
        "DRIVE_FOLDER": "office",
        "DRIVE_EMULATOR_HOST": f"http://{address}",
        "STORAGE_EMULATOR_HOST": f"http://{address}",
        "FIRESTORE_EMULATOR_HOST": address,
        "VISION_EMULATOR_HOST": f"127.0.0.1:{port}",
    }
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platform_rules, "DEAD_LETTER_S", 0.2)
    monkeypatch.setattr(site_rules, "LOGS_S", 0.2)
    pretended.places = places
    yield pretended
    server.shutdown()
    server.server_close()
    service.stop(None)


def outcome(assumption: Assumption, world: World) -> str:
    url = world.places["DRIVE_EMULATOR_HOST"]
    target = Pretended(url, world.places, Deployment("my-project"), intake=world.intake, world=world)
    return step(assumption.text, lambda: assumption.prove(target), assumption.limit_s)


@pytest.mark.parametrize("assumption", ASSUMPTIONS, ids=lambda each: each.name)
def test_what_google_keeps_to_is_ok(assumption: Assumption, world: World) -> None:
    assert outcome(assumption, world) == OK


def says(**changes: Any) -> Callable[[World], None]:
    """Return a lie: something of the World is otherwise."""

    def lie(world: World) -> None:
        for name, value in changes.items():
            held = getattr(world, name)
            setattr(world, name, {**held, **value} if isinstance(held, dict) else value)

    return lie


def refusals(status: int, error: dict[str, Any]) -> Callable[[World], None]:
    """Return a lie: where the Sheet refuses, this is answered."""

    def around(_method: str, effect: Callable[[], requests.Response]) -> requests.Response:
        answer = effect()
        if not answer.ok:
            answer.status_code = status
            answer._content = json.dumps(error).encode()
        return answer

    def lie(world: World) -> None:
        world.sheet.wire.around = around

    return lie


TAKEN = refusals(200, {"replies": []})
OTHER_WORDS = refusals(400, {"error": {"code": 400, "message": "Computer says no", "status": "INVALID_ARGUMENT"}})


def in_part(asked: Sequence[Any], change: Change) -> list[Any]:
    """Carry the rows of a batch out before the batch is refused."""
    rows = [
        each
        for each in asked
        if "appendCells" in each and any(w in json.dumps(each) for w in ("second", "third", "beside"))
    ]
    return (change(rows) if rows else []) and change(asked)


def as_formula(asked: Sequence[Any], change: Change) -> list[Any]:
    return change(json.loads(json.dumps(asked).replace("=1+1", "2")))


def cut(asked: Sequence[Any], change: Change) -> list[Any]:
    return change(json.loads(json.dumps(asked).replace("xx", "x")))


def on_top(asked: Sequence[Any], change: Change) -> list[Any]:
    """Put a row over the first one."""
    bent = []
    for each in asked:
        row = each.get("appendCells", {})
        if "hidden too" in json.dumps(row):
            start = {"sheetId": row.pop("sheetId"), "rowIndex": 0, "columnIndex": 0}
            each = {"updateCells": {**row, "start": start}}
        bent.append(each)
    return change(bent)


LIES: list[tuple[str, Callable[[World], None]]] = [
    ("swapped_once", TAKEN),
    ("swapped_once", OTHER_WORDS),
    ("swapped_once", says(bend=in_part)),
    ("named_once", TAKEN),
    ("named_once", OTHER_WORDS),
    ("named_once", says(bend=in_part)),
    ("long_cell", TAKEN),
    ("long_cell", says(bend=in_part)),
    ("long_cell", says(bend=cut)),
    ("plain_text", says(bend=as_formula)),
    ("under_a_filter", says(bend=on_top)),
    ("sheet_missing", TAKEN),
    ("sheet_missing", refusals(404, {"error": {"code": 404, "message": "Not found"}})),
    ("sheet_not_shared", says(stranger_status=404)),
    ("drive_missing", says(drive={"unknown": (403, "cannotAddParent")})),
    ("drive_missing", says(drive={"unknown": (200, "")})),
    ("drive_not_shared", says(drive={"office": (403, "insufficientFilePermissions")})),
    ("drive_read_only", says(drive={"own": (403, "cannotAddParent")})),
    ("drive_storage", says(drive={"upload": (403, "quotaExceeded")})),
    ("vision", says(words=("Account ", "N01-234-5678 "))),
    ("vision", says(words=("Account ", "N01 ", "- ", "234 ", "- ", "5678 "))),
    ("vision", says(confidence=0.0)),
    ("created_once", says(second_upload=200)),
    ("subscriptions", says(deadline=10)),
    ("dead_letters", says(dead_letters=False)),
    ("rules", says(statuses={"intake": 200})),
    ("rules", says(statuses={"list": 200})),
    ("headers", says(headers=["X-Content-Type-Options"])),
    ("client_address", says(intake={"peer": "a" * 32})),
    ("app_check", says(statuses={"submit": 202})),
    ("machines", says(generation="gen1")),
    ("sandbox", says(sandbox="landlock: ENOSYS")),
    ("headers_at_submit", says(hops=1)),
    ("headers_at_submit", says(hops=len(site_rules.FORGED) + 5)),
]


@pytest.mark.parametrize(("name", "lie"), LIES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(LIES)])
def test_a_lie_is_called_wrong(name: str, lie: Callable[[World], None], world: World) -> None:
    lie(world)
    assert outcome(next(each for each in ASSUMPTIONS if each.name == name), world) == WRONG


def test_every_assumption_can_fail() -> None:
    """There is a lie for each of them."""
    assert {name for name, _ in LIES} == {each.name for each in ASSUMPTIONS}


def test_table_in_the_documentation_is_the_list() -> None:
    assert "\n".join(["", "", *table(), "", ""]) in (ROOT / "docs" / "deploy.md").read_text("utf-8")


def test_step_has_a_time_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """What never ends is WRONG, and the line has the time."""
    assert step("it", lambda: str(threading.Event().wait()), 0.2) == WRONG
    assert capsys.readouterr().out == "     0.2 s  WRONG     it: it did not finish within 0 s\n"

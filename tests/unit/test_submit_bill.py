"""`./deploy.sh submit`: one bill from its files, tried again without doubling, followed to its end."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.formparser import parse_form_data
from werkzeug.test import EnvironBuilder

from infra import submit_bill
from infra.intake_client import Accepted, IntakeClient, SubmitError
from infra.local import state
from infra.local.ports import free_ports
from infra.submit_bill import SPECIMEN_FIELDS, Outcome, environment_for, read_row, submit

INTAKE_ID = "0123456789abcdef0123456789abcdef"
ACCEPTED = (202, {"intake_id": INTAKE_ID, "progress_url": f"/progress/{INTAKE_ID}"})
LOST = None  # the connection breaks instead of an answer


def progress(stage: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    document = {"intake_id": INTAKE_ID, "stage": stage, "pages_done": 0, "pages_total": 2, "percent": 5}
    return 200, {**document, "error": None, "fields": {}, "attention": [], **changes}


@dataclass
class Deployment:
    """A deployment that answers as it is told, one answer after the other, the last one for ever.

    Attributes:
        posts: Answers to POST /submit: status and JSON (or text), or LOST.
        gets: Answers to GET /progress.
        received: Headers and body of every POST.
    """

    posts: list[tuple[int, Any] | None] = field(default_factory=lambda: [ACCEPTED])
    gets: list[tuple[int, Any] | None] = field(default_factory=lambda: [progress("done")])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def next(self, answers: list[tuple[int, Any] | None]) -> tuple[int, Any] | None:
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """A deployment behind a real HTTP server."""
    told = Deployment()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append((dict(self.headers), body))
            self._answer(told.next(told.posts))

        def do_GET(self) -> None:
            told.asked.append(self.path)
            self._answer(told.next(told.gets))

        def _answer(self, answer: tuple[int, Any] | None) -> None:
            self.close_connection = True
            if answer is None:
                return
            status, document = answer
            text = document if isinstance(document, str) else json.dumps(document)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def client(deployment: Deployment) -> Iterator[IntakeClient]:
    """A client that does not wait between attempts."""
    with IntakeClient(deployment.url, sleep=lambda _seconds: None) as quick:
        yield quick


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    path = tmp_path / "bill.pdf"
    path.write_bytes(b"%PDF-1.7 not much of a bill")
    return path


def parsed(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], list[tuple[str, str, bytes]]]:
    """Return the form and the files of a multipart body as werkzeug understands them."""
    environ = EnvironBuilder(
        method="POST", input_stream=io.BytesIO(body), content_type=headers["Content-Type"], content_length=len(body)
    ).get_environ()
    _, form, files = parse_form_data(environ)
    listed = [(str(file.filename), str(file.mimetype), file.read()) for file in files.getlist("bill")]
    for file in files.getlist("bill"):
        file.close()
    return dict(form), listed


# --- the request ----------------------------------------------------------------------------------


def test_all_files_are_one_bill(deployment: Deployment, client: IntakeClient, tmp_path: Path) -> None:
    """One request with every field and every file, in the order given, whatever their names."""
    names = ["page 1.jpg", 'the "second" one.PNG', "Rechnung für Zoë.pdf", "scan"]
    files = [tmp_path / name for name in names]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * (70_000 * number))
    fields = {**SPECIMEN_FIELDS, "account_name": "Zoë & Söhne"}
    assert client.submit(fields, files) == Accepted(INTAKE_ID, f"/progress/{INTAKE_ID}")
    ((headers, body),) = deployment.received
    form, sent = parsed(headers, body)
    assert form == fields
    assert [(name.replace("%22", '"'), kind) for name, kind, _ in sent] == list(
        zip(names, ["image/jpeg", "image/png", "application/pdf", "application/octet-stream"], strict=True)
    )
    assert [content for _, _, content in sent] == [file.read_bytes() for file in files]


@pytest.mark.parametrize("trouble", [LOST, (500, {"code": "internal", "message": "m", "errors": []}), (503, "busy")])
def test_a_lost_reply_is_tried_again_as_the_same_submission(
    deployment: Deployment, client: IntakeClient, bill: Path, trouble: tuple[int, Any] | None
) -> None:
    """Every attempt carries the whole bill and the same idempotency key."""
    deployment.posts = [trouble, trouble, ACCEPTED]
    assert client.submit(SPECIMEN_FIELDS, [bill]).intake_id == INTAKE_ID
    assert len(deployment.received) == 3
    assert len({headers["Idempotency-Key"] for headers, _ in deployment.received}) == 1
    assert all(parsed(headers, body)[1][0][2] == bill.read_bytes() for headers, body in deployment.received)


def test_tries_are_few(deployment: Deployment, client: IntakeClient, bill: Path) -> None:
    """A server that stays broken is given up after four attempts, with what it said last."""
    deployment.posts = [(500, {"code": "internal", "message": "Something went wrong on our side.", "errors": []})]
    with pytest.raises(SubmitError, match="Something went wrong on our side") as failure:
        client.submit(SPECIMEN_FIELDS, [bill])
    assert failure.value.code == "internal"
    assert len(deployment.received) == 4


def test_a_refusal_is_final_and_says_everything(deployment: Deployment, client: IntakeClient, bill: Path) -> None:
    """A 4xx is not tried again; each field's problem has its line."""
    problems = [
        {"code": "missing_field", "field": "title", "message": "Enter the title."},
        {"code": "empty_file", "field": "bill", "message": "File 1 is empty."},
    ]
    deployment.posts = [(400, {"code": "invalid", "message": "Two things are wrong.", "errors": problems})]
    with pytest.raises(SubmitError) as failure:
        client.submit(SPECIMEN_FIELDS, [bill])
    assert failure.value.message == "Two things are wrong.\ntitle: Enter the title.\nbill: File 1 is empty."
    assert len(deployment.received) == 1


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        ((413, "413 Request Entity Too Large"), "too_large", "32 MiB"),
        ((404, "<html>nothing here</html>"), "http_error", "The server answered 404 Not Found."),
        ((400, "[]"), "http_error", "The server answered 400 Bad Request."),
    ],
)
def test_answers_that_are_not_ours(
    deployment: Deployment, client: IntakeClient, bill: Path, answer: tuple[int, str], code: str, sentence: str
) -> None:
    """The platform answers without JSON; that is a plain sentence as well."""
    deployment.posts = [answer]
    with pytest.raises(SubmitError, match=sentence) as failure:
        client.submit(SPECIMEN_FIELDS, [bill])
    assert failure.value.code == code


def test_an_address_where_nothing_runs(bill: Path) -> None:
    """That is said at once, with what to do."""
    (port,) = free_ports(1)
    waits: list[float] = []
    with (
        IntakeClient(f"http://127.0.0.1:{port}", waits.append) as lonely,
        pytest.raises(SubmitError, match=r"Start it with \./deploy\.sh local") as failure,
    ):
        lonely.submit(SPECIMEN_FIELDS, [bill])
    assert (failure.value.code, waits) == ("nothing_there", [])


# --- the progress ---------------------------------------------------------------------------------


def test_following_shows_changes_and_ends(deployment: Deployment, client: IntakeClient) -> None:
    """Equal documents are yielded once; a broken connection and a 503 in between are borne."""
    reading = progress("reading")
    deployment.gets = [progress("waiting"), LOST, reading, (503, "busy"), reading, progress("done")]
    stages = [document["stage"] for document in client.follow(Accepted(INTAKE_ID, f"/progress/{INTAKE_ID}"))]
    assert stages == ["waiting", "reading", "done"]
    assert set(deployment.asked) == {f"/progress/{INTAKE_ID}"}


def test_an_unknown_intake_ends_the_following(deployment: Deployment, client: IntakeClient) -> None:
    """A 404 is never polled again."""
    deployment.gets = [(404, {"code": "unknown_intake", "message": "There is no intake with this id."})]
    with pytest.raises(SubmitError, match="There is no intake with this id") as failure:
        list(client.follow(Accepted(INTAKE_ID, "/progress/x")))
    assert failure.value.code == "unknown_intake"
    assert len(deployment.asked) == 1


def test_patience_ends(deployment: Deployment, client: IntakeClient) -> None:
    """Whoever asked for it is told when nothing happens any more."""
    deployment.gets = [progress("reading")]
    with pytest.raises(SubmitError, match="Nothing has happened"):
        list(client.follow(Accepted(INTAKE_ID, "/progress/x"), stall_timeout_s=0.0))


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (progress("reading"), "  5%  reading page 1 of 2"),
        (progress("reading", pages_done=2, percent=90), " 90%  reading page 2 of 2"),
        (progress("reading", pages_total=None), "  5%  reading"),
        (progress("done", percent=100), "100%  recorded"),
        (progress("a stage of tomorrow"), "  5%  a stage of tomorrow"),
    ],
)
def test_progress_is_a_line(
    document: tuple[int, dict[str, Any]], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stage in words; an unknown one is shown as it is."""
    submit_bill.show(document[1])
    assert capsys.readouterr().err == f"{line}\n"


# --- the outcome ----------------------------------------------------------------------------------


def test_a_recorded_bill(deployment: Deployment, client: IntakeClient, bill: Path) -> None:
    """The outcome has what the last progress document had."""
    fields, attention = {"kwh": {"value": 812}}, ["Look at the address."]
    done = progress("done", pages_total=3, fields=fields, attention=attention)
    deployment.gets = [progress("waiting", pages_total=None), done]
    outcome = submit(client, SPECIMEN_FIELDS, [bill])
    assert outcome == Outcome(INTAKE_ID, "recorded", 3, fields, attention)
    assert list(json.loads(outcome.to_json())) == ["intake_id", "status", "pages", "fields", "attention", "row"]


def test_losing_contact_is_a_failure_with_a_reason(deployment: Deployment, client: IntakeClient, bill: Path) -> None:
    """An intake whose progress is refused is reported with its id, so that it can be looked for."""
    deployment.gets = [(404, {"code": "unknown_intake", "message": "There is no intake with this id."})]
    outcome = submit(client, SPECIMEN_FIELDS, [bill])
    assert (outcome.intake_id, outcome.status) == (INTAKE_ID, "failed")
    assert outcome.error == {"code": "unknown_intake", "message": "There is no intake with this id."}


# --- the row --------------------------------------------------------------------------------------


def test_without_a_sheet_id_the_row_is_not_shown() -> None:
    """The sentence says what to set."""
    with pytest.raises(LookupError, match="SHEET_ID"):
        read_row(INTAKE_ID, {})


def test_a_sheet_that_does_not_answer_is_a_sentence() -> None:
    """Not a traceback: the bill is recorded all the same."""
    (port,) = free_ports(1)
    with pytest.raises(LookupError, match="The row is not shown"):
        read_row(INTAKE_ID, {"SHEET_ID": "s", "SHEETS_EMULATOR_HOST": f"http://127.0.0.1:{port}"})


@pytest.mark.parametrize(
    ("url", "leads_there"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080/", True),
        ("http://localhost:8081", False),
        ("https://intake.example.com", False),
    ],
)
def test_the_state_file_leads_to_the_sheet_of_its_own_stack(tmp_path: Path, url: str, leads_there: bool) -> None:
    """Only for the address that it serves; any other deployment's Sheet comes from the environment."""
    folder = state.StateDir(tmp_path)
    folder.acquire()
    folder.write("http://localhost:8080", {"SHEET_ID": "local"}, [])
    environ = {"GREENWATT_STACK_FILE": str(tmp_path / state.STATE_FILE), "SHEET_ID": "office"}
    assert environment_for(url, environ)["SHEET_ID"] == ("local" if leads_there else "office")
    folder.release()


def test_a_stack_that_is_gone_leads_nowhere(tmp_path: Path) -> None:
    """A state file whose process ended is not followed."""
    path = tmp_path / state.STATE_FILE
    document = {"pid": 1, "started": 1.0, "url": "http://localhost:8080", "env": {"SHEET_ID": "x"}, "children": []}
    path.write_text(json.dumps(document), "utf-8")
    assert "SHEET_ID" not in environment_for("http://localhost:8080", {"GREENWATT_STACK_FILE": str(path)})


# --- the command ----------------------------------------------------------------------------------


def test_the_command_prints_one_object(
    deployment: Deployment, bill: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output is the object alone; the way there and what is missing go to standard error."""
    monkeypatch.delenv("SHEET_ID", raising=False)
    monkeypatch.setenv("GREENWATT_STACK_FILE", str(bill.with_name("none.json")))
    assert submit_bill.main(["--url", deployment.url, "--json", "--field", "title=Chair", str(bill)]) == 0
    shown = capsys.readouterr()
    expected = {"intake_id": INTAKE_ID, "status": "recorded", "pages": 2, "fields": {}, "attention": [], "row": None}
    assert json.loads(shown.out) == expected
    assert "set SHEET_ID" in shown.err
    assert "recorded" in shown.err
    assert parsed(*deployment.received[0])[0] == {**SPECIMEN_FIELDS, "title": "Chair"}


def test_the_command_says_why_it_failed(deployment: Deployment, bill: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 and the reason, also in the object."""
    refusal = {"code": "encrypted_pdf", "message": "File 1 is a PDF that needs a password.", "errors": []}
    deployment.posts = [(400, refusal)]
    assert submit_bill.main(["--url", deployment.url, "--json", str(bill)]) == 1
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert (answer["intake_id"], answer["status"], answer["error"]["code"]) == (None, "failed", "encrypted_pdf")
    assert "needs a password" in shown.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "FILE"),
        (["none.jpg"], "there is no file 'none.jpg'"),
        (["."], "there is no file '.'"),
        (["--field", "title", "BILL"], "'title' is not NAME=VALUE"),
        (["--field", "shoe_size=9", "BILL"], "there is no field 'shoe_size'; the fields are agent_id,"),
        (["--url", "intake.example.com", "BILL"], "is not an address"),
    ],
)
def test_bad_usage(arguments: list[str], sentence: str, bill: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 before anything is sent."""
    with pytest.raises(SystemExit) as end:
        submit_bill.main([str(bill) if argument == "BILL" else argument for argument in arguments])
    assert end.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())

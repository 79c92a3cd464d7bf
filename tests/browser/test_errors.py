"""What is wrong is told on top and at its field, in the server's words, whoever found it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from intake import filetypes, form
from playwright.sync_api import FilePayload, Route, expect

from infra.site import FRONTEND
from tests.browser.agent import PHOTO, Agent, pdf
from tests.support import documents
from tests.support.foreign_files import FOREIGN_FILES
from tests.support.submitter import ANSWERS, Submitter, wait_for

TEXT: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no bill at all"}
EMPTY: FilePayload = {"name": "empty.pdf", "mimeType": "application/pdf", "buffer": b""}


def in_node(script: str, value: Any) -> Any:
    """Run a script that sees the form's rules as `rules` and a value as `given`; return what it makes of it."""
    source = (
        f"import * as rules from {json.dumps((FRONTEND / 'site' / 'fields.js').as_uri())};\n"
        f"import * as kinds from {json.dumps((FRONTEND / 'site' / 'kinds.js').as_uri())};\n"
        f"const given = JSON.parse(await new Response(process.stdin).text());\n"
        f"console.log(JSON.stringify({script}));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", source],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


PLAIN = ["", " ", "x", "yes", "no", "a" * 200, "a" * 201, "🙂" * 200, "\u00a0", "<script>alert(1)</script>"]
CONTROLS = ["two\nlines", "tab\there", "\x7f", "line\u2028separator", "\ue000", "a\x85b"]
PHONES = [
    "607-555-0123",
    "(607) 555 0123",
    "+1 607 555 0123",
    "107-555-0123",
    "607-155-0123",
    "60755501234",
    "607555012³",
]
PASTED = ["\u202a(607)\u00a0555\u20110123\u202c", "٦٠٧-٥٥٥-٠١٢٣", "６０７−５５５−０１２３", "607.555.0123 x5"]
EMAILS = ["pat@example.com", "pat@example", "pat example@example.com", "@example.com", "a@b.c,d@e.f", "a@-.b"]
ODD = [*PLAIN, *CONTROLS, *PHONES, *PASTED, *EMAILS, "o'neil@example.com", "pat@exa_mple.com", "Pat <pat@example.com>"]


@pytest.mark.parametrize("field", [field.name for field in form.FIELDS])
def test_every_rule_is_the_servers(field: str) -> None:
    """Any answer has the same problems, in the same words, on both sides."""
    choices = ("utility", "account_type", "consent", "sms_consent")
    odd = ["", " "] if field in choices else ODD  # the page offers only what is allowed
    cases = [{**ANSWERS, field: value} for value in odd]
    here = [[problem.to_dict() for problem in form.check(case)[1]] for case in cases]
    assert in_node("given.map(rules.checkAnswers)", cases) == here


def test_files_are_told_apart_as_the_server_does() -> None:
    """The first bytes decide on both sides, and in the same way."""
    picture = documents.page_picture(1)
    heads = [documents.jpeg(picture), documents.text_pdf(1), documents.heic(picture)]
    heads += [documents.encoded(picture, kind) for kind in ("PNG", "TIFF", "WEBP")]
    heads += [
        b"",
        b"GIF89a",
        b"junk before %PDF-1.4",
        b"\0\0\0\x18ftypisom" + bytes(8),
        b"RIFF1234WAVE",
        b"MM\0*" + bytes(9),
    ]
    heads += [head for head, _ in FOREIGN_FILES.values()]
    heads = [head[: filetypes.SNIFF_BYTES] for head in heads]
    here = [filetypes.sniff(head) for head in heads]
    given = [list(head) for head in heads]
    assert in_node("given.map((head) => rules.sniff(Uint8Array.from(head)))", given) == here
    named = [filetypes.foreign(head) for head in heads]
    script = "given.map((head) => kinds.foreignName(Uint8Array.from(head)))"
    assert [name for name, kind in zip(in_node(script, given), here, strict=True) if kind is None] == [
        f"{known.name}, which is not supported. {known.advice}" if known else None
        for known, kind in zip(named, here, strict=True)
        if kind is None
    ]


def test_an_empty_form_lists_everything_at_once(agent: Agent) -> None:
    """The summary has the focus and every sentence of the server; each entry leads to its field."""
    agent.open()
    agent.send()
    answer = Submitter(agent.stack).post([("", b"")], {})  # what a form without a file sends
    assert sorted(agent.errors()) == sorted(problem["message"] for problem in answer.json()["errors"])
    expect(agent.page.locator("#error-summary")).to_be_focused()
    expect(agent.page).to_have_title("Error: Submit a utility bill – GreenWatt")
    for entry in agent.page.locator("#error-list a").all():
        target = str(entry.get_attribute("href"))
        entry.click()
        expect(agent.page.locator(target)).to_be_focused()
        described = agent.page.locator(target).get_attribute("aria-describedby") or agent.page.locator(
            "#account_type"
        ).get_attribute("aria-describedby")
        error = agent.page.locator(f"#{str(described).split()[-1]}")
        assert error.text_content() == f"Error: {entry.inner_text()}"


def test_a_mended_field_loses_its_error(agent: Agent) -> None:
    """Once an answer is right its sentence goes, in both places, and with the last one the summary."""
    agent.open()
    answers = agent.fill(phone="12")
    agent.send()
    assert (
        agent.errors()
        == [
            "Add the utility bill: at least one photo or PDF.",
            "Enter a US phone number with area code, like 607-555-0123.",
        ][::-1]
    )
    agent.attach(pdf())
    agent.page.fill("#phone", answers["phone"])
    agent.page.fill("#phone", "607-555-0123")
    agent.page.locator("#email").focus()
    expect(agent.page.locator("#error-summary")).to_be_hidden()
    expect(agent.page.locator(".error")).to_have_count(0)
    expect(agent.page).to_have_title("Submit a utility bill – GreenWatt")


@pytest.mark.parametrize(
    ("files", "code"),
    [([TEXT], "unsupported_file_type"), ([EMPTY], "empty_file"), ([pdf()] * 11, "too_many_files")],
    ids=["text", "empty", "eleven"],
)
def test_a_file_that_cannot_be_sent(agent: Agent, files: list[FilePayload], code: str) -> None:
    """The page says so before anything is sent, in the server's words."""
    agent.open()
    agent.fill()
    agent.attach(*files)
    expect(agent.page.locator(".page-hint")).to_have_count(0 if code == "too_many_files" else 1)
    agent.send()
    problems = Submitter(agent.stack).post([file["buffer"] for file in files]).json()["errors"]
    assert [problem["code"] for problem in problems] == [code]
    assert agent.errors() == [problem["message"] for problem in problems]


def test_too_many_bytes(agent: Agent, tmp_path: Path) -> None:
    """More than the server takes is not even begun to be sent."""
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(pdf(padding=4 * 1024 * 1024)["buffer"])
    agent.open()
    agent.fill()
    agent.attach(*[bill] * 8)
    agent.send()
    assert agent.errors() == [
        "The files are 32.1 MB together; the limit is 30 MB. Remove some, or take the photos at a smaller size."
    ]


def test_what_only_the_server_finds_is_shown_the_same_way(agent: Agent) -> None:
    """A refusal by field brings the form back as it was, with the server's sentences in both places."""
    message = "Choose the developer from the list."
    body = {
        "code": "malformed_field",
        "message": message,
        "errors": [{"code": "x", "field": "developer", "message": message}],
    }
    agent.page.route("**/submit", lambda route: route.fulfill(status=422, json=body))
    agent.open()
    agent.fill()
    agent.attach(PHOTO)
    agent.send()
    assert agent.errors() == [message]
    expect(agent.page.locator("#developer-error")).to_contain_text(message)
    expect(agent.page.locator("#developer")).to_have_value(ANSWERS["developer"])
    expect(agent.page.locator("#pages > li")).to_have_count(1)
    assert agent.violations() == []


@pytest.mark.parametrize(
    ("status", "attempts", "sentence"),
    [
        # Firebase Hosting answers 504 after 60 s.
        (504, 3, "The upload took longer than the limit of 60 seconds. Send fewer or smaller files, or use Wi-Fi."),
        (403, 8, "The service is busy or partly down. Please try again in a minute."),
    ],
    ids=["longer than Hosting waits", "a stranger in between"],
)
def test_what_does_not_pass_is_not_asked_for_ever(agent: Agent, status: int, attempts: int, sentence: str) -> None:
    """An answer that is not the service's own may pass; when it does not, the form stops asking and says what helps."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.headers["idempotency-key"])
        route.fulfill(status=status, content_type="text/html", body="<h1>No</h1>")

    agent.page.route("**/submit", refuse)
    agent.page.clock.install()
    agent.open()
    agent.fill()
    agent.attach(pdf())
    agent.send()

    def given_up() -> bool:
        agent.page.clock.fast_forward(31_000)  # the longest pause between two attempts
        return agent.page.locator("#error-summary").is_visible()

    wait_for("the end of the attempts", given_up)
    assert agent.errors() == [sentence]
    # At least, as a request that is under way when the clock jumps counts as lost and not as refused.
    assert len(asked) >= attempts
    assert len(set(asked)) == 1
    done = len(asked)
    agent.page.clock.fast_forward("10:00")
    expect(agent.page.locator("#form-view")).to_be_visible()
    assert len(asked) == done
    expect(agent.page.locator("#pages > li")).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (
            413,
            "413 Request Entity Too Large",
            "The upload is larger than the limit of 32 MB. Remove some files.",
        ),
        (
            405,
            '{"code":"wrong_method","message":"Send the request with POST.","errors":[]}',
            "Send the request with POST.",
        ),
    ],
)
def test_refusals_that_belong_to_no_answer(agent: Agent, status: int, body: str, sentence: str) -> None:
    """The platform's own refusals and general ones are shown as a sentence, never as a code."""
    agent.page.route("**/submit", lambda route: route.fulfill(status=status, body=body))
    agent.open()
    agent.fill()
    agent.attach(PHOTO)
    agent.send()
    assert agent.errors() == [sentence]


def test_a_bill_that_cannot_be_opened_fails_with_its_reason(agent: Agent) -> None:
    """An encrypted PDF is found out only later: the page says why, and leads back to the same answers."""
    agent.open()
    answers = agent.fill()
    agent.attach({"name": "bill.pdf", "mimeType": "application/pdf", "buffer": documents.encrypted_pdf()})
    agent.send()
    agent.wait_stage("failed")
    expect(agent.page.locator("#result")).to_contain_text("needs a password")
    expect(agent.page.locator("#stage")).to_be_focused()
    agent.page.get_by_role("button", name="Fix and resend").click()
    expect(agent.page.locator("#account_name")).to_have_value(answers["account_name"])
    agent.page.get_by_role("button", name="Remove page 1").click()
    agent.attach(pdf())
    agent.send()
    agent.wait_stage("done")

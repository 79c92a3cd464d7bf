"""Nobody's text becomes code, and the headers of infra/firebase.json are on every answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import expect

from infra.local.stack import LocalStack
from tests.browser.agent import ACCEPTED, PHOTO, Agent, pdf, put_progress
from tests.browser.line import Line

XSS = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\'"`${1}'


def test_markup_in_every_field_and_file_name_stays_text(agent: Agent) -> None:
    """Whatever is typed is shown as typed, in the form, after a reload, in the list of bills, and never runs."""
    agent.open()
    agent.fill(
        **dict.fromkeys(("agent_id", "business_entity", "account_name", "contact_name", "title", "developer"), XSS)
    )
    agent.attach({**PHOTO, "name": f"{XSS}.jpg"}, pdf("><svg onload=window.hacked=1>.pdf"))
    expect(agent.page.locator(".page-name").first).to_contain_text(XSS)
    agent.wait_kept("draft.answers.consent && draft.pages[1]?.kind")
    agent.reload()
    expect(agent.page.locator("#account_name")).to_have_value(XSS)
    agent.send()
    agent.wait_stage(*ACCEPTED)
    expect(agent.page.locator("#who")).to_have_text(XSS)
    expect(agent.page.locator("#recent-list a")).to_have_text(XSS)
    assert agent.page.evaluate("window.hacked") is None


def test_markup_in_the_progress_stays_text(agent: Agent) -> None:
    """Text of a bill, an attention or an error comes from paper that anybody may print."""
    fields = {
        XSS: {"value": XSS, "confidence": 0.1, "page": 1},
        "kwh": {"value": [XSS, {"a": XSS}], "confidence": 1, "page": 1},
    }
    attention = [{"code": XSS, "field": XSS, "message": XSS}]
    agent.open(f"#{put_progress('done', fields=fields, attention=attention)}")
    agent.wait_stage("done")
    expect(agent.page.locator(".attention")).to_have_text(XSS)
    agent.open(f"#{put_progress('failed', error={'code': XSS, 'message': XSS})}")
    agent.reload()
    agent.wait_stage("failed")
    expect(agent.page.locator("#result")).to_contain_text(XSS)
    assert agent.page.evaluate("window.hacked") is None


def test_markup_in_a_servers_sentence_stays_text(agent: Agent) -> None:
    """Also a server's answer is only text."""
    body = {"code": XSS, "message": XSS, "errors": [{"code": XSS, "field": XSS, "message": XSS}]}
    agent.page.route("**/submit", lambda route: route.fulfill(status=422, json=body))
    agent.open()
    agent.fill()
    agent.attach(PHOTO)
    agent.send()
    assert agent.errors() == [XSS]
    assert agent.page.evaluate("window.hacked") is None


def test_names_of_files_do_not_leave_the_device(new_agent: Callable[..., Agent], line: Line) -> None:
    """A file may be called like a customer; what is sent has neutral names."""
    agent = new_agent(url=line.url).open()
    agent.fill()
    agent.attach({**PHOTO, "name": "Robin Q Secret.jpg"})
    agent.send()
    agent.wait_stage(*ACCEPTED)
    assert b'filename="bill-1.jpg"' in line.heard
    assert b"Secret" not in line.heard


@pytest.mark.parametrize(
    "path", ["/", "/icon.svg", "/nothing-here", "/submit", f"/progress/{uuid.uuid4().hex}", "/firebase-config.json"]
)
def test_every_answer_has_the_security_headers(stack: LocalStack, path: str) -> None:
    """No answer may be sniffed, framed, or run anything that is not the site's own."""
    headers = requests.get(f"{stack.url}{path}", timeout=60).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert int(re.search(r"max-age=(\d+)", headers["Strict-Transport-Security"])[1]) >= 31_536_000  # type: ignore[index]


def test_hashed_files_are_cached_for_ever_and_the_page_never(stack: LocalStack) -> None:
    """A deployment is seen at once, and nothing is loaded twice."""
    page = requests.get(f"{stack.url}/", timeout=60)
    assert page.headers["Cache-Control"] == "no-cache"
    assert requests.get(f"{stack.url}/sw.js", timeout=60).headers["Cache-Control"] == "no-cache"
    assets = re.findall(r'"(/assets/[^"]+)"', page.text)
    assert len(assets) == 2
    for asset in assets:
        assert "immutable" in requests.get(f"{stack.url}{asset}", timeout=60).headers["Cache-Control"]

"""Nobody's text becomes code, and the headers of infra/firebase.json are on every answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Route, expect

from infra.gcp.staging import APP_CHECK_SOURCES
from infra.local.stack import LocalStack
from tests.browser.agent import ACCEPTED, PHOTO, Agent, pdf, put_progress
from tests.browser.line import Line
from tests.support.submitter import wait_for

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


# Stands for reCAPTCHA Enterprise (https://docs.cloud.google.com/recaptcha/docs/instrument-web-pages): a global that takes a
# widget, and gives a token, to the widget's callback as well, for each action.
RECAPTCHA = """let tell;
window.grecaptcha = {enterprise: {
  ready: (run) => run(),
  render: (place, {callback}) => { tell = callback; return 0; },
  execute: async () => { tell("from recaptcha"); return "from recaptcha"; },
}};"""


def test_the_page_shows_its_attestation_where_the_deployment_asks(agent: Agent) -> None:
    """With a key for App Check in the config the submission carries Google's token; without one it asks nobody."""
    asked: list[dict[str, str]] = []

    def widened(route: Route) -> None:
        answer = route.fetch()
        headers = answer.headers
        for narrow, wide in APP_CHECK_SOURCES.items():
            headers["content-security-policy"] = headers["content-security-policy"].replace(narrow, wide)
        route.fulfill(response=answer, headers=headers)

    def exchange(route: Route) -> None:
        # https://firebase.google.com/docs/reference/appcheck/rest/v1/projects.apps/exchangeRecaptchaEnterpriseToken
        allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
        if route.request.method == "POST":
            asked.append(route.request.post_data_json or {})
        route.fulfill(json={"token": "attested", "ttl": "3600s"}, headers=allowed)

    page = agent.page
    config = requests.get(f"{agent.stack.url}/firebase-config.json", timeout=60).json()
    page.route(f"{agent.url}/", widened)
    page.route(
        "**/recaptcha/enterprise.js*", lambda route: route.fulfill(body=RECAPTCHA, content_type="text/javascript")
    )
    page.route("https://content-firebaseappcheck.googleapis.com/**", exchange)
    page.route(
        "**/firebase-config.json",
        lambda route: route.fulfill(json={**config, "appId": "1:2:web:3", "appCheckKey": "key"}),
    )
    agent.open()
    agent.fill()
    agent.attach(pdf())
    with page.expect_request(lambda request: request.url.endswith("/submit")) as submission:
        agent.send()
    assert submission.value.headers["x-firebase-appcheck"] == "attested"
    assert asked[0]["recaptcha_enterprise_token"] == "from recaptcha"
    agent.wait_stage(*ACCEPTED)


def test_without_attestation_the_service_says_so_itself(agent: Agent) -> None:
    """Where reCAPTCHA is blocked the submission goes without a token, and the refusal is the service's sentence."""
    message = "This did not come from the form. Open the form anew and send it again."
    config = requests.get(f"{agent.stack.url}/firebase-config.json", timeout=60).json()
    agent.page.route(
        "**/firebase-config.json",
        lambda route: route.fulfill(json={**config, "appId": "1:2:web:3", "appCheckKey": "key"}),
    )
    agent.page.route(
        "**/submit", lambda route: route.fulfill(status=403, json={"code": "not_from_the_page", "message": message})
    )
    agent.page.clock.install()
    agent.open()
    agent.fill()
    agent.attach(PHOTO)
    agent.send()
    expect(agent.page.get_by_role("button", name="Cancel")).to_be_visible()

    def refused() -> bool:
        agent.page.clock.fast_forward(15_000)
        return agent.page.locator("#error-summary").is_visible()

    wait_for("the refusal", refused)
    assert agent.errors() == [message]
    blocked = [line for line in agent.trouble if "recaptcha" in line]
    assert blocked
    agent.trouble.clear()


@pytest.mark.parametrize(
    "path", ["/", "/icon.svg", "/nothing-here", "/submit", f"/progress/{32 * '0'}", "/firebase-config.json"]
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

"""Everybody can use it, everywhere: axe in every state, narrow screens, large text, the keyboard, and a small first load."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Response, expect

from infra.site import FRONTEND
from tests.browser.agent import Agent, a_name, pdf
from tests.browser.states import STATES
from tests.support.submitter import wait_for

FIRST_LOAD_BYTES = 20_000
FIREBASE = re.compile(
    r"/assets/(live|chunk)-"
)  # esbuild calls a chunk what live.js and appcheck.js share: Firebase's core


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible_and_fits(new_agent: Callable[..., Agent], state: str) -> None:
    """Nothing for axe to find, in light and dark, nothing too small for a finger, nothing wider than 320 px at 200 % text."""
    agent = new_agent(viewport={"width": 320, "height": 640})
    STATES[state](agent)
    assert agent.violations() == []
    assert agent.small_targets() == []
    assert not agent.overflows()
    agent.page.emulate_media(color_scheme="dark")
    assert agent.violations() == []
    agent.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert not agent.overflows()


def test_the_first_load_is_small(new_agent: Callable[..., Agent]) -> None:
    """Page, style and script are under 20 kB gzipped; Firebase comes after the first paint and is not among them."""
    agent = new_agent()
    answers: list[Response] = []
    agent.page.on("response", lambda answer: answers.append(answer))
    agent.open()
    # Asked from here: a condition that Playwright itself looks at again becomes an eval in the page, which its policy forbids.
    loaded = "performance.getEntriesByType('resource').some(({name}) => name.includes('/assets/live-'))"
    wait_for("Firebase", lambda: agent.page.evaluate(loaded))
    timing = agent.page.evaluate(
        """() => ({
          paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
          live: performance.getEntriesByType('resource').find(({name}) => name.includes('/assets/live-')).startTime,
        })"""
    )
    assert timing["live"] > timing["paint"]
    first = [
        answer
        for answer in answers
        if answer.url.startswith(agent.url) and answer.request.method == "GET" and not FIREBASE.search(answer.url)
    ]
    sizes = {answer.url.removeprefix(agent.url): len(gzip.compress(answer.body())) for answer in first}
    assert any(path.endswith(".js") for path in sizes)
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_nothing_is_loaded_from_elsewhere(agent: Agent) -> None:
    """Every request of the form and of a progress page goes to the site itself or to Firestore."""
    elsewhere: list[str] = []
    ours = (agent.url, f"http://{agent.stack.env['FIRESTORE_EMULATOR_HOST']}/", "blob:")
    agent.page.on("request", lambda request: None if request.url.startswith(ours) else elsewhere.append(request.url))
    agent.open()
    agent.fill()
    agent.attach(pdf())
    agent.send()
    agent.wait_stage("done")
    assert elsewhere == []


def test_the_keyboard_is_enough(new_agent: Callable[..., Agent]) -> None:
    """The whole form is filled and sent with Tab, letters, arrows, Space and Enter."""
    agent = new_agent(viewport={"width": 1280, "height": 900}, is_mobile=False, has_touch=False).open()
    agent.page.on("filechooser", lambda _: None)  # intercepted from now on, not only once the key is down
    keys, name = agent.page.keyboard, a_name()

    def to(selector: str) -> None:
        for _ in range(40):
            keys.press("Tab")
            if agent.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab does not reach {selector}")

    to("#agent_id")
    keys.type("A-017")
    for field, text in (("account_name", name), ("contact_name", "Pat"), ("title", "Owner"), ("phone", "607-555-0123")):
        to(f"#{field}")
        keys.type(text)
    to("#email")
    keys.type("pat@example.com")
    to("#utility")
    keys.type("NYSEG")
    to("[name=account_type]")
    keys.press("Space")
    to("#developer")
    keys.type("Sunny")
    to("#bill")
    with agent.page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files([pdf()])
    expect(agent.page.locator("#pages > li")).to_have_count(1)
    to("#consent")
    keys.press("Space")
    to("[type=submit]")
    keys.press("Enter")
    agent.wait_stage("done")


def test_a_phones_keyboard_fits_each_answer(agent: Agent) -> None:
    """The right keys, nobody else's data filled in, no zoom on a tap, and Enter leads to the next field instead of sending."""
    agent.open()
    words = ("account_name", "contact_name", "title", "business_entity", "developer")
    wanted = dict.fromkeys(words, ("text", "words")) | {
        "agent_id": ("text", "characters"),
        "phone": ("tel", None),
        "email": ("email", "none"),
    }
    for field, (kind, capitals) in wanted.items():
        control = agent.page.locator(f"#{field}")
        assert control.get_attribute("type") == kind, field
        assert control.get_attribute("autocapitalize") == capitals, field
        assert control.get_attribute("autocomplete") == "off", field
        assert control.get_attribute("enterkeyhint") == "next", field
        # iOS zooms into a field whose text is smaller.
        assert control.evaluate("(control) => parseFloat(getComputedStyle(control).fontSize)") >= 16, field
    agent.page.locator("#agent_id").press("Enter")
    expect(agent.page.locator("#business_entity")).to_be_focused()
    expect(agent.page.locator("#error-summary")).to_be_hidden()


def test_what_the_customer_agrees_to_can_be_read(agent: Agent) -> None:
    """Terms, power of attorney and text messages are one tap away, before the boxes, and nothing is lost by reading."""
    agent.open()
    agent.page.fill("#account_name", "PAT")
    terms = agent.page.locator("#terms")
    expect(terms.get_by_role("heading", name="Power of attorney")).to_be_hidden()
    terms.locator("summary").press("Enter")
    for heading in ("Terms", "Power of attorney", "Text messages"):
        expect(terms.get_by_role("heading", name=heading)).to_be_visible()
    expect(agent.page.locator("#account_name")).to_have_value("PAT")
    expect(agent.page.locator("#consent")).not_to_be_checked()


def test_paper_and_people_who_want_no_motion(new_agent: Callable[..., Agent]) -> None:
    """A printed result has no buttons, and a bar without an end does not run to and fro for who asked for calm."""
    agent = new_agent(reduced_motion="reduce")
    STATES["waiting"](agent)
    bar = agent.page.locator("#progress-bar")
    assert bar.evaluate("(bar) => getComputedStyle(bar).appearance") == "none"
    STATES["done"](agent)
    agent.page.emulate_media(media="print")
    expect(agent.page.get_by_role("button")).to_have_count(0)
    expect(agent.page.get_by_text("1001-4001-101")).to_be_visible()


def test_the_sources_run_unbuilt(agent: Agent) -> None:
    """On a machine without Node.js the sources are served as they are: the page sends and polls."""
    sources = FRONTEND / "site"
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

    def serve(route: object) -> None:
        path = route.request.url.removeprefix(agent.url).lstrip("/").partition("#")[0] or "index.html"  # type: ignore[attr-defined]
        if path == "firebase-config.json":
            route.fulfill(json=None)  # type: ignore[attr-defined]
        elif (file := sources / path).is_file():
            # The security headers of the real answer stay: the policy must fit the sources as well.
            headers = {**route.fetch().headers, "content-type": types[file.suffix]}  # type: ignore[attr-defined]
            route.fulfill(status=200, headers=headers, body=file.read_bytes())  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    agent.page.route(f"{agent.url}/**", serve)
    agent.open()
    agent.fill()
    agent.attach(pdf())
    agent.send()
    agent.wait_stage("done")
    agent.wait_source("polling")

"""Dead spots, lost answers, impatient fingers: one submission comes of it, and nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, expect

from tests.browser.agent import PATIENCE_MS, PHOTO, Agent, a_name, intakes_of, pdf
from tests.browser.line import Line


def submissions(page: Page) -> list[Request]:
    """Return the list that every sending of the page will be added to."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request) if request.url.endswith("/submit") else None)
    return seen


def test_a_double_tap_sends_once(agent: Agent) -> None:
    """Two taps on Send are one request."""
    name = a_name()
    agent.open()
    requests = submissions(agent.page)
    agent.fill(account_name=name)
    agent.attach(PHOTO)
    agent.page.get_by_role("button", name="Send", exact=True).dblclick()
    agent.wait_stage("done")
    assert len(requests) == 1
    assert len(intakes_of(name)) == 1


def test_a_lost_answer_does_not_make_a_second_intake(new_agent: Callable[..., Agent], line: Line) -> None:
    """The bill arrived but the answer did not: it is sent again under the same key and is still one intake."""
    name = a_name()
    line.lose_replies = 99  # Chromium itself repeats a request when a connection that it had kept breaks
    agent = new_agent(url=line.url).open()
    requests = submissions(agent.page)
    agent.fill(account_name=name)
    agent.attach(pdf())
    agent.send()
    agent.page.get_by_text("Trying again").first.wait_for()
    line.lose_replies = 0
    intake_id = agent.wait_stage("waiting", "reading", "understanding", "recording", "done")
    assert line.lost > 0
    assert len(requests) > 1
    assert len({request.headers["idempotency-key"] for request in requests}) == 1
    assert intakes_of(name) == [intake_id]


def test_a_change_after_a_lost_answer_is_told(new_agent: Callable[..., Agent], line: Line) -> None:
    """The form arrived, the agent cancelled and changed it: the page says so, and Send makes a second one on purpose."""
    name = a_name()
    line.lose_replies = 99
    agent = new_agent(url=line.url).open()
    agent.fill(account_name=name)
    agent.attach(pdf())
    agent.send()
    agent.page.get_by_text("Trying again").first.wait_for()
    line.dead = True
    line.cut()
    agent.page.get_by_role("button", name="Cancel").click()
    agent.page.fill("#contact_name", "Robin Example")
    line.dead, line.lose_replies = False, 0
    agent.send()
    assert "already arrived once" in agent.errors()[0]
    agent.send()
    agent.wait_stage("waiting", "reading", "understanding", "recording", "done")
    assert len(intakes_of(name)) == 2


def test_offline_in_the_middle_of_an_upload(new_agent: Callable[..., Agent], line: Line) -> None:
    """The upload shows real bytes, breaks in a dead spot, says so, and goes on by itself."""
    name = a_name()
    agent = new_agent(url=line.url).open()
    agent.fill(account_name=name)
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(200_000)
    agent.send()
    expect(agent.page.locator("#detail")).to_have_text(re.compile(r"0\.[1-9] MB of 1\.4 MB sent"))
    line.dead = True
    agent.slow_line(0)
    line.cut()
    expect(agent.page.locator("#connection")).to_contain_text("You are offline")
    assert agent.violations() == []
    line.dead = False
    agent.slow_line(-1)
    intake_id = agent.wait_stage("waiting", "reading", "understanding", "recording", "done")
    assert intakes_of(name) == [intake_id]


def test_cancelling_keeps_the_form(agent: Agent) -> None:
    """A cancelled upload leaves everything as it was, and Send sends it after all."""
    name = a_name()
    agent.open()
    agent.fill(account_name=name)
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(100_000)
    agent.send()
    agent.page.get_by_role("button", name="Cancel").click()
    expect(agent.page.locator("#account_name")).to_have_value(name)
    expect(agent.page.locator("#pages > li")).to_have_count(1)
    assert agent.violations() == []
    agent.slow_line(-1)
    agent.send()
    agent.wait_stage("waiting", "reading", "understanding", "recording", "done")
    assert len(intakes_of(name)) == 1


def test_the_draft_survives_a_reload(agent: Agent) -> None:
    """Answers, photos, their order and turn are there again."""
    name = a_name()
    agent.open()
    agent.fill(account_name=name)
    agent.attach(PHOTO, pdf("second.pdf"))
    agent.page.get_by_role("button", name="Turn page 1").click()
    agent.page.get_by_role("button", name="Move page 2 up").click()
    agent.wait_kept("draft.answers.consent && draft.pages[1]?.rotation === 1")
    agent.reload()
    expect(agent.page.locator("#account_name")).to_have_value(name)
    expect(agent.page.locator("#utility")).to_have_value("NYSEG")
    expect(agent.page.locator("[name=account_type]:checked")).to_have_value("Mass Market")
    expect(agent.page.locator("#developer")).to_have_value("Sunny Fields Solar")
    expect(agent.page.locator("#consent")).to_be_checked()
    expect(agent.page.locator(".page-name")).to_contain_text(["second.pdf", "IMG_0001.jpg"])
    agent.send()
    agent.wait_stage("done")
    assert len(intakes_of(name)) == 1


def test_the_draft_survives_a_crash(agent: Agent, new_agent: Callable[..., Agent]) -> None:
    """After the tab crashed, a new one has what was typed."""
    name = a_name()
    agent.open()
    agent.fill(account_name=name)
    agent.attach(pdf())
    agent.wait_kept("draft.answers.consent && draft.pages[0]?.kind")
    context = agent.page.context
    with agent.page.expect_event("crash"):
        _crash(agent.page)
    successor = new_agent(context).open()
    expect(successor.page.locator("#account_name")).to_have_value(name)
    expect(successor.page.locator("#pages > li")).to_have_count(1)


def _crash(page: Page) -> None:
    with pytest.raises(Error):
        page.goto("chrome://crash")


def test_a_reload_while_sending_goes_on_with_sending(agent: Agent) -> None:
    """Who reloads in the middle of an upload need not press Send again, and still sends one bill."""
    name = a_name()
    agent.open()
    agent.fill(account_name=name)
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(100_000)
    agent.send()
    expect(agent.page.locator("#detail")).to_contain_text("of 1.4 MB sent")
    agent.slow_line(-1)
    agent.page.reload()
    agent.wait_stage("waiting", "reading", "understanding", "recording", "done")
    assert len(intakes_of(name)) == 1


def test_two_tabs_have_two_drafts(new_context: Callable[..., BrowserContext], new_agent: Callable[..., Agent]) -> None:
    """Two customers in two tabs never mix, also after both were reloaded."""
    context = new_context()
    agents = [new_agent(context).open(), new_agent(context).open()]
    names = [a_name(), a_name()]
    for agent, name in zip(agents, names, strict=True):
        agent.fill(account_name=name)
        agent.attach(pdf())
    for agent, name in zip(agents, names, strict=True):
        agent.reload()
        expect(agent.page.locator("#account_name")).to_have_value(name)
        agent.send()
    for agent, name in zip(agents, names, strict=True):
        intake_id = agent.wait_stage("done")
        assert intakes_of(name) == [intake_id]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_service_is_asked_again(agent: Agent, status: int) -> None:
    """A passing failure of the service needs nothing from the agent."""
    left = [2]

    def sometimes(route: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            route.fulfill(status=status, body="busy")  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    agent.page.route("**/submit", sometimes)
    agent.open()
    agent.fill(account_name=a_name())
    agent.attach(pdf())
    agent.send()
    agent.page.get_by_text("The service is busy").first.wait_for()
    agent.page.locator("#progress-view[data-stage=done]").wait_for(timeout=PATIENCE_MS)

"""Dead spots, lost answers, impatient fingers: one submission comes of it, and nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, Route, expect

from tests.browser.agent import ACCEPTED, PHOTO, Agent, a_name, intakes_of, pdf, put_progress
from tests.browser.line import Line
from tests.browser.states import ATTENTION
from tests.support.submitter import wait_for


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
    agent.attach(pdf())
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
    intake_id = agent.wait_stage(*ACCEPTED)
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
    assert "has already arrived" in agent.errors()[0]
    agent.send()
    agent.wait_stage(*ACCEPTED)
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
    intake_id = agent.wait_stage(*ACCEPTED)
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
    agent.wait_stage(*ACCEPTED)
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
    agent.wait_stage(*ACCEPTED)
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


def test_a_reload_while_sending_goes_on_from_any_page(agent: Agent) -> None:
    """An unfinished upload goes on after a reload also where the page shows another bill."""
    name = a_name()
    agent.open()
    agent.remember((put_progress("waiting"), "PAT EARLIER"))
    agent.reload()
    agent.fill(account_name=name)
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(100_000)
    agent.send()
    expect(agent.page.locator("#detail")).to_contain_text("of 1.4 MB sent")
    agent.page.get_by_role("link", name="PAT EARLIER").click()
    agent.wait_stage("waiting")
    agent.slow_line(-1)
    agent.page.reload()
    expect(agent.page.get_by_role("link", name=name)).to_be_visible()
    assert len(intakes_of(name)) == 1


def test_the_form_opens_and_waits_without_a_line(new_agent: Callable[..., Agent], line: Line) -> None:
    """Once loaded, the form opens in a dead spot, with what was typed; Send waits there until the line is back."""
    name = a_name()
    agent = new_agent(url=line.url, service_workers="allow").open()
    agent.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    agent.fill(account_name=name)
    agent.wait_kept("draft.answers.consent")
    line.dead = True
    line.cut()
    agent.reload()
    expect(agent.page.locator("#account_name")).to_have_value(name)
    agent.attach(pdf())
    agent.send()
    agent.page.get_by_text("Trying again").first.wait_for()
    line.dead = False
    intake_id = agent.wait_stage(*ACCEPTED)
    assert intakes_of(name) == [intake_id]
    # Nothing of a bill is kept with the page.
    open_cache = "caches.keys().then(([form]) => caches.open(form))"
    look = f"{open_cache}.then((kept) => kept.keys()).then((kept) => kept.map(({{url}}) => url))"
    kept = [url.removeprefix(line.url) for url in agent.page.evaluate(look)]
    assert kept
    assert not [path for path in kept if not re.fullmatch(r"/|/icon\.svg|/assets/[^/]+\.(js|css)", path)]


def test_a_tap_before_the_page_is_ready_sends_nothing(agent: Agent) -> None:
    """On a line so slow that the form is there before its script, Send does not leave the page, and typed text stays."""
    held: list[Route] = []
    agent.page.route("**/assets/app-*.js", lambda route: held.append(route))
    with agent.page.expect_request("**/assets/app-*.js"):
        agent.page.goto(agent.url, wait_until="commit")
    agent.page.fill("#agent_id", "A-1")
    agent.page.get_by_role("button", name="Send", exact=True).click()
    agent.page.locator("#agent_id").press("Enter")
    held[0].continue_()
    agent.ready()
    assert agent.page.url == f"{agent.url}/"
    expect(agent.page.locator("#agent_id")).to_have_value("A-1")
    agent.send()
    assert "Enter your agent ID." not in agent.errors()


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "a device that keeps nothing"])
def test_a_file_that_changes_after_it_was_chosen(
    new_agent: Callable[..., Agent], line: Line, tmp_path: Path, keeps: bool
) -> None:
    """What was chosen is what is sent, whatever becomes of the file; a device that keeps nothing says so."""
    agent = new_agent(url=line.url)
    if not keeps:
        agent.page.add_init_script(
            "IDBFactory.prototype.open = () => { throw new DOMException('', 'QuotaExceededError'); }"
        )
    content = pdf()["buffer"]
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(content)
    agent.open()
    agent.fill()
    agent.attach(bill)
    expect(agent.page.locator("#storage-note")).to_be_visible(visible=not keeps)
    bill.write_bytes(b"something else")
    agent.send()
    agent.wait_stage("done")
    assert content in line.heard


def test_a_file_that_the_browser_lost_is_said(agent: Agent) -> None:
    """A page whose bytes are gone is named in the form, instead of being sent for ever."""
    agent.open()
    agent.fill()
    agent.attach(pdf("first.pdf"), pdf("second.pdf", pages=2))
    # What a browser does when it has thrown away what it kept (https://w3c.github.io/FileAPI/#dfn-error-codes).
    agent.page.evaluate(
        """() => {
          let asked = 0;
          const read = Blob.prototype.arrayBuffer;
          Blob.prototype.arrayBuffer = function () {
            return ++asked === 2 ? Promise.reject(new DOMException("", "NotFoundError")) : read.call(this);
          };
        }"""
    )
    agent.send()
    assert agent.errors() == ["File 2 can no longer be read on this device. Remove it and add it again."]
    agent.page.get_by_role("button", name="Remove page 2").click()
    agent.send()
    agent.wait_stage("done")


def test_what_was_begun_for_another_customer_waits(agent: Agent) -> None:
    """A photo that is missing for one customer does not cost what was typed for the next one."""
    first, second = a_name(), a_name()
    agent.open()
    agent.fill(account_name=first)
    agent.attach(pdf())
    agent.send()
    intake_id = agent.wait_stage("done")
    put_progress("done", intake_id, attention=[ATTENTION])
    agent.page.get_by_role("button", name="Submit another bill").click()
    agent.page.fill("#account_name", second)
    agent.attach(pdf("second.pdf"))
    agent.page.get_by_role("link", name=first).click()
    agent.page.locator("#retake").set_input_files([PHOTO])
    expect(agent.page.locator("#account_name")).to_have_value(first)
    agent.wait_kept("draft.parked && draft.pages.length === 2 && draft.pages[1].kind")
    agent.reload()
    expect(agent.page.locator("#account_name")).to_have_value(first)
    agent.send()
    agent.page.wait_for_url(re.compile(f"#(?!{intake_id})[0-9a-f]{{32}}$"))
    agent.page.go_back()
    expect(agent.page.locator("#account_name")).to_have_value(second)
    expect(agent.page.locator(".page-name")).to_contain_text(["second.pdf"])
    assert len(intakes_of(first)) == 2


def test_a_bill_on_its_way_is_not_changed_by_another(agent: Agent) -> None:
    """While one bill is sent, a photo for an earlier customer has to wait; what arrives is what was sent."""
    first, second = a_name(), a_name()
    agent.open()
    agent.fill(account_name=first)
    agent.attach(pdf())
    agent.send()
    put_progress("done", agent.wait_stage("done"), attention=[ATTENTION])
    agent.page.get_by_role("button", name="Submit another bill").click()
    agent.fill(account_name=second)
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(100_000)
    agent.send()
    expect(agent.page.locator("#detail")).to_contain_text("of 1.4 MB sent")
    agent.page.get_by_role("link", name=first).click()
    agent.page.locator("#retake").set_input_files([PHOTO])
    expect(agent.page.locator("#connection")).to_contain_text("Another bill is being sent")
    agent.slow_line(-1)
    expect(agent.page.get_by_role("link", name=second)).to_be_visible()
    assert (len(intakes_of(first)), len(intakes_of(second))) == (1, 1)


def test_clearing_forgets_what_was_sent(agent: Agent) -> None:
    """The list of bills and the answers and photos behind it leave the device together."""
    agent.open()
    agent.fill(account_name=a_name())
    agent.attach(pdf())
    agent.send()
    agent.wait_stage("done")
    assert agent.kept("sent") == 1
    agent.page.get_by_role("button", name="Clear this list").click()
    expect(agent.page.locator("#recent")).to_be_hidden()
    wait_for("an empty store", lambda: agent.kept("sent") == 0)
    assert agent.kept("blobs") == 0


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


def test_a_busy_service_is_asked_again(agent: Agent) -> None:
    """A passing failure of the service needs nothing from the agent."""
    failures = [500, 503, 429]

    def sometimes(route: Route) -> None:
        if failures:
            route.fulfill(status=failures.pop(), body="busy")
        else:
            route.continue_()

    agent.page.route("**/submit", sometimes)
    agent.open()
    agent.fill(account_name=a_name())
    agent.attach(pdf())
    agent.send()
    agent.page.get_by_text("The service is busy").first.wait_for()
    agent.wait_stage(*ACCEPTED)
    assert failures == []

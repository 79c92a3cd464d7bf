"""Where a bill stands: by listener, by polling, in silence, at its end, and what can be done then."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.agent import ACCEPTED, PHOTO, Agent, a_name, database, intakes_of, pdf, put_progress
from tests.browser.states import ATTENTION, FIELDS


def test_every_stage_is_shown_as_it_comes(agent: Agent) -> None:
    """The listener brings each stage in words, with page n of m and the bar, without any polling."""
    polls: list[str] = []
    agent.page.on("request", lambda request: polls.append(request.url) if "/progress/" in request.url else None)
    intake_id = put_progress("waiting")
    agent.open(f"#{intake_id}")
    stage, bar = agent.page.locator("#stage"), agent.page.locator("#progress-bar")
    expect(stage).to_have_text("Waiting to be read")
    put_progress("reading", intake_id, pages_done=1, pages_total=3, percent=33)
    expect(stage).to_have_text("Reading page 2 of 3")
    expect(bar).to_have_attribute("value", "33")
    put_progress("recording", intake_id, pages_done=3, pages_total=3, percent=95)
    expect(stage).to_have_text("Adding it to the office's sheet")
    expect(agent.page).to_have_title("Adding it to the office's sheet – GreenWatt")
    put_progress("done", intake_id, pages_done=3, pages_total=3, percent=100)
    expect(stage).to_have_text("Recorded")
    expect(bar).to_be_hidden()
    assert polls == []


def test_stages_are_announced_politely(agent: Agent) -> None:
    """Screen readers hear each stage once, in a live region of its own."""
    intake_id = put_progress("waiting")
    agent.open(f"#{intake_id}")
    status = agent.page.locator("#status[role=status]")
    expect(status).to_have_text("Waiting to be read")
    put_progress("reading", intake_id, pages_done=1, pages_total=3, percent=33)
    expect(status).to_have_text("Reading page 2 of 3")
    put_progress("reading", intake_id, pages_done=2, pages_total=3, percent=61)
    expect(agent.page.locator("#stage")).to_have_text("Reading page 3 of 3")
    expect(status).to_have_text("Reading page 2 of 3")


@pytest.mark.parametrize("hung", [False, True], ids=["refused", "hung"])
def test_a_blocked_listener_gives_way_to_polling(agent: Agent, hung: bool) -> None:
    """Where a proxy refuses Firestore, or lets it hang, the progress is asked for, to the end."""

    def block(route: Route) -> None:
        if not hung:
            route.abort()

    agent.page.route(f"http://{agent.stack.env['FIRESTORE_EMULATOR_HOST']}/**", block)
    agent.open()
    name = a_name()
    agent.fill(account_name=name)
    agent.attach(pdf())
    agent.send()
    intake_id = agent.wait_stage("done")
    agent.wait_source("polling")
    assert intakes_of(name) == [intake_id]


def test_the_listener_takes_over_again(agent: Agent) -> None:
    """When the way to Firestore opens, polling ends."""
    pattern = agent.block_listener()
    intake_id = put_progress("waiting")
    agent.open(f"#{intake_id}")
    agent.wait_source("polling")
    agent.page.unroute(pattern)
    agent.wait_source("listener")
    put_progress("done", intake_id)
    agent.wait_stage("done")


def test_an_expired_document_is_asked_of_the_server(agent: Agent) -> None:
    """When Firestore has deleted the progress, the server still knows how the intake ended."""
    agent.open()
    agent.fill()
    agent.attach(pdf())
    agent.send()
    intake_id = agent.wait_stage("done")
    database().collection("progress").document(intake_id).delete()
    agent.reload()
    agent.wait_stage("done")
    assert agent.page.locator("#progress-view").get_attribute("data-source") == "polling"
    # When it ended is not known any more, so no time is made up.
    expect(agent.page.locator("#detail")).to_have_text("The office has it.")


def test_an_unknown_id_is_said_and_not_asked_for_ever(agent: Agent) -> None:
    """A wrong address ends at once with a sentence."""
    polls: list[str] = []
    agent.page.on("request", lambda request: polls.append(request.url) if "/progress/" in request.url else None)
    agent.open(f"#{uuid.uuid4().hex}")
    agent.wait_stage("unknown")
    expect(agent.page.locator("#detail")).to_contain_text("There is no submission with this ID")
    assert len(polls) == 1
    agent.page.get_by_role("button", name="New submission").click()
    expect(agent.page.locator("#agent_id")).to_be_visible()


def test_silence_is_said_and_waiting_can_go_on(agent: Agent) -> None:
    """After five minutes without news the page stops and says so; on request it follows again."""
    agent.page.clock.install()
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    intake_id = put_progress("waiting")
    agent.open(f"#{intake_id}")
    agent.wait_stage("waiting")
    agent.page.clock.fast_forward("05:01")
    expect(agent.page.locator("#connection")).to_contain_text("Nothing has changed for 5 minutes")
    polls: list[str] = []
    agent.page.on("request", lambda request: polls.append(request.url) if "/progress/" in request.url else None)
    agent.page.clock.fast_forward("10:00")
    assert polls == []
    put_progress("done", intake_id)
    agent.page.get_by_role("button", name="Keep waiting").click()
    agent.wait_stage("done")


def test_silence_from_the_beginning_promises_nothing(agent: Agent) -> None:
    """Where nothing was ever heard of an id, the page says so after five minutes and does not call the bill safe."""
    agent.page.clock.install()
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    agent.page.route("**/progress/*", lambda route: route.abort())
    agent.open(f"#{uuid.uuid4().hex}")
    expect(agent.page.locator("#connection")).to_have_text(re.compile(r"^The connection was lost\. This page"))
    agent.page.clock.fast_forward("05:01")
    expect(agent.page.locator("#connection")).to_contain_text("There has been no answer about this bill for 5 minutes")
    expect(agent.page.get_by_role("button", name="Keep waiting")).to_be_visible()


def test_a_lost_connection_while_reading_is_said(agent: Agent) -> None:
    """Offline while the bill is read: the page says that nothing is lost, and goes on when it can."""
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    intake_id = put_progress("waiting")
    agent.open(f"#{intake_id}")
    agent.wait_stage("waiting")
    agent.page.context.set_offline(True)
    expect(agent.page.locator("#connection")).to_contain_text("The connection was lost")
    put_progress("done", intake_id)
    agent.page.context.set_offline(False)
    agent.wait_stage("done")


def test_the_result_shows_what_was_read(agent: Agent) -> None:
    """Fields of every kind, doubts and the time it took; odd values break nothing."""
    began = datetime.now(UTC) - timedelta(seconds=12)
    odd: dict[str, Any] = {
        **FIELDS,
        "new_field": {"value": {"street": "1 Example St", "zip": "13902"}, "confidence": 0.9, "page": 1},
        "service_address_parts": {"value": {"town": "SAMPLEVILLE"}, "confidence": 0.9, "page": 3},
        "bare": "text",
        "nothing": {"value": None, "confidence": 0, "page": 1},
    }
    agent.open(f"#{put_progress('done', submitted_at=began, updated_at=began + timedelta(seconds=12), fields=odd)}")
    agent.wait_stage("done")
    expect(agent.page.locator("#detail")).to_have_text("The office has it. That took 12 s.")
    shown = dict(
        zip(
            agent.page.locator("dt").all_inner_texts(),
            [text.replace("\n", " ") for text in agent.page.locator("dd").all_inner_texts()],
            strict=True,
        )
    )
    assert shown["Account number"] == "1001-4001-101"
    assert shown["Usage in the period"] == "1,234 kWh"
    assert shown["Amount due"] == "$1,234.50"
    assert shown["Period start"] == "May 3, 2026"
    assert shown["New field"] == "1 Example St, 13902"
    assert shown["Bare"] == "text"
    assert not {"Nothing", "Service address parts"} & set(shown)
    assert shown["Meter number"].endswith("please check")


def test_a_missing_page_follows_with_one_tap(agent: Agent) -> None:
    """The photo that was asked for joins the same customer's answers, as a new submission with the earlier pages."""
    name = a_name()
    agent.open()
    answers = agent.fill(account_name=name)
    agent.attach(pdf("page1.pdf"))
    agent.send()
    first = agent.wait_stage("done")
    put_progress("done", first, attention=[ATTENTION])
    agent.reload()
    expect(agent.page.locator("#result")).to_contain_text("photograph page 3")
    agent.page.locator("#retake").set_input_files([PHOTO])
    expect(agent.page.locator("#account_name")).to_have_value(name)
    expect(agent.page.locator("#email")).to_have_value(answers["email"])
    expect(agent.page.locator(".page-name")).to_contain_text(["page1.pdf", "IMG_0001.jpg"])
    agent.send()
    agent.page.wait_for_url(re.compile(f"#(?!{first})[0-9a-f]{{32}}$"))
    second = agent.wait_stage(*ACCEPTED)
    assert sorted(intakes_of(name)) == sorted([first, second])


def test_another_device_offers_no_photo_for_a_customer_it_does_not_know(agent: Agent) -> None:
    """Answers stay on the device they were typed on; elsewhere only the sentence is shown."""
    agent.open(f"#{put_progress('done', attention=[ATTENTION])}")
    agent.wait_stage("done")
    expect(agent.page.locator("#result")).to_contain_text("photograph page 3")
    expect(agent.page.locator("#retake")).to_have_count(0)


def test_recent_bills_show_their_live_state(agent: Agent, new_agent: Callable[..., Agent]) -> None:
    """The list of this device's bills follows each of them; another device has no list; it can be cleared."""
    ids = [put_progress("waiting"), put_progress("reading", pages_done=1, pages_total=4, percent=26)]
    agent.open()
    agent.remember((ids[0], "PAT 0"), (ids[1], "PAT 1"))
    agent.reload()
    rows = agent.page.locator("#recent-list > li")
    expect(rows.nth(0)).to_contain_text("Waiting to be read")
    expect(rows.nth(1)).to_contain_text("Reading page 2 of 4")
    rows.nth(1).get_by_role("link").focus()
    put_progress("done", ids[0])
    put_progress("failed", ids[1], error={"code": "no_pages", "message": "No page."})
    expect(rows.nth(0)).to_contain_text("Recorded")
    expect(rows.nth(1)).to_contain_text("The bill was not recorded")
    expect(rows.nth(1).get_by_role("link")).to_be_focused()
    rows.nth(1).get_by_role("link").click()
    agent.wait_stage("failed")
    other = new_agent().open()
    expect(other.page.locator("#recent")).to_be_hidden()
    agent.page.get_by_role("button", name="Clear this list").click()
    agent.reload()
    expect(agent.page.locator("#recent")).to_be_hidden()


def test_a_recent_bill_that_went_silent_says_so(agent: Agent) -> None:
    """The list does not show an old state as if it were today's."""
    agent.page.clock.install()
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    agent.open()
    agent.remember((put_progress("waiting"), "PAT"))
    agent.reload()
    row = agent.page.locator("#recent-list > li")
    expect(row).to_contain_text("Waiting to be read")
    agent.page.clock.fast_forward("05:01")
    expect(row).to_contain_text("No update for a while")


@pytest.fixture
def office() -> Iterator[Callable[..., None]]:
    """Write public/form-options as the functions do; afterwards there is none again."""
    document = database().collection("public").document("form-options")

    def write(**lists: object) -> None:
        document.set(lists)

    yield write
    document.delete()


def test_the_offices_lists_reach_the_form(agent: Agent, office: Callable[..., None]) -> None:
    """Utilities, account types and developers come from Firestore, live, and are kept for next time."""
    developers = [{"name": "Sun", "utilities": ["NYSEG"]}, {"name": "Moon", "utilities": []}]
    office(utilities=["NYSEG", "New Utility"], account_types=["Mass Market"], developers=developers)
    agent.open()
    utilities, offered = agent.page.locator("#utility option"), agent.page.locator("#developer option")
    expect(utilities).to_have_text(["Choose one", "NYSEG", "New Utility"])
    expect(offered).to_have_text(["Choose one", "Sun", "Moon"])
    agent.page.select_option("#utility", "New Utility")
    expect(offered).to_have_text(["Choose one", "Moon"])
    office(utilities=["New Utility", "Newer"], account_types=["Mass Market"], developers=developers)
    expect(utilities).to_have_text(["Choose one", "New Utility", "Newer"])
    expect(agent.page.locator("#utility")).to_have_value("New Utility")
    agent.block_listener()
    agent.reload()
    expect(utilities).to_have_text(["Choose one", "New Utility", "Newer"])


def test_lists_of_any_shape_leave_the_form_usable(agent: Agent, office: Callable[..., None]) -> None:
    """What is no list is ignored, and a utility without any developer offers all of them."""
    office(
        developers=[{"name": "Sun", "utilities": ["NYSEG"]}, {"name": 7}], utilities=[1, None, ""], account_types="odd"
    )
    agent.open()
    offered = agent.page.locator("#developer option")
    expect(offered).to_have_text(["Choose one", "Sun"])
    expect(agent.page.locator("#utility option")).to_have_count(8)
    expect(agent.page.locator("[name=account_type]")).to_have_count(3)
    agent.page.select_option("#utility", "RG&E")
    expect(offered).to_have_text(["Choose one", "Sun"])

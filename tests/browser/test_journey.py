"""The whole way of a bill, from an agent's phone to the row, on the real stack."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.agent import PHOTO, Agent, a_name, intakes_of, pdf
from tests.support.submitter import Submitter


def test_a_photo_becomes_a_row(agent: Agent) -> None:
    """The agent fills the form, adds a photo, follows it and ends at the result, whose heading has the focus."""
    agent.open()
    answers = agent.fill(account_name=a_name())
    agent.attach(PHOTO)
    agent.send()
    intake_id = agent.wait_stage("done")
    expect(agent.page.locator("#stage")).to_be_focused()
    assert agent.page.locator("#progress-view").get_attribute("data-source") == "listener"
    row = Submitter(agent.stack).table.find(intake_id)
    assert row is not None
    assert (row["Account Name"], row["Agent ID"]) == (answers["account_name"], answers["agent_id"])


def test_after_a_bill_the_next_customer_starts_empty(agent: Agent) -> None:
    """What belongs to the agent stays, what belongs to the customer goes, also after a reload."""
    agent.open()
    answers = agent.fill(account_name=a_name())
    agent.attach(pdf())
    agent.send()
    agent.wait_stage("done")
    agent.page.get_by_role("button", name="Submit another bill").click()
    for _ in range(2):
        expect(agent.page.locator("#agent_id")).to_have_value(answers["agent_id"])
        expect(agent.page.locator("#account_name")).to_have_value("")
        expect(agent.page.locator("#consent")).not_to_be_checked()
        expect(agent.page.locator("#pages > li")).to_have_count(0)
        agent.reload()
    expect(agent.page.locator("#recent")).to_contain_text(answers["account_name"])
    expect(agent.page.locator("#recent")).to_contain_text("Recorded")


def test_sending_again_after_the_end_is_another_submission(agent: Agent) -> None:
    """Each submission has a key of its own."""
    name = a_name()
    agent.open()
    for _ in range(2):
        agent.fill(account_name=name)
        agent.attach(pdf())
        agent.send()
        agent.wait_stage("done")
        agent.page.get_by_role("button", name="Submit another bill").click()
    assert len(intakes_of(name)) == 2


def test_reload_and_a_second_device_resume_by_the_address(agent: Agent, new_agent: Callable[..., Agent]) -> None:
    """The address alone leads to the submission while it is read, here and elsewhere."""
    Submitter(agent.stack).vision(delay_ms=3000)
    try:
        agent.open()
        agent.fill(account_name=a_name())
        agent.attach(PHOTO)
        agent.send()
        intake_id = agent.wait_stage("waiting", "reading")
        agent.reload()
        other = new_agent().open(f"#{intake_id}")
        assert agent.wait_stage("done") == intake_id
        assert other.wait_stage("done") == intake_id
        agent.page.go_back()
        expect(agent.page.get_by_role("heading", name="Submit a utility bill")).to_be_visible()
        agent.page.go_forward()
        agent.wait_stage("done")
    finally:
        Submitter(agent.stack).vision(delay_ms=0)


def test_opening_the_form_wakes_the_functions(agent: Agent) -> None:
    """One request at each opening of the form; `submit` passes it on to `ocr`, which does no work."""
    with agent.page.expect_response(lambda answer: answer.url.endswith("/submit?wake=1")) as answer:
        agent.open()
    assert answer.value.status == 204
    assert "woken" in agent.stack.logs("submit").read_text("utf-8")
    assert "not understood" not in agent.stack.logs("ocr").read_text("utf-8")

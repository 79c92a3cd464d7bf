"""Every state that the page can be in, and how it gets there: for axe, for narrow screens, and for the gallery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import FilePayload, expect

from tests.browser.agent import PHOTO, Agent, pdf, put_progress
from tests.support import documents

FIELDS: dict[str, Any] = {
    "customer_name": {"value": "PAT Q EXAMPLE", "confidence": 0.98, "page": 1},
    "utility": {"value": "NYSEG", "confidence": 0.99, "page": 1},
    "account_number": {"value": "1001-4001-101", "confidence": 0.97, "page": 1},
    "pod_id": {"value": "N01000012345678", "confidence": 0.95, "page": 3},
    "service_address": {"value": "12 EXAMPLE RD POL 12, SAMPLEVILLE NY 13902", "confidence": 0.93, "page": 3},
    "period_start": {"value": "2026-05-03", "confidence": 0.9, "page": 3},
    "period_end": {"value": "2026-06-02", "confidence": 0.9, "page": 3},
    "kwh": {"value": 1234, "confidence": 0.96, "page": 3},
    "annual_kwh": {"value": 14808, "confidence": 0.85, "page": 3},
    "annual_kwh_basis": {"value": "estimated from one period", "confidence": 1.0, "page": 3},
    "meter_number": {"value": "0300123456", "confidence": 0.55, "page": 3},
    "amount_due": {"value": 1234.5, "confidence": 0.97, "page": 1},
}
ATTENTION = {
    "code": "wrong_page",
    "field": "bill",
    "message": "This is page 1 of the bill; the PoD ID and the usage are on page 3. Please photograph page 3 as well.",
}
_NAME_DIFFERS = {
    "code": "name_differs",
    "field": "customer_name",
    "message": "The bill is in another name than the one in the form. Please check the account name.",
}
LONG_NAME = (
    "THE REVEREND MAXIMILIANA EXAMPLE-SAMPLEWORTHY AND DAUGHTERS DONAUDAMPFSCHIFFFAHRTSGESELLSCHAFT OF UPSTATE INC"
)
_DIM = documents.page_picture(2).point(lambda value: value // 6)
DARK: FilePayload = {**PHOTO, "name": "a-dark-one.jpg", "buffer": documents.jpeg(_DIM)}


def _empty(agent: Agent) -> None:
    agent.open()


def _errors(agent: Agent) -> None:
    agent.open()
    agent.page.fill("#phone", "12")
    agent.send()
    agent.errors()


def _filled(agent: Agent) -> None:
    agent.open()
    agent.fill()
    agent.attach(PHOTO, DARK, pdf("the second half of the bill, with a rather long name for a file.pdf", pages=2))


def _terms(agent: Agent) -> None:
    agent.open()
    agent.page.get_by_text("Read what the customer").click()
    agent.page.get_by_text("It covers nothing else").wait_for()


def _resumed(agent: Agent) -> None:
    agent.open()
    agent.fill(account_name=LONG_NAME)
    agent.wait_kept("draft.answers.consent")
    agent.reload()
    expect(agent.page.locator("#draft-note")).to_be_visible()


def _recent(agent: Agent) -> None:
    agent.open()
    bills = [(put_progress("reading", pages_done=1, pages_total=3, percent=33), LONG_NAME)]
    bills += [(put_progress("waiting"), "PAT Q EXAMPLE"), (put_progress("failed", error=FAILURE), "")]
    bills += [(put_progress("done", attention=[ATTENTION]), "SAMPLE BAKERY LLC")]
    agent.remember(*bills)
    agent.reload()
    expect(agent.page.locator("#recent-list")).to_contain_text("needs a check")


def _busy(agent: Agent) -> None:
    agent.page.route("**/submit", lambda route: route.fulfill(status=503, body="busy"))
    agent.open()
    agent.fill(account_name=LONG_NAME)
    agent.attach(PHOTO)
    agent.send()
    expect(agent.page.locator("#connection")).to_contain_text("The service is busy")


def _lost(agent: Agent) -> None:
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    agent.page.route("**/progress/*", lambda route: route.abort())
    agent.open(f"#{'1' * 32}")
    expect(agent.page.locator("#connection")).to_contain_text("The connection was lost")


def _uploading(agent: Agent) -> None:
    agent.open()
    agent.fill()
    agent.attach(pdf(padding=1_500_000))
    agent.slow_line(120_000)
    agent.send()
    expect(agent.page.locator("#detail")).to_contain_text("of 1.4 MB sent")


def _offline(agent: Agent) -> None:
    agent.open()
    agent.fill()
    agent.attach(PHOTO)
    agent.page.context.set_offline(True)
    agent.send()
    expect(agent.page.locator("#connection")).to_contain_text("You are offline")


def _silent(agent: Agent) -> None:
    agent.page.clock.install()
    agent.page.route("**/firebase-config.json", lambda route: route.fulfill(json=None))
    agent.open(f"#{put_progress('reading', pages_done=1, pages_total=3, percent=33)}")
    agent.wait_stage("reading")
    agent.page.clock.fast_forward("05:01")
    agent.page.get_by_role("button", name="Keep waiting").wait_for()


def _at(stage: str, **changes: Any) -> Callable[[Agent], None]:
    def go(agent: Agent) -> None:
        agent.open(f"#{put_progress(stage, **changes)}")
        agent.wait_stage(stage)

    return go


def _unknown(agent: Agent) -> None:
    agent.open(f"#{'0' * 32}")
    agent.wait_stage("unknown")


def _done_here(agent: Agent) -> None:
    agent.open()
    agent.fill()
    agent.attach(pdf())
    agent.send()
    intake_id = agent.wait_stage("done")
    began = datetime.now(UTC)
    put_progress(
        "done",
        intake_id,
        submitted_at=began,
        updated_at=began + timedelta(seconds=14),
        fields=FIELDS,
        attention=[ATTENTION, _NAME_DIFFERS],
    )
    agent.reload()
    agent.page.locator("#retake + label").wait_for()


FAILURE = {
    "code": "encrypted_pdf",
    "message": "File 1 is a PDF that needs a password. Send it without a password, or send photos of the pages.",
}
STATES: dict[str, Callable[[Agent], None]] = {
    "empty": _empty,
    "errors": _errors,
    "filled": _filled,
    "terms": _terms,
    "resumed": _resumed,
    "recent": _recent,
    "busy": _busy,
    "lost": _lost,
    "uploading": _uploading,
    "offline": _offline,
    "waiting": _at("waiting"),
    "reading": _at("reading", pages_done=1, pages_total=3, percent=33),
    "silent": _silent,
    "done": _at("done", fields=FIELDS),
    "attention": _done_here,
    "failed": _at("failed", error=FAILURE),
    "unknown": _unknown,
}

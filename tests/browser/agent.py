"""An agent with a phone or a computer: what people do with the page, and what they see."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, cast

import pymupdf
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from intake import form
from playwright.sync_api import BrowserContext, CDPSession, FilePayload, Page, expect

from infra.local.layout import PROJECT
from infra.local.stack import LocalStack
from infra.site import FRONTEND
from tests.support import documents
from tests.support.submitter import ANSWERS, DEADLINE_S, wait_for

AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = DEADLINE_S * 1000
ACCEPTED = ("waiting", "reading", "recording", "done", "failed")
"""Stages of a submission that has arrived, for tests that need not wait for its end: reading a photo takes seconds."""
PHOTO: FilePayload = {
    "name": "IMG_0001.jpg",
    "mimeType": "image/jpeg",
    "buffer": documents.jpeg(documents.page_picture(1)),
}


def pdf(name: str = "bill.pdf", pages: int = 1, padding: int = 0) -> FilePayload:
    """Return a PDF that needs no OCR, made larger by an attachment that no compression shrinks."""
    with pymupdf.open(stream=documents.text_pdf(pages), filetype="pdf") as document:
        if padding:
            document.embfile_add("padding", Random(7).randbytes(padding))
        return {"name": name, "mimeType": "application/pdf", "buffer": bytes(document.tobytes())}


def a_name() -> str:
    """Return an account name that no other test uses."""
    return f"PAT {uuid.uuid4().hex[:12].upper()}"


@dataclass
class Agent:
    """One tab.

    Attributes:
        page: The tab.
        stack: What stands behind the page.
        url: Address that the page is opened at; a test may put a bad line in between.
        trouble: Errors that the page itself made: uncaught exceptions and refusals by its security policy.
    """

    page: Page
    stack: LocalStack
    url: str
    trouble: list[str] = field(default_factory=list)
    _devtools: CDPSession | None = None

    @classmethod
    def sit_down(cls, context: BrowserContext, stack: LocalStack, url: str | None = None) -> Agent:
        """Return an agent with a new tab."""
        agent = cls(context.new_page(), stack, url or stack.url)
        agent.page.set_default_timeout(PATIENCE_MS)
        agent.page.on("pageerror", lambda error: agent.trouble.append(str(error)))
        agent.page.on("console", lambda message: agent._note(message.text))
        return agent

    def _note(self, text: str) -> None:
        # When its connection fails, Firestore's SDK looks for the internet with a picture of Google's; the policy forbids it.
        expected = "cleardot.gif" in text
        if "Content Security Policy" in text and not expected:
            self.trouble.append(text)

    # --- what the agent does ----------------------------------------------------------------------

    def open(self, fragment: str = "") -> Agent:
        """Open the page and wait until it can be used."""
        self.page.goto(f"{self.url}/{fragment}")
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until the page can be used."""
        self.page.locator("html[data-ready]").wait_for()

    def reload(self) -> None:
        """Load the page anew."""
        self.page.reload()
        self.ready()

    def fill(self, **changes: str) -> dict[str, str]:
        """Answer everything; return the answers."""
        answers = {**ANSWERS, **changes}
        for asked in form.FIELDS:
            if asked.kind == "text":
                self.page.fill(f"#{asked.name}", answers[asked.name])
        self.page.select_option("#utility", answers["utility"])
        self.page.get_by_label(answers["account_type"]).check()
        self.page.fill("#developer", answers["developer"])
        self.page.get_by_label("power of attorney").check()
        return answers

    def attach(self, *files: FilePayload | Path) -> None:
        """Add files, given by content or on disk, and wait until the page has looked at them.

        What is given by content goes to Chromium as base64 in one message of its control protocol: under load that takes a
        minute for 30 MB. Large files are to be on disk.
        """
        contents = sum(len(file["buffer"]) for file in files if not isinstance(file, Path))
        assert contents < 8 * 1024 * 1024, "Give large files on disk."
        before = self.page.locator("#pages > li").count()
        self.page.set_input_files("#bill", cast(Any, list(files)))
        expect(self.page.locator("#pages > li")).to_have_count(before + len(files))
        expect(self.page.get_by_text("Preparing …")).to_have_count(0)

    def remember(self, *bills: tuple[str, str]) -> None:
        """Put bills, each an id and a name, into this device's list of what was sent; seen after a reload."""
        now = int(time.time() * 1000)
        entries = [{"id": intake_id, "name": name, "at": now} for intake_id, name in bills]
        self.page.evaluate("(recent) => localStorage.setItem('recent', recent)", json.dumps(entries))

    def send(self) -> None:
        """Press Send."""
        self.page.get_by_role("button", name="Send", exact=True).click()

    def slow_line(self, up: int) -> None:
        """Let at most `up` bytes a second leave the phone; 0 takes it offline, -1 brings all back."""
        conditions = {"offline": up == 0, "latency": 0, "downloadThroughput": -1, "uploadThroughput": up or -1}
        if self._devtools is None:
            self._devtools = self.page.context.new_cdp_session(self.page)
            self._devtools.send("Network.enable")
        self._devtools.send("Network.emulateNetworkConditions", conditions)

    def block_listener(self) -> str:
        """Stand in for a proxy that lets nothing through to Firestore; return the pattern to unblock."""
        pattern = f"http://{self.stack.env['FIRESTORE_EMULATOR_HOST']}/**"
        self.page.route(pattern, lambda route: route.abort())
        return pattern

    # --- what the agent sees ----------------------------------------------------------------------

    def wait_stage(self, *stages: str) -> str:
        """Wait until the submission is at one of some stages; return its id ("" before it has one)."""
        wanted = ", ".join(f"#progress-view[data-stage={stage}]" for stage in stages)
        self.page.locator(wanted).wait_for(timeout=PATIENCE_MS)
        return self.page.url.partition("#")[2]

    def wait_source(self, source: str) -> None:
        """Wait until the progress comes from the listener, or from polling."""
        self.page.locator(f"#progress-view[data-source={source}]").wait_for(timeout=PATIENCE_MS)

    def wait_kept(self, condition: str) -> None:
        """Wait until this device keeps a draft for which a JavaScript condition on `draft` holds."""
        look = f"""async () => {{
          const result = (request) => new Promise((resolve) => {{ request.onsuccess = () => resolve(request.result); }});
          const database = await result(indexedDB.open("greenwatt-intake"));
          const drafts = await result(database.transaction("drafts").objectStore("drafts").getAll());
          database.close();
          return drafts.some((draft) => {condition});
        }}"""
        wait_for(f"a kept draft with {condition}", lambda: self.page.evaluate(look))

    def kept(self, store: str) -> int:
        """Return how many objects this device keeps in a store of the page's database."""
        look = """async (store) => {
          const result = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
          const database = await result(indexedDB.open("greenwatt-intake"));
          const count = await result(database.transaction(store).objectStore(store).count());
          database.close();
          return count;
        }"""
        return int(self.page.evaluate(look, store))

    def errors(self) -> list[str]:
        """Wait for the summary of errors; return its entries."""
        self.page.locator("#error-summary").wait_for()
        return self.page.locator("#error-list > li").all_inner_texts()

    def violations(self) -> list[str]:
        """Return what axe finds wrong with what is shown now; its rule on the size of targets is off unless asked for."""
        self.page.evaluate(AXE.read_text("utf-8"))
        options = "{resultTypes: ['violations'], rules: {'target-size': {enabled: true}}}"
        found = self.page.evaluate(f"axe.run(document, {options})")["violations"]
        return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found]

    def overflows(self) -> bool:
        """Return whether the page is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def small_targets(self) -> list[str]:
        """Return everything on the screen that a finger has to hit and that is under 44 px high or wide."""
        look = """() => {
          const shown = (element) => element.offsetParent && !element.closest(".visually-hidden, .skip");
          const target = (element) => (element.matches(".check > input") ? element.closest(".check") : element);
          const small = ({width, height}) => width < 44 || height < 44;
          return [...document.querySelectorAll("a, button, input, select, summary, label.button")]
            .filter(shown).map(target).filter((element) => small(element.getBoundingClientRect()))
            .map((element) => element.outerHTML);
        }"""
        found: list[str] = self.page.evaluate(look)
        return found

    def screenshot(self, path: Path) -> None:
        """Keep the whole page as a picture."""
        self.page.screenshot(path=path, full_page=True)


def database() -> firestore.Client:
    """Return Firestore as the functions see it."""
    return firestore.Client(project=PROJECT)


def intakes_of(account_name: str) -> list[str]:
    """Return the ids of all intakes with an account name."""
    query = database().collection("intakes").where(filter=FieldFilter("form.account_name", "==", account_name))
    return [snapshot.id for snapshot in query.stream()]


def put_progress(stage: str, intake_id: str | None = None, **changes: Any) -> str:
    """Write a progress document as the functions would; return its id."""
    intake_id = intake_id or uuid.uuid4().hex
    now = datetime.now(UTC)
    empty: dict[str, Any] = {
        "pages_done": 0,
        "pages_total": 0,
        "percent": 0,
        "error": None,
        "fields": {},
        "attention": [],
    }
    document = {"stage": stage, "submitted_at": now, "updated_at": now, **empty, **changes}
    database().collection("progress").document(intake_id).set(document)
    return intake_id

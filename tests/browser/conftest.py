"""One stack with a built page and one Chromium for all browser tests; every test has a fresh profile.

Both end with the package: the loop that Playwright keeps running would be in the way of others' asyncio.run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from infra import site
from infra.local.stack import LocalStack, StackOptions
from tests.browser.agent import PATIENCE_MS, Agent
from tests.browser.line import Line

expect.set_options(timeout=PATIENCE_MS)  # the machine may be busy with other things; five seconds are soon over then

# As root in a container Chromium has no sandbox of its own; the rest keeps it from calling Google's hosts.
CHROMIUM_ARGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# The worker that keeps the page would take its files past what a test puts in between; the test of the worker lets it in.
NO_WORKER = {"service_workers": "block"}


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that serves the built page."""
    built = site.build(print)
    assert built.live, "The page could not be built; npm's output is above."
    options = StackOptions(
        state_dir=Path(tmp_path_factory.mktemp("stack")),
        port=0,
        sheets_args=("--reads-per-minute", "6000", "--writes-per-minute", "6000"),
        function_env={"SHEET_WRITE_INTERVAL_SECONDS": "0.2"},
        retry_min_backoff_s=1.0,
        retry_max_backoff_s=2.0,
    )
    with LocalStack(options) as running:
        os.environ.update(running.env)  # so that the official clients in the tests find the emulators
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make profiles: a phone unless told otherwise."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{**PHONE, **NO_WORKER, "locale": "en-US", **options})
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def new_agent(stack: LocalStack, new_context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Agent]]:
    """Make agents, each with a phone of his own unless he is given one; at the end none of their pages may have erred."""
    agents: list[Agent] = []

    def make(context: BrowserContext | None = None, url: str | None = None, **options: Any) -> Agent:
        agent = Agent.sit_down(context or new_context(**options), stack, url)
        agents.append(agent)
        return agent

    yield make
    for agent in agents:
        assert agent.trouble == []


@pytest.fixture
def agent(new_agent: Callable[..., Agent]) -> Agent:
    """An agent with a phone."""
    return new_agent()


@pytest.fixture
def line(stack: LocalStack) -> Iterator[Line]:
    """A line to the site that can go bad."""
    with Line(stack.url) as relay:
        yield relay

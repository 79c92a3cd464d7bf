"""Take pictures of every state on several screens, for people to look at.

    PYTHONPATH=functions python -m tests.browser.gallery [FOLDER [STATE ...]]

They land in .local/screenshots unless a folder is named; all states unless some are.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from infra import site
from infra.local.options import ROOT
from infra.local.stack import LocalStack, StackOptions
from tests.browser.agent import Agent
from tests.browser.conftest import CHROMIUM_ARGS, NO_WORKER, PHONE
from tests.browser.states import STATES

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
LARGE_TEXT = "document.documentElement.style.fontSize = '200%'"


def on_phone(agent: Agent, name: Callable[[str], Path]) -> None:
    """Take one state on a phone: light, dark, on the narrowest screen, with text at 200 %."""
    agent.screenshot(name("phone"))
    agent.page.emulate_media(color_scheme="dark")
    agent.screenshot(name("phone-dark"))
    agent.page.emulate_media(color_scheme="light")
    agent.page.set_viewport_size({"width": 320, "height": 640})
    agent.screenshot(name("narrow"))
    agent.page.set_viewport_size({"width": 390, "height": 844})
    agent.page.evaluate(LARGE_TEXT)
    agent.screenshot(name("large-text"))


def on_desktop(agent: Agent, name: Callable[[str], Path]) -> None:
    """Take one state on a desktop, light and dark."""
    agent.screenshot(name("desktop"))
    agent.page.emulate_media(color_scheme="dark")
    agent.screenshot(name("desktop-dark"))


def take(browser: Browser, stack: LocalStack, folder: Path, wanted: set[str]) -> None:
    """Take the pictures of some states."""
    for options, look in ((PHONE, on_phone), (DESKTOP, on_desktop)):
        for state, bring in STATES.items():
            if state not in wanted:
                continue
            context = browser.new_context(**{**NO_WORKER, **options, "locale": "en-US"})
            agent = Agent.sit_down(context, stack)
            bring(agent)
            look(agent, lambda screen, state=state: folder / f"{state}-{screen}.png")  # type: ignore[misc]
            context.close()


def main() -> None:
    """Run a stack and a browser of its own."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".local" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    site.build(print)
    with tempfile.TemporaryDirectory() as state, LocalStack(StackOptions(state_dir=Path(state), port=0)) as stack:
        os.environ.update(stack.env)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
            take(browser, stack, folder, set(sys.argv[2:]) or set(STATES))
            browser.close()
    print(folder)


if __name__ == "__main__":
    main()

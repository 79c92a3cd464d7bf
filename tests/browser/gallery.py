"""Take pictures of every state on several screens, for people to look at.

    PYTHONPATH=functions python -m tests.browser.gallery [FOLDER]

They land in .local/screenshots unless a folder is named.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from infra.local import site
from infra.local.stack import ROOT, LocalStack, StackOptions
from tests.browser.agent import Agent
from tests.browser.conftest import CHROMIUM_ARGS
from tests.browser.states import STATES

SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "phone-dark": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": "dark",
    },
    "narrow": {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True},
    "large-text": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "desktop-dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}


def take(browser: Browser, stack: LocalStack, folder: Path) -> None:
    """Take every picture."""
    for screen, options in SCREENS.items():
        for state, bring in STATES.items():
            context = browser.new_context(**options, locale="en-US")
            agent = Agent.sit_down(context, stack)
            bring(agent)
            if screen == "large-text":
                agent.page.evaluate("document.documentElement.style.fontSize = '200%'")
            agent.screenshot(folder / f"{state}-{screen}.png")
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
            take(browser, stack, folder)
            browser.close()
    print(folder)


if __name__ == "__main__":
    main()

"""A plan as text that a person can read: every command with its reason, in the order in which they would be run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from infra.gcp.preflight import Look
from infra.gcp.steps import Item, Local, Lookup, Part

_EXPLANATION = (
    "Nothing below has been run. 'Check' lines only read; where a check finds everything as it should be, the commands under "
    "it are not run. 'If it exists' is run in place of the command above it. ${FOUND} and ${HELD} come from the check. What "
    "fails only because Google needs a moment is tried again for up to 11 minutes."
)


def script(looks: Iterable[Look], parts: Iterable[Part], heading: str) -> str:
    """Return all commands of a plan with their reasons.

    Args:
        looks: What is looked at before anything is changed.
        parts: The plan.
        heading: First line of the comment on top.
    """
    lines = [*_comment(heading), *_comment(_EXPLANATION), "", "# === Before anything is changed"]
    lines += [f"# Check {look.name}: {look.command.shell()}" for look in looks]
    for part in parts:
        lines += ["", f"# === {part.title}"]
        for item in part.items:
            lines += ["", *_item(item)]
    return "\n".join(lines) + "\n"


def _item(item: Item) -> Iterator[str]:
    if isinstance(item, Lookup):
        yield from _comment(item.why)
        yield f"{item.variable}=$({item.command.shell()})"
        return
    yield from _comment(f"{item.name}: {item.why}")
    if isinstance(item, Local):
        yield "# (written by deploy.sh itself, on this machine)"
        return
    if item.look:
        yield f"# Check: {item.look.shell()}"
    yield from (command.shell() for command in item.create)
    yield from (f"# If it exists: {command.shell()}" for command in item.update or ())
    if item.refused:
        yield f"# If that is refused: {item.refused[1].shell()}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent="# ", subsequent_indent="#   ")

"""A plan as text: a bash script that a person can read, believe, and, if he likes, run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from infra.gcp.preflight import Look
from infra.gcp.steps import Command, Item, Local, Lookup, Part

_WIDTH = 118


def script(looks: Iterable[Look], parts: Iterable[Part], heading: str) -> str:
    """Return all commands of a plan with their reasons, in the order in which they would be run.

    Args:
        looks: What is looked at before anything is changed.
        parts: The plan.
        heading: First line of the comment on top.
    """
    lines = ["#!/usr/bin/env bash", *_comment(heading), *_comment(_EXPLANATION), "set -euo pipefail"]
    lines += ["", f"# === Before anything is changed {'=' * 77}"]
    for look in looks:
        lines.append(f"# {look.name}: {look.command.shell()}")
    for part in parts:
        lines += ["", f"# === {part.title} {'=' * max(3, 100 - len(part.title))}"]
        for item in part.items:
            lines += ["", *_item(item)]
    return "\n".join([*lines, "", 'echo "The form is at ${SITE_URL}"']) + "\n"


_EXPLANATION = (
    "Nothing below has been run. What Google has already is left as it is, or brought to what stands here by the line after "
    "`if it is there:`. Where `looks:` stands, that is asked first, and nothing is run if nothing differs. FOUND and HELD "
    "are what that answer says of the thing. What fails with something that passes by itself is tried again for 11 minutes."
)


def _item(item: Item) -> Iterator[str]:
    if isinstance(item, Lookup):
        yield from _comment(item.why)
        yield f"{item.variable}=$({item.command.shell()})"
        return
    yield from _comment(f"{item.name}: {item.why}")
    if isinstance(item, Local):
        yield item.does
        return
    if item.look:
        yield f"# looks: {item.look.shell()}"
    for command in item.update:
        yield f"# if it is there: {command.shell()}"
    if item.refused:
        yield f"# if that is refused: {item.refused[1].shell()}"
    for command in item.create:
        yield _wrapped(command)


def _wrapped(command: Command) -> str:
    """Break a long command between its arguments."""
    words = command.words()
    lines = [f"{command.stdin} | {words[0]}" if command.stdin else words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 > _WIDTH:
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")

"""What a deployment is made of: an ordered list of steps. Nothing here runs anything, so a plan can be printed and checked."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


@dataclass(frozen=True)
class Command:
    """One command line.

    Attributes:
        argv: Program and arguments; `${NAME}` stands for a value that an earlier `Lookup` found.
        stdin: Shell code whose output is piped in, such as a random key; bash runs it exactly as a plan shows it.
        limit_s: Seconds after which the command is stopped.
    """

    argv: tuple[str, ...]
    stdin: str = ""
    limit_s: float = 300

    def resolved(self, values: Mapping[str, str]) -> list[str]:
        """Return the arguments with every variable replaced; a KeyError names one without a value."""
        return [_VARIABLE.sub(lambda match: values[match[1]], argument) for argument in self.argv]

    def shell(self) -> str:
        """Return the line as a person would type it in bash."""
        line = " ".join(_quoted(argument) for argument in self.argv)
        return f"{self.stdin} | {line}" if self.stdin else line


def _quoted(argument: str) -> str:
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if not _VARIABLE.search(value):
        return f"{flag}{equals}{shlex.quote(value) if value else ''}"
    escaped = re.sub(r'(["\\`]|\$(?!\{[A-Z_]+\}))', r"\\\1", value)
    return f'{flag}{equals}"{escaped}"'


def gcloud(*arguments: str) -> Command:
    return Command(("gcloud", *arguments))


def curl(url: str, *arguments: str) -> Command:
    """Return a request to a Google API that gcloud has no command for; the token goes through a pipe and is never shown."""
    header = 'printf "Authorization: Bearer %s" "$(gcloud auth print-access-token)"'
    return Command(("curl", "--fail-with-body", "--silent", "--show-error", "--header", "@-", *arguments, url), header)


def taken(command: Command, expression: str) -> Command:
    """Return a command that prints one value, a Python expression of `found`, from the JSON that another one prints."""
    read = "import json, sys; found = json.load(sys.stdin)"
    code = f'{read}; sys.exit(found["error"]) if "error" in found else print({expression})'
    return Command(("python3", "-c", code), command.shell())


@dataclass(frozen=True)
class Step:
    """One thing that has to exist as described, and how it is deleted.

    Most gcloud commands can be repeated, so they are. Where a command creates something that exists, `update` runs. Only what
    takes minutes, or has a name that Google chose, is looked at first.

    Attributes:
        name: What it is, for the person who watches.
        why: Why it is needed, in one sentence.
        create: Commands that create it.
        update: Commands that change it if it exists; None if "already exists" is a failure.
        look: Prints JSON and changes nothing.
        compare: Takes that JSON (None if nothing was found) and the values so far. Returns True if nothing has to change, False
            if it has to be created, or the values for `update`.
        refused: What Google says (a regular expression) if `create` is refused, and the command to run then.
        slow: Whether it takes minutes.
        remove: Commands of `destroy`; none if it goes with something else, or stays.
        listed: Prints the names that Google chose, one per line; each is `${FOUND}` in `remove`.
        data: Whether it holds bills, so that only `destroy --with-data` deletes it.
    """

    name: str
    why: str
    create: tuple[Command, ...]
    update: tuple[Command, ...] | None = None
    look: Command | None = None
    compare: Callable[[Any, Mapping[str, str]], bool | dict[str, str]] = lambda found, _values: bool(found)
    refused: tuple[str, Command] | None = None
    slow: bool = False
    remove: tuple[Command, ...] = ()
    listed: Command | None = None
    data: bool = False


def resource(
    name: str,
    why: str,
    group: str,
    where: tuple[str, ...],
    create: tuple[str, ...] = (),
    update: tuple[str, ...] = (),
    kind: str = "",
) -> Step:
    """Return the usual step: create it, or update it if it exists; `destroy` deletes it.

    Args:
        name: What it is, for the person.
        why: Why it is needed.
        group: gcloud's command group.
        where: Its name and the flags that say where it is.
        create: Further flags of `create`.
        update: Further flags of `update`; without any it is left alone.
        kind: Word after the verb, as in `scheduler jobs create http`.
    """
    words, kinds = group.split(), (kind,) if kind else ()
    return Step(
        name,
        why,
        (gcloud(*words, "create", *kinds, *where, *create),),
        (gcloud(*words, "update", *kinds, *where, *update),) if update else (),
        remove=(gcloud(*words, "delete", *where, "--quiet"),),
    )


@dataclass(frozen=True)
class Lookup:
    """A value that only Google knows, kept under a name for later commands; without a default it has to exist."""

    variable: str
    why: str
    command: Command
    default: str | None = None


@dataclass(frozen=True)
class Local:
    """Something done on this machine, such as staging the source; `run` gets the values so far."""

    name: str
    why: str
    run: Callable[[Mapping[str, str]], None]


Item = Step | Lookup | Local


@dataclass(frozen=True)
class Part:
    """Steps under one heading, in the order in which they have to be done."""

    title: str
    items: tuple[Item, ...]


def commands(item: Item) -> Iterator[tuple[str, Command]]:
    """Yield the commands of an item, each with the comment that goes before it in a printed plan."""
    if isinstance(item, Lookup):
        yield f"{item.variable}=", item.command
    elif isinstance(item, Step):
        yield from [("# Check: ", item.look)] if item.look else []
        yield from (("", command) for command in item.create)
        yield from (("# If it exists: ", command) for command in item.update or ())
        yield from [("# If that is refused: ", item.refused[1])] if item.refused else []


def printed(part: Part) -> Iterator[str]:
    """Yield the lines of a part of a plan: every command with its reason."""
    yield from ("", f"# === {part.title}")
    for item in part.items:
        reason = item.why if isinstance(item, Lookup) else f"{item.name}: {item.why}"
        yield from ("", *comment(reason))
        if isinstance(item, Local):
            yield "# (deploy.sh does this on this machine.)"
        for prefix, command in commands(item):
            yield f"{prefix}$({command.shell()})" if prefix.endswith("=") else prefix + command.shell()


def comment(text: str) -> list[str]:
    """Return a text as comment lines."""
    return textwrap.wrap(text, 118, initial_indent="# ", subsequent_indent="#   ")

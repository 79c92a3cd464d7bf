"""What a deployment is made of: an ordered list of steps, each one or a few commands.

Nothing in here runs anything, so a plan can be printed, read, checked by gcloud's own parser, and compared with the last one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


@dataclass(frozen=True)
class Command:
    """One command line.

    Attributes:
        argv: Program and arguments; `${NAME}` stands for a value that an earlier `Lookup` has found.
        stdin: Shell text of what is piped in, such as a random key; "" for nothing. It is run by `bash`, so that what a plan
            shows is what happens.
        limit_s: How long it may run, seconds; a command that hangs is stopped and named.
    """

    argv: tuple[str, ...]
    stdin: str = ""
    limit_s: float = 300

    def resolved(self, values: Mapping[str, str]) -> list[str]:
        """Return the arguments with every variable replaced.

        Raises:
            KeyError: A variable has no value yet.
        """
        return [_VARIABLE.sub(lambda match: values[match[1]], argument) for argument in self.argv]

    def shell(self) -> str:
        """Return the line as a person would type it in bash."""
        line = " ".join(self.words())
        return f"{self.stdin} | {line}" if self.stdin else line

    def words(self) -> list[str]:
        """Return the arguments, each quoted for bash."""
        return [_quoted(argument) for argument in self.argv]


def _quoted(argument: str) -> str:
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if not _VARIABLE.search(value):
        return f"{flag}{equals}{shlex.quote(value) if value else ''}"
    escaped = re.sub(r'(["\\`]|\$(?!\{[A-Z_]+\}))', r"\\\1", value)
    return f'{flag}{equals}"{escaped}"'


def gcloud(*arguments: str) -> Command:
    """Return a gcloud command."""
    return Command(("gcloud", *arguments))


def curl(url: str, *arguments: str) -> Command:
    """Return a request to an API of Google that gcloud has no command for, as the account that gcloud uses.

    The token goes through a pipe, so it is in no argument and in no plan.
    """
    header = 'printf "Authorization: Bearer %s" "$(gcloud auth print-access-token)"'
    return Command(("curl", "--fail-with-body", "--silent", "--show-error", "--header", "@-", *arguments, url), header)


def taken(command: Command, expression: str) -> Command:
    """Return a command that prints one value of the JSON that another one prints.

    Args:
        command: Prints JSON; it may hold no variable.
        expression: Python, with the parsed JSON as `found`.
    """
    read = "import json, sys; found = json.load(sys.stdin)"
    code = f'{read}; sys.exit(found["error"]) if "error" in found else print({expression})'
    return Command(("python3", "-c", code), command.shell())


Judge = Callable[[Any, Mapping[str, str]], bool | dict[str, str]]


@dataclass(frozen=True)
class Step:
    """One thing that has to be there as it is described here, and how it is taken away again.

    Most of gcloud's commands may be run again and again, so they simply are. Where one makes something that is there already,
    `update` is run. Only what takes minutes or has a name that Google gave it is looked at first.

    Attributes:
        name: What it is, for the person who watches.
        why: Why it is there, in one sentence.
        create: Commands that make it.
        update: Commands that change it when it is there already, if any; None where "already exists" is a failure like any
            other.
        look: Prints JSON and changes nothing.
        judge: Takes that JSON, None where nothing was found, and the values looked up so far. Returns True where all is as it
            should be, False where it has to be made, or the values for `update`.
        refused: What Google says (a regular expression) where `create` is forbidden or taken, and the command to run then.
        slow: Whether a person should be told that this takes minutes.
        remove: Commands of `destroy`; none where it goes with something else or stays.
        listed: Prints the names that Google gave it, one a line; each is `${FOUND}` in `remove`.
        data: Whether it holds bills, so that it is taken away only when that is asked for.
    """

    name: str
    why: str
    create: tuple[Command, ...]
    update: tuple[Command, ...] | None = None
    look: Command | None = None
    judge: Judge = lambda found, _values: bool(found)
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
    """Return the usual step: create it, or update it where it exists; `destroy` deletes it.

    Args:
        name: What it is, for the person.
        why: Why it is there.
        group: gcloud's command group.
        where: Its name and the flags that say where it is.
        create: Further flags of `create`.
        update: Further flags of `update`; without any it is left as it is.
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
    """A value that only Google knows, kept under a name for later commands.

    Attributes:
        variable: Name in capitals.
        why: What it is needed for, in one sentence.
        command: Prints the value on one line.
        default: The value where there is none; without one that is an error.
    """

    variable: str
    why: str
    command: Command
    default: str | None = None


@dataclass(frozen=True)
class Local:
    """Something done on this machine, such as staging the source.

    Attributes:
        name: What it is.
        why: Why, in one sentence.
        run: Does it, given the values looked up so far.
    """

    name: str
    why: str
    run: Callable[[Mapping[str, str]], None]


Item = Step | Lookup | Local


@dataclass(frozen=True)
class Part:
    """Steps under one heading.

    Attributes:
        title: The heading.
        items: In the order in which they have to be done.
    """

    title: str
    items: tuple[Item, ...]

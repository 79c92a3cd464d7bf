"""Carrying a plan out: run each step, wait where Google needs a moment, stop at the first failure and say how to go on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from infra.gcp.deployment import ROOT
from infra.gcp.failures import ALREADY, WAITS_S, known
from infra.gcp.steps import Command, Local, Lookup, Part, Removal, Step, Verdict

_NOT_FOUND = re.compile(r"NOT_FOUND|not found|\b404\b|does not exist|Unknown service account", re.IGNORECASE)
# "Permission ... denied on resource (or it may not exist)": nobody can tell which, so it counts as a failure.
_DENIED = re.compile(r"PERMISSION_DENIED|permission .*denied|does not have permission|\b403\b", re.IGNORECASE)
_QUIET = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",  # a question nobody answers would stop everything
    "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",  # nothing of a deployment is left in the person's home
    "CI": "1",  # the Firebase CLI and npm then ask nothing either
}
_LAST_LINES = 12
_SLOW_ATTEMPTS = 4  # each of them takes minutes by itself

Done = subprocess.CompletedProcess[str]


class StepFailed(Exception):
    """A command failed; the message names the step, the command, what Google said, what is known of it, and how to go on."""


def run(command: Command, values: dict[str, str] | None = None) -> Done:
    """Run a command, asking nobody anything.

    Raises:
        StepFailed: The program is not there.
    """
    argv = command.resolved(values or {})
    if command.stdin:
        # A key or token is made and handed over inside the pipe: it is never in this process, in an argument, or on the screen.
        argv = ["bash", "-o", "pipefail", "-c", f'{command.stdin} | "$@"', "bash", *argv]
    try:
        return subprocess.run(  # noqa: S603 - our own commands
            argv,
            cwd=ROOT,
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,  # whatever asks all the same gets no answer
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as exc:
        raise StepFailed(f"{argv[0]} is not installed or not on the PATH.") from exc


def said(done: Done) -> str:
    """Return what a command that failed had to say; the Firebase CLI and curl say it on stdout."""
    return "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip()))) or "It said nothing."


def not_there(done: Done) -> bool:
    """Return whether a command that looks failed because the thing is not there."""
    return bool(done.returncode and _NOT_FOUND.search(said(done)) and not _DENIED.search(said(done)))


@dataclass(frozen=True)
class Runner:
    """Runs the commands of a plan.

    Attributes:
        say: Takes one line for the person.
        again: The command line that goes on after a failure.
        sleep: Waits, seconds.
        values: What the lookups found.
    """

    say: Callable[[str], None]
    again: str
    sleep: Callable[[float], None] = time.sleep
    values: dict[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def carry_out(self, parts: Iterable[Part]) -> None:
        """Do all steps in order.

        Raises:
            StepFailed: A command failed; what was done before it stays.
        """
        for part in parts:
            self.say(part.title)
            for item in part.items:
                if isinstance(item, Lookup):
                    self.look_up(item)
                elif isinstance(item, Local):
                    self._locally(item)
                else:
                    self.say(f"  {item.name}: {self._step(item)}")

    def remove(self, items: Iterable[Removal | Lookup]) -> int:
        """Take things away in order and return how many there were.

        Raises:
            StepFailed: A command failed.
        """
        removed = 0
        for item in items:
            if isinstance(item, Lookup):
                self.look_up(item)
                continue
            names = item.present(self._look(item.name, item.look))
            for name in names:
                for command in item.delete:
                    self._must(item.name, command, {"FOUND": name})
            self.say(f"  {item.name}: {'removed' if names else 'not there'}")
            removed += len(names)
            if names:
                self._seen.clear()
        return removed

    def look_up(self, lookup: Lookup) -> None:
        """Find a value.

        Raises:
            StepFailed: There is none, and no default; or the command failed.
        """
        done = self._patiently(lookup.command, {})
        value = done.stdout.strip()
        if done.returncode and not (lookup.default is not None and not_there(done)):
            raise self._failed(f"look up {lookup.variable}", lookup.command, said(done))
        if not value and lookup.default is None:
            raise self._failed(f"look up {lookup.variable}", lookup.command, "It printed nothing.")
        self.values[lookup.variable] = value or str(lookup.default)

    def _locally(self, item: Local) -> None:
        try:
            item.run(self.values)
        except (OSError, RuntimeError) as exc:
            raise StepFailed(self._sentence(item.name, item.does, str(exc))) from exc
        self.say(f"  {item.name}: done")

    def _step(self, step: Step) -> str:
        """Do one step and return what came of it, in a word or two."""
        commands, outcome = step.create, "done"
        extra: dict[str, str] = {}
        if step.look:
            found = self._look(step.name, step.look)
            verdict = step.compare(found, self.values)
            if verdict is Verdict.SAME:
                return "already as it should be"
            outcome = "made" if verdict is Verdict.MISSING else "changed"
            if verdict is Verdict.DIFFERS:
                commands, extra = step.update or step.create, dict(step.found(found, self.values))
        if step.slow:
            self.say(f"  {step.name}: this takes a few minutes")
        for command in commands:
            done = self._patiently(command, extra, slow=step.slow)
            if not done.returncode:
                continue
            if step.refused and re.search(step.refused[0], said(done)):
                self._must(step.name, step.refused[1], extra)
            elif commands is step.create and ALREADY.search(said(done)):
                for again in step.update:
                    self._must(step.name, again, extra)
                outcome = "updated" if step.update else "already there"
            else:
                raise self._failed(step.name, command, said(done))
            break
        self._seen.clear()  # a change may show in any of the answers kept
        return outcome

    def _must(self, name: str, command: Command, extra: dict[str, str]) -> None:
        done = self._patiently(command, extra)
        if done.returncode:
            raise self._failed(name, command, said(done))

    def _look(self, name: str, look: Command) -> Any:
        """Return what a look prints, or None where the thing is not there; several steps may share one look."""
        key = tuple(look.resolved(self.values))
        if key not in self._seen:
            done = self._patiently(look, {})
            missing = not_there(done)
            if done.returncode and not missing:
                raise self._failed(name, look, said(done))
            try:
                self._seen[key] = None if missing else json.loads(done.stdout or "null")
            except ValueError as exc:
                raise self._failed(name, look, "Its answer is not JSON.") from exc
        return self._seen[key]

    def _patiently(self, command: Command, extra: dict[str, str], *, slow: bool = False) -> Done:
        """Run a command, again and again while it fails with something that passes by itself."""
        values = {**self.values, **extra}
        for wait in WAITS_S[-_SLOW_ATTEMPTS:] if slow else WAITS_S:
            done = run(command, values)
            failure = known(said(done)) if done.returncode and not ALREADY.search(said(done)) else None
            if failure is None or not failure.passes:
                return done
            self.say(f"    {failure.means} Trying again in {wait} s.")
            self.sleep(wait)
        return run(command, values)

    def _failed(self, name: str, command: Command, text: str) -> StepFailed:
        return StepFailed(self._sentence(name, command.shell(), text))

    def _sentence(self, name: str, command: str, text: str) -> str:
        lines = [line for line in text.strip().splitlines() if line.strip()][-_LAST_LINES:]
        failure = known(text)
        return "\n".join(
            [
                f"Stopped at: {name}",
                f"  the command was  {command}",
                *(f"  | {line}" for line in lines),
                *([failure.means, f"  (source: {failure.source})"] if failure else []),
                "What was done so far stays. When the cause is mended, the same command goes on from here:",
                f"  {self.again}",
            ]
        )

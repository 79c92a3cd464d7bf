"""Carrying a plan out: look, judge, and only then do; stop at the first failure and say how to go on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from infra.gcp.deployment import ROOT
from infra.gcp.steps import Command, Local, Lookup, Part, Removal, Step, Verdict

_NOT_FOUND = re.compile(
    r"NOT_FOUND|not found|\b404\b|Cannot find|does not exist|Unknown service account", re.IGNORECASE
)
# "Permission ... denied on resource (or it may not exist)": nobody can tell which, so it counts as a failure.
_DENIED = re.compile(r"PERMISSION_DENIED|permission .*denied|does not have permission|\b403\b", re.IGNORECASE)
_QUIET = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",  # a question nobody answers would stop everything
    "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",  # nothing of a deployment is left in the person's home
    "CI": "1",  # the Firebase CLI and npm then ask nothing either
}
_LAST_LINES = 12


class StepFailed(Exception):
    """A command of a step failed; the message names the step, the command, what it said, and how to go on."""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        made: Names of the steps that made something.
        mended: Names of those that changed something.
        as_wanted: How many were as wanted.
        values: What the lookups found.
    """

    made: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    as_wanted: int = 0
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Runner:
    """Runs the commands of a plan.

    Attributes:
        say: Takes one line for the person.
        again: The command line that goes on after a failure.
    """

    say: Callable[[str], None]
    again: str
    _seen: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def carry_out(self, parts: Iterable[Part]) -> Outcome:
        """Do all steps in order.

        Raises:
            StepFailed: A command failed; what was done before it stays, and a next run finds it as wanted.
        """
        outcome = Outcome()
        for part in parts:
            self.say(f"{part.title}")
            for item in part.items:
                if isinstance(item, Lookup):
                    outcome.values[item.variable] = self._look_up(item, outcome.values)
                elif isinstance(item, Local):
                    self._locally(item, outcome.values)
                else:
                    self._step(item, outcome)
        return outcome

    def remove(self, removals: Iterable[Removal]) -> int:
        """Take things away in order and return how many there were.

        Raises:
            StepFailed: A command failed.
        """
        removed = 0
        for removal in removals:
            names = removal.present(self._look(removal.name, removal.look, {}))
            self.say(f"  {removal.name}: {'removing it' if names else 'not there'}")
            for name in names:
                for command in removal.delete:
                    self._must(removal.name, command, {"FOUND": name})
                removed += 1
            if names:
                self._seen.clear()
        return removed

    def _locally(self, item: Local, values: dict[str, str]) -> None:
        self.say(f"  {item.name}")
        try:
            item.run(values)
        except (OSError, RuntimeError) as exc:
            raise StepFailed(self._sentence(item.name, item.does, str(exc))) from exc

    def _look_up(self, lookup: Lookup, values: dict[str, str]) -> str:
        done = self._run(lookup.command, values)
        value = done.stdout.strip()
        if done.returncode or not value:
            said = done.stderr or "It answered nothing."
            raise StepFailed(self._sentence(f"look up {lookup.variable}", lookup.command.shell(), said))
        return value

    def _step(self, step: Step, outcome: Outcome) -> None:
        found = self._look(step.name, step.look, outcome.values) if step.look else None
        try:
            verdict = step.judge(found) if step.look else Verdict.MISSING
        except RuntimeError as exc:
            raise StepFailed(f"Stopped at: {step.name}\n  {exc}") from exc
        if verdict is Verdict.AS_WANTED:
            outcome.as_wanted += 1
            self.say(f"  {step.name}: as wanted")
            return
        mend = verdict is Verdict.DIFFERS
        self.say(f"  {step.name}: {'differs; changing it' if mend else 'making it'}{_patience(step)}")
        values = outcome.values
        if mend and step.update:
            values = {**values, "FOUND": step.found_name(found)}
        for command in (mend and step.update) or step.create:
            self._must(step.name, command, values)
        self._seen.clear()  # a change may show in any of the answers kept
        (outcome.mended if mend else outcome.made).append(step.name)

    def _must(self, name: str, command: Command, values: dict[str, str]) -> None:
        done = self._run(command, values)
        if done.returncode:
            raise StepFailed(self._sentence(name, command.shell(), done.stderr or done.stdout))

    def _look(self, name: str, look: Command, values: dict[str, str]) -> Any:
        """Return what a look prints, or None where the thing is not there; several steps may share one look."""
        key = tuple(look.resolved(values))
        if key not in self._seen:
            done = self._run(look, values)
            missing = done.returncode and _NOT_FOUND.search(done.stderr) and not _DENIED.search(done.stderr)
            if done.returncode and not missing:
                raise StepFailed(self._sentence(name, look.shell(), done.stderr or done.stdout))
            try:
                self._seen[key] = None if missing else json.loads(done.stdout or "null")
            except ValueError as exc:
                raise StepFailed(self._sentence(name, look.shell(), "Its answer is not JSON.")) from exc
        return self._seen[key]

    def _run(self, command: Command, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
        argv = command.resolved(values)
        if command.stdin:
            # The key is made and handed over inside the pipe: it is never in this process, in an argument, or on the screen.
            argv = ["bash", "-o", "pipefail", "-c", f'{command.stdin} | "$@"', "bash", *argv]
        try:
            return subprocess.run(  # noqa: S603 - the plan's own commands
                argv, cwd=ROOT, env={**os.environ, **_QUIET}, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as exc:
            raise StepFailed(
                f"{argv[0]} is not installed or not on the PATH. Install it and run again: {self.again}"
            ) from exc

    def _sentence(self, name: str, command: str, said: str) -> str:
        lines = [line for line in said.strip().splitlines() if line.strip()][-_LAST_LINES:]
        return "\n".join(
            [
                f"Stopped at: {name}",
                f"  the command was  {command}",
                *(f"  | {line}" for line in lines),
                "What was done before this stays as it is. Mend the cause, then go on with the same command:",
                f"  {self.again}",
                "Right after a project or a service account was made, Google may need a few minutes to know it everywhere;",
                "then the same command is all that is needed.",
            ]
        )


def _patience(step: Step) -> str:
    return " (this takes a few minutes)" if step.slow else ""

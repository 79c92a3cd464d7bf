"""Running a plan: each step in order, with a time limit and with retries while Google is not ready, until the first failure."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from infra.gcp.deployment import ROOT
from infra.gcp.failures import ALREADY, WAITS_S, known
from infra.gcp.steps import Command, Local, Lookup, Part, Step

_NOT_FOUND = re.compile(r"NOT_FOUND|not found|\b404\b|does not exist|Unknown service account", re.IGNORECASE)
# "Permission ... denied on resource (or it may not exist)" leaves open which, so it counts as a failure.
_DENIED = re.compile(r"PERMISSION_DENIED|permission .*denied|does not have permission|\b403\b", re.IGNORECASE)
_QUIET = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",  # a question that nobody answers would block the run
    "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",  # a deployment leaves no files in the person's home
    "CI": "1",  # the Firebase CLI and npm then ask nothing either
}
_LAST_LINES = 12
_SLOW_ATTEMPTS = 4  # each takes minutes by itself

Done = subprocess.CompletedProcess[str]


class StepFailed(Exception):
    """A command failed; the message names the step, the command, Google's answer, the cause, and how to continue."""


class TimedOut(StepFailed):
    """A command did not finish within its time limit and was stopped."""


def run(command: Command, values: dict[str, str] | None = None) -> Done:
    """Run a command without any prompt.

    Raises:
        StepFailed: The program is missing.
        TimedOut: The command took too long; it and its child processes were stopped.
    """
    argv = command.resolved(values or {})
    if command.stdin:
        # A key or token stays inside the pipe: it is never in this process, in an argument, or on the screen.
        argv = ["bash", "-o", "pipefail", "-c", f'{command.stdin} | "$@"', "bash", *argv]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            argv,
            cwd=ROOT,
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,  # a prompt gets no answer
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,  # so that npx and pipes can be stopped as a whole
        )
    except FileNotFoundError as exc:
        raise StepFailed(f"{argv[0]} is not installed or not on the PATH.") from exc
    try:
        stdout, stderr = process.communicate(timeout=command.limit_s)
    except BaseException as exc:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if not isinstance(exc, subprocess.TimeoutExpired):
            raise
        raise TimedOut(
            f"This command did not finish within {command.limit_s / 60:g} minutes and was stopped:\n  {command.shell()}\n"
            "Check the network and https://status.cloud.google.com, then run the same command again. "
            "If Google is still working on it, the next run waits."
        ) from exc
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def output(command: Command) -> str:
    """Run a command and return what it printed.

    Raises:
        StepFailed: It failed.
    """
    done = run(command)
    if done.returncode:
        raise StepFailed(f"This command failed:\n  {command.shell()}\n{said(done)}")
    return done.stdout


def said(done: Done) -> str:
    """Return what a failed command printed; the Firebase CLI and curl use stdout for it."""
    return "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip()))) or "It printed nothing."


def not_there(done: Done) -> bool:
    """Return whether a command failed because the thing does not exist."""
    return bool(done.returncode and _NOT_FOUND.search(said(done)) and not _DENIED.search(said(done)))


def _is_there(done: Done) -> bool:
    return bool(ALREADY.search(said(done)))


@dataclass(frozen=True)
class Runner:
    """Runs the commands of a plan.

    Attributes:
        again: The command line that continues after a failure.
        sleep: Waits, in seconds.
        values: What the lookups found.
    """

    again: str
    sleep: Callable[[float], None] = time.sleep
    values: dict[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def apply(self, parts: Iterable[Part]) -> None:
        """Run all steps in order; a StepFailed leaves what was done before it."""
        for part in parts:
            print(part.title)
            for item in part.items:
                if isinstance(item, Lookup):
                    self.look_up(item)
                else:
                    print(f"  {item.name}: {self._local(item) if isinstance(item, Local) else self._step(item)}")

    def remove(self, items: Iterable[Step | Lookup]) -> None:
        """Delete things in order, and skip what does not exist; a StepFailed leaves what was done before it."""
        for item in items:
            if isinstance(item, Lookup):
                self.look_up(item)
                continue
            names = self._must(item.name, item.listed, {}).stdout.split() if item.listed else [""]
            removed = False
            for name in names:
                for command in item.remove:
                    done = self._patiently(command, {"FOUND": name}, fine=not_there)
                    if done.returncode and not not_there(done):
                        raise self._failed(item.name, command, said(done))
                    removed = removed or not done.returncode
            print(f"  {item.name}: {'deleted' if removed else 'does not exist'}")

    def look_up(self, lookup: Lookup) -> None:
        """Find a value; a StepFailed says that there is none and no default, or that the command failed."""
        done = self._patiently(lookup.command, {})
        value = done.stdout.strip()
        if done.returncode and not (lookup.default is not None and not_there(done)):
            raise self._failed(f"look up {lookup.variable}", lookup.command, said(done))
        if not value and lookup.default is None:
            raise self._failed(f"look up {lookup.variable}", lookup.command, "It printed nothing.")
        self.values[lookup.variable] = value or str(lookup.default)

    def _local(self, item: Local) -> str:
        try:
            item.run(self.values)
        except (OSError, RuntimeError) as exc:
            raise StepFailed(self._sentence(item.name, item.why, str(exc))) from exc
        return "done"

    def _step(self, step: Step) -> str:
        """Run one step and return its outcome in a few words."""
        commands, outcome, extra = step.create, "done", {}
        if step.look:
            held = step.compare(self._look(step.name, step.look), self.values)
            if held is True:
                return "no change"
            if isinstance(held, dict):
                commands, outcome, extra = step.update or (), "updated", held
        if step.slow:
            print(f"  {step.name}: this takes a few minutes")
        for command in commands:
            done = self._patiently(command, extra, slow=step.slow)
            if not done.returncode:
                continue
            if step.refused and re.search(step.refused[0], said(done)):
                self._must(step.name, step.refused[1], extra)
            elif step.update is not None and commands is step.create and _is_there(done):
                for again in step.update:
                    self._must(step.name, again, extra)
                outcome = "updated" if step.update else "exists"
            else:
                raise self._failed(step.name, command, said(done))
            break
        self._seen.clear()  # a change may affect any of the cached answers
        return outcome

    def _must(self, name: str, command: Command, extra: dict[str, str]) -> Done:
        done = self._patiently(command, extra)
        if done.returncode:
            raise self._failed(name, command, said(done))
        return done

    def _look(self, name: str, look: Command) -> Any:
        """Return what a look prints, or None if the thing does not exist; several steps may share one look."""
        key = tuple(look.resolved(self.values))
        if key not in self._seen:
            done = self._patiently(look, {})
            if done.returncode and not not_there(done):
                raise self._failed(name, look, said(done))
            try:
                self._seen[key] = None if done.returncode else json.loads(done.stdout or "null")
            except ValueError as exc:
                raise self._failed(name, look, "Its answer is not JSON.") from exc
        return self._seen[key]

    def _patiently(
        self, command: Command, extra: dict[str, str], *, slow: bool = False, fine: Callable[[Done], bool] = _is_there
    ) -> Done:
        """Run a command, and retry while it fails with something that passes by itself."""
        values = {**self.values, **extra}
        for wait in WAITS_S[-_SLOW_ATTEMPTS:] if slow else WAITS_S:
            done = run(command, values)
            failure = known(said(done)) if done.returncode and not fine(done) else None
            if failure is None or not failure.passes:
                return done
            print(f"    {failure.means} Trying again in {wait} s.")
            self.sleep(wait)
        return run(command, values)

    def _failed(self, name: str, command: Command, text: str) -> StepFailed:
        return StepFailed(self._sentence(name, command.shell(), text))

    def _sentence(self, name: str, command: str, text: str) -> str:
        lines = [f"  | {line}" for line in text.splitlines() if line.strip()][-_LAST_LINES:]
        failure = known(text)
        cause = [failure.means, f"  (source: {failure.source})"] if failure else []
        after = "Everything done so far is kept. After you fix the cause, continue with the same command:"
        return "\n".join([f"Stopped at: {name}", f"  command: {command}", *lines, *cause, after, f"  {self.again}"])

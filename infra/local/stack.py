"""The whole product on one machine: Google's emulators, the stand-ins, the five functions and what stands before them.

    with LocalStack(StackOptions(state_dir=tmp_path, port=0)) as stack:
        requests.post(f"{stack.url}/submit", ...)

Firestore and Pub/Sub forget everything when they stop; bills and the sheet stay in the state folder.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import requests

from infra.local import emulators, pubsub
from infra.local.layout import BUCKET, EMULATORS, PROJECT, STAND_INS, TOPICS, Layout
from infra.local.options import ROOT, StackOptions
from infra.local.ports import port_answers
from infra.local.processes import Child, Spawner, StackError, stop_all
from infra.local.state import StateDir
from infra.spec import load

__all__ = ["ROOT", "LocalStack", "StackOptions"]

# A cold, busy machine takes a good part of a minute to bring up two JVMs and eight Python processes.
_START_TIMEOUT_S = 120.0
_POLL_S = 0.05
_HTTP_TIMEOUT_S = 5.0
_T = TypeVar("_T")


def _given(option: _T | None, otherwise: _T) -> _T:
    return otherwise if option is None else option


class LocalStack:
    """One stack; a context manager that starts it and stops all of it.

    Attributes:
        url: Address of the site.
        env: Environment that leads the official clients, and the functions, to this stack.
        control: Base URL of the control endpoints of `vision` and `sheets`.
        sheet_url: The sheet as a page.
    """

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        self._specs, delivery = load()
        self._delivery = replace(
            delivery,
            retry_min_backoff_s=_given(options.retry_min_backoff_s, delivery.retry_min_backoff_s),
            retry_max_backoff_s=_given(options.retry_max_backoff_s, delivery.retry_max_backoff_s),
            max_delivery_attempts=_given(options.max_delivery_attempts, delivery.max_delivery_attempts),
        )
        self._state = StateDir(options.state_dir)
        self._spawner = Spawner()
        self._children: dict[str, Child] = {}
        self._stopping = threading.Event()
        self._sweeper: threading.Thread | None = None
        self.url = ""
        self.sheet_url = ""
        self.env: dict[str, str] = {}
        self.control: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    # --- from start to stop -----------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when all of it answers.

        Raises:
            StackError: Something is missing, in use or does not start; the message says which and what to do.
        """
        tools = emulators.find(self._options.say)
        if ended := self._state.acquire():
            self._options.say(f"Ended {ended} processes that a killed stack had left behind.")
        self._layout = Layout.choose(self._options, self._specs, self._state)
        self.url, self.sheet_url, self.env = self._layout.url, self._layout.sheet_url, self._layout.env
        self.control = {name: f"http://{self._layout.address(f'{name}-control')}" for name in STAND_INS}
        self._children = {child.name: child for child in self._layout.children(tools, self._state)}
        for child in self._children.values():
            self._spawner.start(child)
            self._state.write(self.url, self.env, self._children.values())
        self._wait_ready(EMULATORS)
        self._create_resources()
        self._wait_ready(self._children)
        if self._options.sweep_seconds is not None:
            self._sweeper = threading.Thread(target=self._sweep_regularly, name="sweeper", daemon=True)
            self._sweeper.start()

    def stop(self) -> None:
        """Stop all in order: first what brings work, then the functions, then what they work with."""
        self._stopping.set()
        if self._sweeper:
            self._sweeper.join(timeout=_HTTP_TIMEOUT_S)
        others = {"gateway", *STAND_INS, *EMULATORS}
        for group in (["gateway"], [name for name in self._children if name not in others], [*STAND_INS, *EMULATORS]):
            stop_all(self._children[name] for name in group if name in self._children)
        self._spawner.close()
        if self._children:
            self._state.forget()
        self._state.release()

    # --- for whoever uses the stack ---------------------------------------------------------------

    def function_url(self, name: str) -> str:
        """Return the address of function `name` behind Cloud Run's front, like its run.app address in production."""
        return self._layout.function_url(name)

    def kill(self, name: str) -> None:
        """Kill function `name` in all its instances (SIGKILL), or a process of the stack such as `vision`."""
        for instance in self._layout.instances(name):
            self._children[instance].kill()

    def pause(self, name: str) -> None:
        """Let function `name`, or another process of the stack, hang (SIGSTOP): connections stay, nothing answers."""
        for instance in self._layout.instances(name):
            self._children[instance].signal_tree(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let what was paused go on."""
        for instance in self._layout.instances(name):
            self._children[instance].signal_tree(signal.SIGCONT)

    def restart(self, name: str, env: Mapping[str, str] | None = None, *, gently: bool = False) -> None:
        """Start function `name`, or another process of the stack, again on the same port; wait until it answers.

        Pub/Sub comes back without its messages, but with topics and subscriptions; Firestore comes back empty.

        Args:
            name: As for `kill`; what still runs is ended first.
            env: Environment to change; stays until the next restart that changes it.
            gently: End it with SIGTERM, so that it can write down what it holds, and not with SIGKILL.
        """
        if gently:
            stop_all(self._children[instance] for instance in self._layout.instances(name))
        self.kill(name)
        instances = self._layout.instances(name)
        for instance in instances:
            child = self._children[instance]
            child.env = {**child.env, **(env or {})}
            self._spawner.start(child)
        self._state.write(self.url, self.env, self._children.values())
        self._wait_ready(instances)
        if name == "pubsub":
            self._create_resources()

    def memory(self) -> dict[str, float]:
        """Return the memory of every instance of every function in MiB, gunicorn's master included."""
        instances = [instance for name in self._specs for instance in self._layout.instances(name)]
        return {name: self._children[name].memory_mb() for name in instances}

    def pid(self, name: str) -> int | None:
        """Return the process id of an instance or process while it runs."""
        identity = self._children[name].identity
        return identity.pid if identity and self._children[name].running else None

    def logs(self, name: str) -> Path:
        """Return the log file of an instance or process, such as `ocr`, `ocr-2` or `pubsub`."""
        return self._children[name].log_path

    def log_names(self) -> list[str]:
        """Return the names that `logs` takes."""
        return list(self._children)

    def sweep(self) -> requests.Response:
        """Run function `sweep` once, as Cloud Scheduler does, and return its answer."""
        return requests.post(self.function_url("sweep"), timeout=self._specs["sweep"].timeout_s)

    def ended(self) -> list[Child]:
        """Return the processes that ended although nobody stopped them."""
        return [child for child in self._children.values() if child.exit_code is not None]

    def is_function(self, name: str) -> bool:
        """Return whether the process `name` is an instance of a function."""
        return any(name in self._layout.instances(function) for function in self._specs)

    # --- parts of the start -----------------------------------------------------------------------

    def _wait_ready(self, names: Iterable[str]) -> None:
        """Wait until the named processes answer; StackError when one ends or the deadline passes."""
        pending = list(names)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while pending:
            for name in pending:
                if not self._children[name].running:
                    raise StackError(self._children[name].describe_exit())
            pending = [name for name in pending if not self._answers(name)]
            if pending and time.monotonic() > deadline:
                child = self._children[pending[0]]
                raise StackError(
                    f"{child.name} did not answer within {_START_TIMEOUT_S:.0f} s."
                    f" The end of {child.log_path}:\n{child.last_lines()}"
                )
            if pending:
                time.sleep(_POLL_S)

    def _answers(self, name: str) -> bool:
        # The emulators listen before they can answer; all others listen when they are ready.
        if name not in EMULATORS:
            return port_answers(self._layout.ports[name])
        path = "/storage/v1/b" if name == "storage" else "/"
        try:
            return requests.get(f"http://{self._layout.address(name)}{path}", timeout=_HTTP_TIMEOUT_S).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def _create_resources(self) -> None:
        url = f"{self.env['STORAGE_EMULATOR_HOST']}/storage/v1/b"
        answer = requests.post(url, params={"project": PROJECT}, json={"name": BUCKET}, timeout=_HTTP_TIMEOUT_S)
        if answer.status_code not in (200, 409):  # 409: it is there from last time
            raise StackError(
                f"The Storage emulator did not make the bucket {BUCKET}: {answer.status_code} {answer.text}"
            )
        endpoints = {
            TOPICS[spec.trigger]: self.function_url(spec.name)
            for spec in self._specs.values()
            if spec.trigger in TOPICS
        }
        pubsub.create(self.env["PUBSUB_EMULATOR_HOST"], PROJECT, endpoints, self._delivery)

    def _sweep_regularly(self) -> None:
        while not self._stopping.wait(self._options.sweep_seconds):
            try:
                requests.post(self.function_url("sweep"), timeout=_HTTP_TIMEOUT_S)
            except requests.RequestException:
                continue  # the front's log has it; the next turn comes as Cloud Scheduler's would

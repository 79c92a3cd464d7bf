"""The deployment that is checked: on Google Cloud or on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.gcp import hosting
from infra.gcp.apply import run, said
from infra.gcp.deployment import ROOT, Deployment
from infra.gcp.steps import Command, gcloud
from infra.local import state

if TYPE_CHECKING:
    from intake.cloud.sheets_client import Book
    from intake.services import Services


class NotHere(Exception):
    """Something cannot be shown on this deployment; the message says why."""


class Wrong(Exception):
    """Google does not do what the code relies on; the message says what it did instead."""


@dataclass(frozen=True)
class Target:
    """One deployment.

    Attributes:
        url: Address of the form.
        env: Environment of the functions, as far as clients need it.
        deployment: Its names at Google; None on this machine.
        logs: Folder of the functions' logs on this machine.
    """

    url: str
    env: Mapping[str, str]
    deployment: Deployment | None
    logs: Path | None

    @property
    def services(self) -> Services:
        """The clients, made by the same code as in the functions."""
        from intake.services import Services

        return Services(self.env)

    @property
    def book(self) -> Book:
        """The spreadsheet.

        Raises:
            NotHere: None is configured.
        """
        from intake.cloud.sheets_client import Book, client_for

        settings = self.services.settings
        if not settings.sheet_id:
            raise NotHere("no Sheet is configured; give --sheet")
        return Book(client_for(settings), settings.sheet_id)

    def google(self, command: Command) -> str:
        """Return what a command that only reads prints.

        Raises:
            NotHere: This is no deployment on Google Cloud, or the command was refused.
        """
        if self.deployment is None:
            raise NotHere("only on Google Cloud")
        done = run(command)
        if done.returncode:
            raise NotHere(f"gcloud: {said(done).splitlines()[-1]}")
        return done.stdout


def local() -> Target:
    """Return the stack that runs on this machine.

    Raises:
        NotHere: None runs.
    """
    path = Path(os.environ.get("GREENWATT_STACK_FILE") or ROOT / ".local" / state.STATE_FILE)
    stack = state.read(path)
    if stack is None or not stack.running:
        raise NotHere(f"No local stack runs ({path} names none). Start one: ./deploy.sh local")
    return _ready(Target(stack.url, stack.env, None, path.parent / "logs"))


def cloud(deployment: Deployment) -> Target:
    """Return a deployment on Google Cloud; the clients use application-default credentials.

    Raises:
        NotHere: It cannot be seen.
    """
    where = ("record", "--gen2", deployment.project_flag, f"--region={deployment.region}", "--format=json")
    described = run(gcloud("functions", "describe", *where))  # gcloud says at once when nobody is logged in
    if described.returncode:
        raise NotHere(f"The deployment cannot be seen: {said(described)}")
    found = {lookup.variable: run(lookup.command) for lookup in hosting.site_lookups(deployment)}
    for done in found.values():
        if done.returncode:
            raise NotHere(f"The site cannot be seen: {said(done)}")
    held = json.loads(described.stdout)["serviceConfig"]["environmentVariables"]
    env = {**held, **({"SHEET_ID": deployment.sheet} if deployment.sheet else {})}
    return _ready(Target(found["SITE_URL"].stdout.strip(), env, deployment, None))


def _ready(target: Target) -> Target:
    """Let the official clients and the functions' modules be found in this process."""
    os.environ.update(target.env)
    functions = str(ROOT / "functions")
    if functions not in sys.path:
        sys.path.append(functions)
    return target

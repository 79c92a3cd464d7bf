"""The deployment that is checked: on Google Cloud or on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.gcp import hosting
from infra.gcp.apply import run, said
from infra.gcp.deployment import ROOT, Deployment
from infra.gcp.steps import Command, gcloud
from infra.local import state

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from intake.cloud.sheets.client import Book
    from intake.services import Services

STRANGER = "progress"
"""The account of a function that is neither on the Sheet nor in the Shared Drive."""


class NotHere(Exception):
    """Something cannot be tested on this deployment; the message says why."""


class Wrong(Exception):
    """Google does not do what the code relies on; the message says what it does."""


@dataclass(frozen=True)
class Target:
    """One deployment: `deployment` is None on this machine, where `logs` is the folder of the functions' logs.

    `env` is what clients need of the functions' environment, and `intake` the document of the sample bill at its end.
    """

    url: str
    env: Mapping[str, str]
    deployment: Deployment | None = None
    logs: Path = Path()
    intake: Mapping[str, Any] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """The clients, made by the same code as in the functions."""
        from intake.services import Services

        return Services(self.env)

    @property
    def book(self) -> Book:
        """The spreadsheet; NotHere if none is configured."""
        from intake.cloud.sheets.client import Book, client_for

        settings = self.services.settings
        if not settings.sheet_id:
            raise NotHere("no Sheet is configured; give --sheet")
        return Book(client_for(settings), settings.sheet_id)

    @property
    def strangers_book(self) -> Book:
        """The spreadsheet, for an account that it is not shared with."""
        import gspread
        from intake.cloud.sheets.client import SCOPE, Book

        return Book(gspread.HTTPClient(self.stranger(SCOPE)), self.book.id)

    def pubsub(self) -> tuple[Any, Any]:
        """Return a publisher and a subscriber."""
        import grpc
        from google.pubsub_v1 import PublisherClient, SubscriberClient
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

        endpoint = self.services.settings.pubsub_endpoint
        if not endpoint:
            return PublisherClient(), SubscriberClient()
        channel = grpc.insecure_channel(endpoint)
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        return publisher, SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def google(self, *command: str) -> str:
        """Return what a gcloud command prints; NotHere on this machine, or if the command fails."""
        if self.deployment is None:
            raise NotHere("only on Google Cloud")
        return _asked(gcloud(*command, self.deployment.project_flag))

    def described(self, *command: str) -> dict[str, Any]:
        """Return what `gcloud ... describe` prints about a regional resource."""
        region = self.deployment.region if self.deployment else ""
        found: dict[str, Any] = json.loads(self.google(*command, f"--region={region}", "--format=json"))
        return found

    def lines(self, **wanted: str | bool) -> list[dict[str, Any]]:
        """Return the log lines of the functions with these values, newest first."""
        if self.deployment:
            query = " AND ".join(f"jsonPayload.{name}={json.dumps(value)}" for name, value in wanted.items())
            found = json.loads(self.google("logging", "read", query, "--freshness=7d", "--limit=200", "--format=json"))
            return [{**entry["jsonPayload"], "severity": entry.get("severity")} for entry in found]
        texts = [text for log in self.logs.glob("*.log") for text in log.read_text("utf-8", "replace").splitlines()]
        lines = [json.loads(text) for text in texts if text.startswith("{") and text.endswith("}")]
        held = [line for line in lines if wanted.items() <= {k: v for k, v in line.items() if k in wanted}.items()]
        return sorted(held, key=lambda line: str(line.get("time")), reverse=True)

    def person(self, scope: str) -> Credentials | None:
        """Return the credentials of the person who runs the check; this machine needs none."""
        from google.auth import default

        return None if self.deployment is None else default(scopes=[scope])[0]

    def stranger(self, scope: str) -> Credentials:
        """Return credentials of an account that nothing is shared with; NotHere on this machine, or without permission."""
        from google.auth import default, impersonated_credentials
        from google.auth.exceptions import RefreshError
        from google.auth.transport.requests import Request

        if self.deployment is None:
            raise NotHere("only on Google Cloud: the stand-ins check no credentials")
        account = self.deployment.account(STRANGER)
        person, _ = default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        credentials = impersonated_credentials.Credentials(person, account, [scope])  # type: ignore[no-untyped-call]
        try:
            credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except RefreshError as exc:
            grant = f"gcloud iam service-accounts add-iam-policy-binding {account} --member=user:YOU"
            raise NotHere(
                f"you cannot act as {account}. To allow it: {grant} --role=roles/iam.serviceAccountTokenCreator"
            ) from exc
        return credentials


def local() -> Target:
    """Return the stack that runs on this machine; StackError if there is none."""
    stack, logs = state.of_running_stack()
    return _ready(Target(stack.url, stack.env, logs=logs))


def cloud(deployment: Deployment) -> Target:
    """Return a deployment on Google Cloud, with application-default credentials; NotHere if it cannot be seen."""
    target = Target("", {}, deployment)
    held = target.described("functions", "describe", "record", "--gen2")["serviceConfig"]["environmentVariables"]
    env = {**held, **({"SHEET_ID": deployment.sheet} if deployment.sheet else {})}
    sites = {lookup.variable: _asked(lookup.command) for lookup in hosting.site_lookups(deployment)}
    return _ready(Target(sites["SITE_URL"].strip(), env, deployment))


def _asked(command: Command) -> str:
    done = run(command)
    if done.returncode:
        raise NotHere(f"gcloud failed: {said(done).splitlines()[-1]}")
    return done.stdout


def _ready(target: Target) -> Target:
    """Prepare this process for the official clients and the functions' modules."""
    os.environ.update(target.env)
    functions = str(ROOT / "functions")
    if functions not in sys.path:
        sys.path.append(functions)
    return target

"""Every assumption about Google that no stand-in can prove: what relies on it, where it is written, and what shows it.

docs/deploy.md has the same list as a table, which `python3 -m infra.check --table` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from infra.check import platform_rules, sheet_rules
from infra.check.target import Target

_SHEETS = "https://developers.google.com/workspace/sheets/api"
_CLOUD = "https://cloud.google.com"
Proof = Callable[[Target, dict[str, Any]], str]


@dataclass(frozen=True)
class Assumption:
    """One thing that Google has to do.

    Attributes:
        text: What.
        code: Where the code relies on it.
        source: Where it is written.
        prove: Shows it, given the deployment and the specimen's intake; returns what was seen.
    """

    text: str
    code: str
    source: str
    prove: Proof

    @property
    def proved_by(self) -> str:
        """Name of the proof, for the table."""
        return self.prove.__name__


def _on_a_tab(rule: sheet_rules.Rule) -> Proof:
    def prove(target: Target, _intake: dict[str, Any]) -> str:
        with sheet_rules.Scratch(target).made() as tab:
            return rule(tab)

    prove.__name__ = rule.__name__
    return prove


def _of_target(rule: Callable[[Target], str]) -> Proof:
    def prove(target: Target, _intake: dict[str, Any]) -> str:
        return rule(target)

    prove.__name__ = rule.__name__
    return prove


ASSUMPTIONS = (
    Assumption(
        "A batch on the Sheet is carried out whole or not at all, and a named range that is gone refuses it",
        "cloud/sheet_token.py",
        f"{_SHEETS}/reference/rest/v4/spreadsheets/batchUpdate",
        _on_a_tab(sheet_rules.swapped_once),
    ),
    Assumption(
        "The name of a named range is taken once, and a second one refuses the batch",
        "cloud/sheet_token.py",
        f"{_SHEETS}/reference/rest/v4/spreadsheets/request#AddNamedRangeRequest",
        _on_a_tab(sheet_rules.named_once),
    ),
    Assumption(
        "A cell takes 50,000 characters, and one more refuses the batch",
        "bounds.py",
        f"{_SHEETS}/limits",
        _on_a_tab(sheet_rules.long_cell),
    ),
    Assumption(
        "A text that looks like a formula stays a text",
        "cloud/sheets.py",
        f"{_SHEETS}/reference/rest/v4/spreadsheets/other#ExtendedValue",
        _on_a_tab(sheet_rules.plain_text),
    ),
    Assumption(
        "Rows appended under a filter stand below all others",
        "cloud/sheets.py",
        f"{_SHEETS}/reference/rest/v4/spreadsheets/request#AppendCellsRequest",
        _on_a_tab(sheet_rules.under_a_filter),
    ),
    Assumption(
        "A refusal of the Sheets API is JSON with code, message and status",
        "cloud/sheets_client.py",
        f"{_CLOUD}/apis/design/errors",
        _of_target(platform_rules.sheet_errors),
    ),
    Assumption(
        "Vision makes marks inside a word words of their own, and gives confidences between 0 and 1",
        "cloud/vision.py",
        f"{_CLOUD}/vision/docs/fulltext-annotations",
        _of_target(platform_rules.vision),
    ),
    Assumption(
        "An object that must not exist yet is refused with 412 when it does",
        "cloud/storage.py",
        f"{_CLOUD}/storage/docs/request-preconditions",
        _of_target(platform_rules.created_once),
    ),
    Assumption(
        "The subscriptions of the event functions have dead letters, attempts and deadline as wanted",
        "infra/gcp/messaging.py",
        f"{_CLOUD}/eventarc/docs/retry-events",
        _of_target(platform_rules.subscriptions),
    ),
    Assumption(
        "A message that is refused is delivered again, and is in the dead letters after the last attempt",
        "ocr.py, ledger.py",
        f"{_CLOUD}/pubsub/docs/handling-failures",
        _of_target(platform_rules.dead_letters),
    ),
    Assumption(
        "A stranger gets one progress document by its id, and neither a list nor an intake",
        "infra/firestore.rules",
        "https://firebase.google.com/docs/firestore/security/get-started",
        _of_target(platform_rules.rules),
    ),
    Assumption(
        "Hosting sends the headers of firebase.json",
        "infra/firebase.json",
        "https://firebase.google.com/docs/hosting/full-config#headers",
        _of_target(platform_rules.headers),
    ),
    Assumption(
        "Behind Hosting an agent's address is told apart from that of Hosting's edge",
        "admission.py",
        "https://firebase.google.com/docs/hosting/cloud-run",
        platform_rules.client_address,
    ),
    Assumption(
        "Where App Check is on, a submission without a token is refused",
        "cloud/app_check.py",
        "https://firebase.google.com/docs/app-check/custom-resource-backend",
        _of_target(platform_rules.app_check),
    ),
    Assumption(
        "Each function has the memory, time and generation of functions.toml",
        "infra/functions.toml",
        f"{_CLOUD}/run/docs/about-execution-environments",
        _of_target(platform_rules.machines),
    ),
)


def table() -> Iterator[str]:
    """Yield the lines of the table in docs/deploy.md."""
    yield "| Google | relied on by | written at | proved by |"
    yield "|---|---|---|---|"
    for each in ASSUMPTIONS:
        yield f"| {each.text} | `{each.code}` | {each.source} | `{each.proved_by}` |"

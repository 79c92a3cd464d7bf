"""What clients may do in Firestore: read two kinds of documents by name, and nothing else.

Asked over REST, as any stranger could (https://firebase.google.com/docs/firestore/reference/rest), of the emulator with
infra/firestore.rules. The emulator takes tokens without a signature (https://firebase.google.com/docs/emulator-suite).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local import emulators
from infra.local.layout import PROJECT
from infra.local.options import ROOT
from infra.local.ports import free_ports
from infra.local.processes import Child, stop_all
from tests.support.submitter import wait_for

ID = "0123456789abcdef0123456789abcdef"
DOCUMENTS = {
    "progress": f"progress/{ID}",
    "below progress": f"progress/{ID}/pages/1",
    "form options": "public/form-options",
    "other public": "public/something-else",
    "below form options": "public/form-options/history/1",
    "intakes": f"intakes/{ID}",
    "chunks": f"intakes/{ID}/chunks/0",
    "uploads": "uploads/0123456789abcdef",
    "turns": "turns/sheet",
    "agents": "office/agents",
    "unknown": "anything/at-all",
}
OPERATIONS = (
    "get",
    "get missing",
    "batch get",
    "list",
    "query",
    "group query",
    "count",
    "collections below",
    "create",
    "update",
    "delete",
    "commit",
    "transform",
)
READABLE = {
    ("progress", "get"),
    ("progress", "get missing"),
    ("progress", "batch get"),
    ("form options", "get"),
    ("form options", "batch get"),
}
TABLE = [
    (place, operation, caller, (place, operation) in READABLE)
    for place in DOCUMENTS
    for operation in OPERATIONS
    for caller in ("anonymous", "signed-in")
]


def _token() -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {
        "sub": "somebody",
        "user_id": "somebody",
        "aud": PROJECT,
        "iss": f"https://securetoken.google.com/{PROJECT}",
    }
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


HEADERS: dict[str, dict[str, str]] = {"anonymous": {}, "signed-in": {"Authorization": f"Bearer {_token()}"}}
OWNER = {"Authorization": "Bearer owner"}  # the emulator's administrator, whom rules do not concern
FIELDS = {"fields": {"stage": {"stringValue": "done"}}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Firestore's emulator alone, with the rules on and one document in every place."""
    (port,) = free_ports(1)
    command = emulators.find(print).firestore_command(port, ROOT / "infra" / "firestore.rules")
    child = Child("firestore", command, Path(tmp_path_factory.mktemp("rules")) / "firestore.log", cwd=ROOT)
    child.start()
    try:
        wait_for("the emulator", lambda: _answers(port))
        base = f"http://127.0.0.1:{port}/v1/projects/{PROJECT}/databases/(default)/documents"
        for document in DOCUMENTS.values():
            requests.patch(f"{base}/{document}", json=FIELDS, headers=OWNER, timeout=30).raise_for_status()
        yield base
    finally:
        stop_all([child])


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
    except requests.ConnectionError:
        return False


def ask(base: str, document: str, operation: str, headers: dict[str, str]) -> int:
    """Try an operation on a document or its collection; return the HTTP status."""
    parent, _, name = document.rpartition("/")
    outer, _, collection = parent.rpartition("/")
    resource = f"{base.partition('/v1/')[2]}/{document}"
    query = {"structuredQuery": {"from": [{"collectionId": collection}]}}
    group = {"structuredQuery": {"from": [{"collectionId": collection, "allDescendants": True}]}}
    count = {"structuredAggregationQuery": {**query, "aggregations": [{"alias": "n", "count": {}}]}}
    update = {"update": {"name": resource, **FIELDS}}
    transform = {
        "transform": {"document": resource, "fieldTransforms": [{"fieldPath": "n", "increment": {"integerValue": "1"}}]}
    }
    method, url, body = {
        "get": ("GET", f"{base}/{document}", None),
        "get missing": ("GET", f"{base}/{document}-missing", None),
        "batch get": ("POST", f"{base}:batchGet", {"documents": [resource]}),
        "list": ("GET", f"{base}/{parent}", None),
        "query": ("POST", f"{base}/{outer}:runQuery" if outer else f"{base}:runQuery", query),
        "group query": ("POST", f"{base}:runQuery", group),
        "count": ("POST", f"{base}/{outer}:runAggregationQuery" if outer else f"{base}:runAggregationQuery", count),
        "collections below": ("POST", f"{base}/{document}:listCollectionIds", {}),
        "create": ("POST", f"{base}/{parent}?documentId={name}-new", FIELDS),
        "update": ("PATCH", f"{base}/{document}", FIELDS),
        "delete": ("DELETE", f"{base}/{document}", None),
        "commit": ("POST", f"{base}:commit", {"writes": [update]}),
        "transform": ("POST", f"{base}:commit", {"writes": [transform]}),
    }[operation]
    return requests.request(method, url, json=body, headers=headers, timeout=30).status_code


@pytest.mark.parametrize(("place", "operation", "caller", "allowed"), TABLE)
def test_only_what_the_rules_name_is_allowed(base: str, place: str, operation: str, caller: str, allowed: bool) -> None:
    """Every place, operation and caller: allowed is answered, all else is 403 and nothing else."""
    status = ask(base, DOCUMENTS[place], operation, HEADERS[caller])
    wanted = (404 if operation == "get missing" else 200) if allowed else 403
    assert status == wanted


@pytest.mark.parametrize("operation", [operation for operation in OPERATIONS if operation != "get missing"])
def test_the_questions_themselves_are_sound(base: str, operation: str) -> None:
    """Asked by the administrator, each operation works: a 403 above is the rules' and not a broken request's."""
    assert ask(base, "sound/document", operation, OWNER) in ((200, 404) if operation == "get" else (200,))


def test_the_table_names_every_collection_that_the_functions_use() -> None:
    """A new collection has to be added to the table."""
    sources = (ROOT / "functions" / "intake" / "cloud" / "firestore").glob("*.py")
    used = {
        name for source in sources for name in re.findall(r'\.collection\("([a-z-]+)"\)', source.read_text("utf-8"))
    }
    assert used
    assert used <= {part for document in DOCUMENTS.values() for part in document.split("/")[::2]}

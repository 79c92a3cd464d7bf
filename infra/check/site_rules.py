"""What Hosting, App Check, Firestore's rules, and the functions' instances do."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import requests

from infra import spec
from infra.check.assumptions import CLOUD, assumption
from infra.check.target import NotHere, Target, Wrong
from infra.gcp.deployment import ROOT

TIMEOUT_S = 30
LOGS_S = 60.0
"""Cloud Logging shows a line within seconds."""
FORGED = ("192.0.2.7",) * 9
"""Addresses of RFC 5737, which belong to nobody."""


@assumption("infra/firestore.rules", "https://firebase.google.com/docs/firestore/security/get-started")
def rules(target: Target) -> str:
    """A stranger can get one progress document by its ID, but no list and no intake."""
    host = target.env.get("FIRESTORE_EMULATOR_HOST", "")
    base = f"http://{host}" if host else "https://firestore.googleapis.com"
    documents = f"{base}/v1/projects/{target.services.settings.project}/databases/(default)/documents"
    unknown = secrets.token_hex(16)
    wanted = {f"intakes/{unknown}": 403, "progress": 403, f"progress/{unknown}": 404}
    found = {path: requests.get(f"{documents}/{path}", timeout=TIMEOUT_S).status_code for path in wanted}
    if found != wanted:
        raise Wrong(f"it answers {list(found.values())}, not {list(wanted.values())}")
    return "an intake 403, the list 403, an unknown progress 404"


@assumption("infra/firebase.json", "https://firebase.google.com/docs/hosting/full-config#headers")
def headers(target: Target) -> str:
    """Hosting sends the headers of firebase.json."""
    answer = requests.get(target.url, timeout=TIMEOUT_S)
    document = json.loads((ROOT / "infra" / "firebase.json").read_text("utf-8"))
    wanted = next(rule["headers"] for rule in document["hosting"]["headers"] if rule["source"] == "**")
    missing = [header["key"] for header in wanted if header["key"] not in answer.headers]
    if missing:
        raise Wrong(f"without {', '.join(missing)}")
    return f"{len(wanted)} headers"


@assumption("rate_limits.py", "https://firebase.google.com/docs/hosting/cloud-run")
def client_address(target: Target) -> str:
    """Behind Hosting, an agent's address differs from that of Hosting's edge."""
    client, peer = target.intake.get("client"), target.intake.get("peer")
    if not client or not peer:
        raise NotHere("this deployment counts no addresses")
    if client == peer:
        raise Wrong("agent and edge have the same address, so all agents would share one limit")
    return "two addresses, kept as keyed hashes"


@assumption("cloud/app_check.py", "https://firebase.google.com/docs/app-check/custom-resource-backend")
def app_check(target: Target) -> str:
    """If App Check is on, a submission without a token is refused."""
    if (
        "APP_CHECK_KEY"
        not in target.described("functions", "describe", "submit", "--gen2")["serviceConfig"]["environmentVariables"]
    ):
        raise NotHere("App Check is off")
    answer = requests.post(f"{target.url}/submit", data=b"", timeout=TIMEOUT_S)
    if answer.status_code not in (401, 403):
        raise Wrong(f"{answer.status_code}")
    return f"{answer.status_code}"


@assumption("infra/functions.toml", f"{CLOUD}/run/docs/about-execution-environments")
def machines(target: Target) -> str:
    """Each function has the memory, timeout, and generation of functions.toml."""
    shown = []
    for name, wanted in spec.read().functions.items():
        held = target.described("functions", "describe", name, "--gen2")["serviceConfig"]
        if not held["availableMemory"].startswith(str(wanted.memory_mb)) or held["timeoutSeconds"] != wanted.timeout_s:
            raise Wrong(f"{name} has {held['availableMemory']} and {held['timeoutSeconds']} s")
        service = target.described("run", "services", "describe", name)
        annotations = service["spec"]["template"]["metadata"]["annotations"]
        generation = annotations.get("run.googleapis.com/execution-environment", "not set")
        if generation != f"gen{wanted.generation}":
            raise Wrong(f"{name} runs in {generation}")
        shown.append(f"{name} {held['availableMemory']} {generation}")
    return ", ".join(shown)


@assumption("pages/sandbox/syscalls.py", f"{CLOUD}/run/docs/about-execution-environments")
def sandbox(target: Target) -> str:
    """Inside `ocr`, seccomp and Landlock restrict the process that opens files."""
    lines = target.lines(function="ocr", message="files are opened in a sandbox")
    if not lines:
        raise Wrong("`ocr` logged nothing about its sandbox")
    if lines[0]["missing"] != "nothing":
        raise (Wrong if target.deployment else NotHere)(f"the kernel refuses {lines[0]['missing']}")
    return "its log says that seccomp and Landlock are active"


@assumption("rate_limits.py", "https://www.fastly.com/documentation/reference/http/headers/X-Forwarded-For")
def headers_at_submit(target: Target) -> str:
    """X-Forwarded-For at `submit` ends with the client and one or two proxies; Fastly-Client-IP and App Check arrive."""
    from intake.rate_limits import APPENDED_HOPS

    line = _wake(target, {"X-Forwarded-For": ", ".join(FORGED), "X-Firebase-AppCheck": "check"})
    hops = int(line["hops"])
    appended = hops - len(FORGED) if hops > len(FORGED) else hops  # forged ones may be dropped, too
    shown = f"{appended} addresses were appended, Fastly-Client-IP {'arrives' if line['fastly'] else 'does not arrive'}"
    if not target.deployment:
        raise NotHere(f"on this machine there is no Hosting: {shown}")
    if not 2 <= appended <= APPENDED_HOPS or not line["fastly"]:
        raise Wrong(shown)
    return shown


def _wake(target: Target, sent: dict[str, str]) -> dict[str, Any]:
    """Wake `submit` and return the log line with what arrived; only a check sends an App Check header with it."""

    def lines() -> list[dict[str, Any]]:
        return target.lines(function="submit", message="woken", app_check=True)

    before = len(lines())
    requests.post(f"{target.url}/submit?wake=1", headers=sent, timeout=TIMEOUT_S).raise_for_status()
    until = time.monotonic() + LOGS_S
    while time.monotonic() < until:
        if len(found := lines()) > before:
            return found[0]
        time.sleep(1)
    raise Wrong(f"`submit` logged nothing within {LOGS_S:.0f} s, or the App Check header did not arrive")

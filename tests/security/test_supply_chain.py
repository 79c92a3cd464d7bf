"""What comes from outside is pinned by its digest, and no key is in the repository."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ["requirements.txt", "infra/local/requirements.txt", "tests/requirements.txt"]

# The shapes that keys have; each is looked for in a sample below, so that a pattern that finds nothing shows.
KEYS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}",
    "service account": r"\"private_key_id\":\s*\"[0-9a-f]{40}\"",
    "Google API key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "Google token": r"\bya29\.[0-9A-Za-z_-]{20,}",
    "Google client secret": r"\bGOCSPX-[0-9A-Za-z_-]{28}\b",
    "Google refresh token": r"\b1//0[0-9A-Za-z_-]{30,}",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})\b",
    "GitLab token": r"\bglpat-[0-9A-Za-z_-]{20}\b",
    "Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "npm token": r"\bnpm_[0-9A-Za-z]{36}\b",
    "PyPI token": r"\bpypi-AgEIcHlwaS[0-9A-Za-z_-]{50,}",
    "OpenAI or Stripe key": r"\bsk[-_](?:live_|proj-|ant-)?[0-9A-Za-z]{24,}\b",
    "signed token": r"\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20,}",
    "password in an address": r"\b[a-z][a-z0-9+]*://[^\s/:@{}$<>\"']+:[^\s/:@{}$<>\"']{3,}@[a-z0-9]",
}
# Put together here, so that this file holds none.
SAMPLES = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "A" * 64,
    "service account": '"private_key_id": "' + "0" * 40 + '"',
    "Google API key": "AI" + "za" + "x" * 35,
    "Google token": "ya" + "29." + "x" * 40,
    "Google client secret": "GOC" + "SPX-" + "x" * 28,
    "Google refresh token": "1/" + "/0" + "x" * 40,
    "AWS key": "AK" + "IA" + "X" * 16,
    "GitHub token": "gh" + "p_" + "x" * 36,
    "GitLab token": "gl" + "pat-" + "x" * 20,
    "Slack token": "xo" + "xb-" + "1" * 12,
    "npm token": "np" + "m_" + "x" * 36,
    "PyPI token": "py" + "pi-AgEIcHlwaS" + "x" * 60,
    "OpenAI or Stripe key": "sk" + "_live_" + "x" * 24,
    "signed token": "e" + "yJ" + "x" * 30 + ".e" + "yJ" + "x" * 30 + "." + "x" * 30,
    "password in an address": "https://somebody" + ":secret@" + "example.com",
}


def requirements(file: str) -> dict[str, list[str]]:
    """Return the digests of each pinned requirement of a file."""
    joined = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
    lines = [line.split() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return {line[0]: [word for word in line if word.startswith("--hash=")] for line in lines}


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_requirement_is_pinned_by_digest(file: str) -> None:
    """Each line names one version and the SHA-256 of every file that may be installed for it."""
    pinned = requirements(file)
    assert len(pinned) > 20
    for requirement, digests in pinned.items():
        assert re.fullmatch(r"[a-z0-9._-]+==[0-9][0-9A-Za-z.+!-]*", requirement), requirement
        assert digests, requirement
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in digests), requirement


def test_digests_are_asked_for() -> None:
    """Pip is told to refuse whatever has no digest."""
    assert "--require-hashes" in (ROOT / "infra" / "local" / "venv.sh").read_text("utf-8")


def test_every_npm_package_is_pinned_by_digest() -> None:
    """The lock file holds a SHA-512 for each package that the page is built and tested with, and `npm ci` keeps to it."""
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 10
    for name, package in packages.items():
        algorithm, _, digest = package["integrity"].partition("-")
        assert algorithm == "sha512", name
        assert len(base64.b64decode(digest)) == 64, name
    assert "npm ci" in (ROOT / "tests" / "run").read_text("utf-8")


def test_functions_install_nothing_that_only_tests_need() -> None:
    """What is deployed is a part of what is tested, version by version."""
    deployed = {requirement.split("==")[0]: requirement for requirement in requirements("requirements.txt")}
    tested = {requirement.split("==")[0]: requirement for requirement in requirements("tests/requirements.txt")}
    assert all(tested[name] == requirement for name, requirement in deployed.items())
    assert {"pytest", "hypothesis", "playwright", "atheris", "pillow-heif"}.isdisjoint(deployed)


def tracked_files() -> list[Path]:
    """Return every file that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_key_is_in_the_repository() -> None:
    """No file that git keeps holds anything in the shape of a key, a token or a password."""
    files = [path for path in tracked_files() if path.is_file()]
    assert len(files) > 100
    found = []
    for path in files:
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [(path.name, kind) for kind, pattern in KEYS.items() if re.search(pattern, text)]
    assert found == []


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_would_be_found(kind: str) -> None:
    """Each pattern finds the key that it is for."""
    assert re.search(KEYS[kind], f"x = '{SAMPLES[kind]}'")


def test_no_file_is_one_that_holds_keys() -> None:
    """Neither environment files nor key files are kept, and git is told to ignore what holds a deployment's settings."""
    names = [path.name for path in tracked_files()]
    assert [name for name in names if re.search(r"^\.env|\.(pem|key|p12|pfx)$|credential|id_rsa", name)] == []

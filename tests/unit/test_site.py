"""Which folder the local site is served from, and what is said when it cannot be built."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from infra import site


@pytest.fixture
def frontend(tmp_path: Path) -> Path:
    """Return a frontend that was built a moment ago."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>Form</h1>", "utf-8")
    for name in ("build.mjs", "package-lock.json"):
        (tmp_path / name).write_text("{}", "utf-8")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / ".built").write_text(site._digest(tmp_path), "utf-8")
    return tmp_path


def test_a_current_build_is_served(frontend: Path) -> None:
    """What was built from these very sources is served, and may listen."""
    assert site.current(frontend) == site.Site(frontend / "dist", live=True)


@pytest.mark.parametrize("changed", ["site/index.html", "site/new.js", "build.mjs", "package-lock.json"])
def test_a_stale_build_is_never_served(frontend: Path, changed: str) -> None:
    """After any change the sources are served until they are built."""
    (frontend / changed).write_text("changed", "utf-8")
    assert site.current(frontend) == site.Site(frontend / "site", live=False)


def test_without_node_the_sources_are_served_and_the_log_says_so(
    frontend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page still works, by polling, and nobody has to wonder why."""
    (frontend / "dist" / ".built").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    said: list[str] = []
    assert site.build(said.append, frontend) == site.Site(frontend / "site", live=False)
    assert said == [
        "The page is served unbuilt and polls for progress instead of listening to Firestore,"
        " because Node.js (npm) is not installed."
    ]


def test_a_failed_build_serves_the_sources_and_says_why(
    frontend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without npm's registry, for instance, the stack starts all the same."""
    (frontend / "dist" / ".built").unlink()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "npm").write_text(f"#!{shutil.which('sh')}\necho 'no registry' >&2\nexit 1\n", "utf-8")
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    said: list[str] = []
    assert not site.build(said.append, frontend).live
    assert re.search(r"because npm ci .* failed: no registry$", said[-1])

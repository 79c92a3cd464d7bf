"""The local site follows infra/firebase.json as Firebase Hosting does, and refuses what it would not understand."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from infra.local.hosting import Hosting, glob_pattern
from infra.spec import load

ROOT = Path(__file__).resolve().parents[2]
FIREBASE_JSON = ROOT / "infra" / "firebase.json"


def hosting(folder: Path, **keys: object) -> Hosting:
    """Return the rules of a site with the folder `public`."""
    (folder / "public").mkdir(exist_ok=True)
    path = folder / "firebase.json"
    path.write_text(json.dumps({"hosting": {"public": "public", **keys}}), "utf-8")
    return Hosting.load(path)


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("**", "/", True),
        ("**", "/a/b.js", True),
        ("/submit", "/submit", True),
        ("/submit", "/submit/", False),
        ("/submit", "/submitted", False),
        ("/progress/**", "/progress/0123", True),
        ("/progress/**", "/progress/", True),
        ("/progress/**", "/progress", False),
        ("**/*.@(js|css)", "/app.js", True),
        ("**/*.@(js|css)", "/assets/deep/app.css", True),
        ("**/*.@(js|css)", "/app.json", False),
        ("**/*.@(js|css)", "/appxjs", False),
        ("/assets/*", "/assets/a.png", True),
        ("/assets/*", "/assets/a/b.png", False),
        ("/page?.html", "/page1.html", True),
        ("/page?.html", "/page.html", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    """`*` stays within a folder, `**` does not, everything else is what it is."""
    assert bool(glob_pattern(glob).fullmatch(path)) is matches


@pytest.mark.parametrize("glob", ["/!(submit)", "/{a,b}", "/[ab]", "/+(a)", "/*(a)"])
def test_a_glob_that_is_not_understood_is_an_error(glob: str) -> None:
    """Better no start than a site that differs from the deployed one."""
    with pytest.raises(ValueError, match=r"teach infra/local/hosting\.py"):
        glob_pattern(glob)


def test_a_key_that_is_not_understood_is_an_error(tmp_path: Path) -> None:
    """`redirects` would change what the site does; so it is named."""
    with pytest.raises(ValueError, match="redirects"):
        hosting(tmp_path, redirects=[])


def test_a_rewrite_to_a_file_is_an_error(tmp_path: Path) -> None:
    """Only functions are understood as targets."""
    with pytest.raises(ValueError, match="neither to `run` nor to `function`"):
        hosting(tmp_path, rewrites=[{"source": "**", "destination": "/index.html"}])


def test_the_first_rewrite_and_the_last_header_count(tmp_path: Path) -> None:
    """As https://firebase.google.com/docs/hosting/full-config says."""
    site = hosting(
        tmp_path,
        rewrites=[
            {"source": "/a/b", "run": {"serviceId": "first"}},
            {"source": "/a/**", "function": {"functionId": "second"}},
        ],
        headers=[
            {"source": "**", "headers": [{"key": "Cache-Control", "value": "no-cache"}, {"key": "X", "value": "1"}]},
            {"source": "/a/**", "headers": [{"key": "Cache-Control", "value": "no-store"}]},
        ],
    )
    assert [site.function_for(path) for path in ("/a/b", "/a/c", "/b")] == ["first", "second", None]
    assert site.headers_for("/a/b") == {"Cache-Control": "no-store", "X": "1"}
    assert site.headers_for("/b") == {"Cache-Control": "no-cache", "X": "1"}


def test_files_come_from_the_public_folder_only(tmp_path: Path) -> None:
    """Neither a way out of it, nor a link out of it, nor a hidden file is served."""
    site = hosting(tmp_path)
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (site.public / "link.txt").symlink_to(tmp_path / "secret.txt")
    (site.public / ".env").write_text("secret", "utf-8")
    (site.public / "help").mkdir()
    for name in ("index.html", "app.js", "help/index.html"):
        (site.public / name).write_text("served", "utf-8")
    served = {path: site.file_for(path) for path in ("/", "/app.js", "/help", "/help/")}
    assert all(served.values())
    assert served["/"] == site.public / "index.html"
    for path in ("/../secret.txt", "//../secret.txt", "/link.txt", "/.env", "/nothing.html"):
        assert site.file_for(path) is None, path


def test_the_site_of_this_project() -> None:
    """Forms and progress go to their functions, and every answer carries the protecting headers."""
    site = Hosting.load(FIREBASE_JSON)
    assert site.function_for("/submit") == "submit"
    assert site.function_for("/progress/00112233445566778899aabbccddeeff") == "progress"
    assert site.function_for("/index.html") is None
    for path in ("/", "/index.html", "/submit", "/any/where"):
        headers = site.headers_for(path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert int(headers["Strict-Transport-Security"].split("max-age=")[1].split(";")[0]) >= 31_536_000


def test_functions_toml_names_what_main_has() -> None:
    """The five functions, each within what the platform gives."""
    specs, delivery = load()
    assert list(specs) == ["submit", "progress", "ocr", "record", "sweep"]
    assert {name: spec.trigger for name, spec in specs.items() if spec.trigger != "http"} == {
        "ocr": "OCR_TOPIC",
        "record": "SHEET_TOPIC",
    }
    for spec in specs.values():
        # Fewer threads than requests would make requests wait inside an instance that takes no more work on.
        assert spec.threads >= max(spec.concurrency, 2), spec.name
        # https://cloud.google.com/functions/quotas: event functions run 540 s at most.
        assert spec.timeout_s <= (3600 if spec.trigger == "http" else 540), spec.name
        assert spec.timeout_s < delivery.ack_deadline_s <= 600, spec.name
    assert (specs["record"].max_instances, specs["sweep"].max_instances, specs["ocr"].concurrency) == (1, 1, 1)
    # https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions: 0 to 600 s, 5 to 100 attempts.
    assert 0 <= delivery.retry_min_backoff_s <= delivery.retry_max_backoff_s <= 600
    assert 5 <= delivery.max_delivery_attempts <= 100


def test_an_unknown_key_in_functions_toml_is_an_error(tmp_path: Path) -> None:
    """A misspelt key is named, not ignored."""
    text = (ROOT / "infra" / "functions.toml").read_text("utf-8").replace("memory_mb =", "memory =", 1)
    tomllib.loads(text)
    path = tmp_path / "functions.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(TypeError, match="'memory'"):
        load(path)

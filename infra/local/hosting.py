"""infra/firebase.json as Firebase Hosting reads it: which headers a path gets and which function it goes to.

Only the keys and glob forms that the file uses are understood; another one is an error, so that the local site can never
silently differ from the deployed one. Semantics: https://firebase.google.com/docs/hosting/full-config.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_KNOWN_KEYS = frozenset({"public", "ignore", "rewrites", "headers"})


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Compile a Hosting glob: `**`, `*`, `?` and `@(a|b)`; a path is matched from its first slash.

    Raises:
        ValueError: The glob uses another form.
    """
    if re.search(r"[!+?*]\(|[\[\]{}]", glob):
        raise ValueError(
            f"The glob {glob!r} uses a form other than **, *, ? and @(a|b); teach infra/local/hosting.py that form."
        )
    parts = re.split(r"(\*\*/|\*\*|\*|\?|@\([^)]*\))", glob.removeprefix("/"))
    translated = "".join(_translate(part) for part in parts)
    return re.compile(f"/{translated}")


def _translate(part: str) -> str:
    match part:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if part.startswith("@("):
            return "(?:" + "|".join(re.escape(choice) for choice in part[2:-1].split("|")) + ")"
        case _:
            return re.escape(part)


@dataclass(frozen=True)
class Hosting:
    """The rules of one site.

    Attributes:
        public: Folder of the static files.
        rewrites: Pattern of paths and the function they go to; the first match counts.
        headers: Pattern of paths and the headers they get; a later match overrides an earlier one.
    """

    public: Path
    rewrites: Sequence[tuple[re.Pattern[str], str]]
    headers: Sequence[tuple[re.Pattern[str], dict[str, str]]]

    @classmethod
    def load(cls, path: Path) -> Hosting:
        """Read firebase.json.

        Raises:
            ValueError: The file uses something that this module does not understand.
        """
        hosting = json.loads(path.read_text("utf-8"))["hosting"]
        if unknown := set(hosting) - _KNOWN_KEYS:
            raise ValueError(
                f"{path} uses {', '.join(sorted(unknown))}; teach infra/local/hosting.py what Hosting does with it."
            )
        return cls(
            public=(path.parent / hosting["public"]).resolve(),
            rewrites=[(glob_pattern(rule["source"]), _target(rule)) for rule in hosting.get("rewrites", [])],
            headers=[
                (glob_pattern(rule["source"]), {header["key"]: header["value"] for header in rule["headers"]})
                for rule in hosting.get("headers", [])
            ],
        )

    def function_for(self, path: str) -> str | None:
        """Return the function that answers `path`, or None for a static file."""
        return next((function for pattern, function in self.rewrites if pattern.fullmatch(path)), None)

    def headers_for(self, path: str) -> dict[str, str]:
        """Return the headers that an answer to `path` carries."""
        merged: dict[str, str] = {}
        for pattern, headers in self.headers:
            if pattern.fullmatch(path):
                merged.update(headers)
        return merged

    def file_for(self, path: str) -> Path | None:
        """Return the static file for `path`, or None when there is none; never one outside the public folder."""
        candidate = (self.public / path.lstrip("/")).resolve()
        if candidate.is_dir():
            candidate /= "index.html"
        inside = candidate.is_relative_to(self.public)
        hidden = any(part.startswith(".") for part in candidate.relative_to(self.public).parts) if inside else True
        return candidate if candidate.is_file() and not hidden else None


def _target(rule: dict[str, object]) -> str:
    run, function = rule.get("run"), rule.get("function")
    if isinstance(run, dict):
        return str(run["serviceId"])
    if isinstance(function, dict):
        return str(function["functionId"])
    raise ValueError(f"The rewrite {rule!r} goes neither to `run` nor to `function`.")

"""What the Drive stand-in holds: files and folders of one Shared Drive, in a folder on disk, and uploads that are under way.

A file's bytes are in STATE/files/ID; what is said of all of them in STATE/drive.json, replaced by rename after each change. An
upload that is under way is forgotten by a restart, as Google forgets one after a week
(https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = "application/vnd.google-apps.folder"


@dataclass
class Item:
    """A file or folder; `size` is None for a folder."""

    id: str
    name: str
    mime_type: str
    parents: list[str]
    created: str
    app_properties: dict[str, str] = field(default_factory=dict)
    size: int | None = None

    def resource(self, base_url: str) -> dict[str, Any]:
        """Return the File resource.

        https://developers.google.com/workspace/drive/api/reference/rest/v3/files#File
        """
        kind = "folders" if self.mime_type == FOLDER else "file"
        link = f"{base_url}/drive/{kind}/{self.id}" if kind == "folders" else f"{base_url}/file/d/{self.id}/view"
        whole: dict[str, Any] = {
            "kind": "drive#file",
            "id": self.id,
            "name": self.name,
            "mimeType": self.mime_type,
            "parents": self.parents,
            "createdTime": self.created,
            "appProperties": self.app_properties,
            "webViewLink": link,
        }
        if self.size is not None:
            whole["size"] = str(self.size)  # an int64, which JSON carries as text
        return {name: value for name, value in whole.items() if value != {}}


@dataclass
class Session:
    """A resumable upload that is under way."""

    metadata: dict[str, Any]
    content_type: str
    size: int
    fields: str
    path: Path
    received: int = 0


class Drive:
    """One Shared Drive with one folder, which is the office's.

    Args:
        path: Where it is kept.
        root: Id of the office's folder.
    """

    def __init__(self, path: Path, root: str) -> None:
        self._path = path
        self.root = root
        self.sessions: dict[str, Session] = {}
        (path / "files").mkdir(parents=True, exist_ok=True)
        state = path / "drive.json"
        listed = json.loads(state.read_text("utf-8")) if state.exists() else []
        self.items = {item["id"]: Item(**item) for item in listed}
        if root not in self.items:
            self.items[root] = Item(root, "Bills", FOLDER, ["0Shared"], _now())

    def add(self, metadata: dict[str, Any], mime_type: str, content: Path | None = None) -> Item:
        """Make an item of a client's metadata; its bytes are moved here."""
        item = Item(
            id=secrets.token_urlsafe(24),
            name=str(metadata.get("name", "Untitled")),
            mime_type=mime_type,
            parents=list(metadata.get("parents", [])),
            created=_now(),
            app_properties=dict(metadata.get("appProperties", {})),
        )
        if content is not None:
            item.size = content.stat().st_size
            content.replace(self.bytes_of(item.id))
        self.items[item.id] = item
        self._save()
        return item

    def begin(self, metadata: dict[str, Any], content_type: str, size: int, fields: str) -> str:
        """Begin an upload and return its id."""
        session_id = secrets.token_urlsafe(24)
        path = self._path / f"upload-{session_id}"
        path.touch()
        self.sessions[session_id] = Session(metadata, content_type, size, fields, path)
        return session_id

    def bytes_of(self, item_id: str) -> Path:
        """Return where the bytes of a file are."""
        return self._path / "files" / item_id

    def children(self, folder_id: str) -> list[Item]:
        """Return what lies in a folder, by name."""
        return sorted((item for item in self.items.values() if folder_id in item.parents), key=lambda item: item.name)

    def remove(self, item: Item) -> None:
        """Take an item away, with all that lies in it."""
        for child in self.children(item.id):
            self.remove(child)
        del self.items[item.id]
        self.bytes_of(item.id).unlink(missing_ok=True)
        self._save()

    def _save(self) -> None:
        partial = self._path / "drive.json.new"
        partial.write_text(json.dumps([asdict(item) for item in self.items.values()], indent=1), "utf-8")
        partial.replace(self._path / "drive.json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

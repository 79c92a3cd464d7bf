"""Firestore in memory, as far as `intake.cloud.firestore.store` uses its client: the real `Store` runs on it.

Every request is atomic and is announced to `call` first, which may let it fail, be lost, or be made twice, as the official
client does with a commit whose answer it did not get. Preconditions and errors are those of the real service
(https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#precondition).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar, cast

from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

T = TypeVar("T")
Path = tuple[str, ...]
Write = Callable[[dict[Path, "Held"]], None]


@dataclass(frozen=True)
class Held:
    """A document and its version."""

    fields: dict[str, Any]
    version: int

    @property
    def update_time(self) -> int:
        return self.version


@dataclass
class Memory:
    """The database; stands for `firestore.Client`.

    Attributes:
        call: Makes a request: is given its name and its effect, and returns what that returns.
        documents: What is there.
    """

    call: Callable[[str, Callable[[], Any]], Any]
    documents: dict[Path, Held] = field(default_factory=dict)
    _versions: Iterator[int] = field(default_factory=lambda: count(1))

    def collection(self, name: str) -> Collection:
        return Collection(self, (name,))

    def batch(self) -> Batch:
        return Batch(self)

    def write_option(self, *, last_update_time: int) -> int:
        return last_update_time

    def commit(self, writes: Sequence[Write]) -> None:

        def effect() -> None:
            draft = dict(self.documents)
            for write in writes:
                write(draft)
            self.documents = draft

        self.call("Commit", effect)

    def held(self, fields: dict[str, Any]) -> Held:
        """Return a new version of a document."""
        return Held(dict(fields), next(self._versions))


@dataclass
class Snapshot:
    """A document as it was read."""

    reference: Document
    held: Held | None

    @property
    def id(self) -> str:
        return self.reference.path[-1]

    @property
    def exists(self) -> bool:
        return self.held is not None

    @property
    def update_time(self) -> int | None:
        return self.held.version if self.held else None

    def to_dict(self) -> dict[str, Any] | None:
        return dict(self.held.fields) if self.held else None


@dataclass
class Document:
    """A reference; there may be nothing behind it."""

    db: Memory
    path: Path

    def collection(self, name: str) -> Collection:
        return Collection(self.db, (*self.path, name))

    def get(self, field_paths: Sequence[str] | None = None) -> Snapshot:
        found: Held | None = self.db.call("Get", lambda: self.db.documents.get(self.path))
        if found and field_paths:
            found = replace(found, fields={name: found.fields[name] for name in field_paths if name in found.fields})
        return Snapshot(self, found)

    def set(self, fields: dict[str, Any]) -> Held:
        """Return what stands for the WriteResult: it has the version as `update_time`."""
        written: list[Held] = []
        self.db.commit([self.setting(fields, written)])
        return written[-1]

    def create(self, fields: dict[str, Any]) -> Held:
        written: list[Held] = []
        self.db.commit([self.creating(fields, written)])
        return written[-1]

    def update(self, changes: dict[str, Any], option: int | None = None) -> Held:
        written: list[Held] = []
        self.db.commit([self.updating(changes, option, written)])
        return written[-1]

    def delete(self) -> None:
        self.db.commit([self.deleting()])

    def setting(self, fields: dict[str, Any], written: list[Held] | None = None) -> Write:
        def write(draft: dict[Path, Held]) -> None:
            draft[self.path] = self.db.held(fields)
            if written is not None:
                written.append(draft[self.path])

        return write

    def creating(self, fields: dict[str, Any], written: list[Held] | None = None) -> Write:
        def write(draft: dict[Path, Held]) -> None:
            if self.path in draft:
                raise exceptions.AlreadyExists("document already exists")
            draft[self.path] = self.db.held(fields)
            if written is not None:
                written.append(draft[self.path])

        return write

    def updating(self, changes: dict[str, Any], version: int | None, written: list[Held] | None = None) -> Write:
        def write(draft: dict[Path, Held]) -> None:
            if self.path not in draft:
                raise exceptions.NotFound("no document to update")
            if version is not None and draft[self.path].version != version:
                raise exceptions.FailedPrecondition("the stored version does not match the required base version")
            merged = {**draft[self.path].fields, **changes}
            kept = {name: value for name, value in merged.items() if value is not firestore.DELETE_FIELD}
            draft[self.path] = self.db.held(kept)
            if written is not None:
                written.append(draft[self.path])

        return write

    def deleting(self, version: int | None = None) -> Write:
        def write(draft: dict[Path, Held]) -> None:
            held = draft.pop(self.path, None)
            if version is not None and (held is None or held.version != version):
                raise exceptions.FailedPrecondition("the stored version does not match the required base version")

        return write


@dataclass
class Batch:
    """Several writes in one commit."""

    db: Memory
    writes: list[Write] = field(default_factory=list)

    def set(self, document: Document, fields: dict[str, Any]) -> None:
        self.writes.append(document.setting(fields))

    def create(self, document: Document, fields: dict[str, Any]) -> None:
        self.writes.append(document.creating(fields))

    def update(self, document: Document, changes: dict[str, Any], option: int | None = None) -> None:
        self.writes.append(document.updating(changes, option))

    def delete(self, document: Document, option: int | None = None) -> None:
        self.writes.append(document.deleting(option))

    def commit(self) -> None:
        self.db.commit(self.writes)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda held, wanted: held == wanted,
    "<": lambda held, wanted: held < wanted,
    "<=": lambda held, wanted: held <= wanted,
    "array_contains_any": lambda held, wanted: bool(set(held) & set(wanted)),
}


@dataclass(frozen=True)
class Collection:
    """A collection, or a query over it; documents that lack the field of a filter are not found."""

    db: Memory
    path: Path
    filters: tuple[FieldFilter, ...] = ()
    order: str = ""
    most: int | None = None

    def document(self, name: str) -> Document:
        return Document(self.db, (*self.path, name))

    def where(self, *, filter: FieldFilter) -> Collection:
        return replace(self, filters=(*self.filters, filter))

    def order_by(self, name: str) -> Collection:
        return replace(self, order=name)

    def limit(self, most: int) -> Collection:
        return replace(self, most=most)

    def stream(self) -> list[Snapshot]:
        found: list[Snapshot] = self.db.call("RunQuery", self._matches)
        return found

    def _matches(self) -> list[Snapshot]:
        matches = [
            Snapshot(Document(self.db, path), held)
            for path, held in sorted(self.db.documents.items())
            if path[:-1] == self.path and all(self._fits(held, one) for one in self.filters)
        ]
        if self.order:
            order = self.order
            matches.sort(key=lambda snapshot: cast(Any, snapshot.held).fields[order])
        return matches[: self.most]

    @staticmethod
    def _fits(held: Held, one: FieldFilter) -> bool:
        return one.field_path in held.fields and _OPERATORS[one.op_string](held.fields[one.field_path], one.value)

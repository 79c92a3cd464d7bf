"""Cloud Storage: the bytes of the bills and the words of their pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

import requests
from google.api_core import exceptions as google_exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse
from google.cloud.storage.fileio import BlobWriter
from google.cloud.storage.retry import DEFAULT_RETRY

from intake.cloud.failures import failing_as
from intake.errors import UpstreamError
from intake.settings import MIB

UPLOAD_CHUNK_BYTES = MIB
"""Bytes that an upload holds in memory before it sends them; the client's own default is 40 MiB. A multiple of 256 KiB
(https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload)."""

_FAILURES = (
    google_exceptions.GoogleAPICallError,
    google_exceptions.RetryError,
    auth_exceptions.GoogleAuthError,
    requests.RequestException,
    InvalidResponse,
)
_storage_call = failing_as(UpstreamError, *_FAILURES)


class _Writer(BlobWriter):  # type: ignore[misc]  # the library has no hints
    """A writer that is not finished by being forgotten.

    Python's own would send the rest and make the object exist whenever it is collected: that may be long after its upload was
    given up and everything of it was deleted.
    """

    def __del__(self) -> None:
        """Do nothing; Google forgets an unfinished upload after a week."""


class ObjectWriter:
    """An object that is being written: it exists only once `close` has returned."""

    def __init__(self, writer: BlobWriter) -> None:
        self._writer = writer

    @_storage_call
    def write(self, piece: bytes) -> None:
        """Send bytes, or hold them until a chunk is full.

        Raises:
            UpstreamError: Storage did not take them.
        """
        self._writer.write(piece)

    @_storage_call
    def close(self) -> None:
        """Send the rest and make the object exist.

        Raises:
            UpstreamError: Storage did not take it; whether the object exists is not known.
        """
        self._writer.close()

    @_storage_call
    def abandon(self) -> None:
        """Cancel the upload; no object is created.

        Raises:
            UpstreamError: Storage did not answer; the unfinished upload expires by itself after a week.
        """
        self._writer.terminate()


class Bucket:
    """The bucket of one deployment.

    Args:
        project: Google Cloud project id.
        name: The bucket.
    """

    def __init__(self, project: str, name: str) -> None:
        self._client = storage.Client(project=project)
        self._bucket = self._client.bucket(name)

    def create(self, name: str, content_type: str) -> ObjectWriter:
        """Begin a new object; if one of that name exists, `close` fails.

        Args:
            name: Object name, made of ids only.
            content_type: Its media type.

        Returns:
            Where to write the bytes.
        """
        return self.replace(name, content_type, 0)

    @_storage_call
    def read(self, name: str) -> bytes:
        """Return all bytes of an object.

        Raises:
            UpstreamError: Storage did not answer, or the object does not exist.
        """
        data: bytes = self._bucket.blob(name).download_as_bytes(retry=DEFAULT_RETRY)
        return data

    @_storage_call
    def generation(self, name: str) -> int:
        """Return the version of an object as it is now; 0 if there is none.

        Raises:
            TemporaryError: Storage did not answer.
        """
        blob = self._bucket.get_blob(name, retry=DEFAULT_RETRY)
        return int(blob.generation) if blob else 0

    def replace(self, name: str, content_type: str, generation: int) -> ObjectWriter:
        """Begin to write an object anew; if it has another version by then, `close` fails.

        Args:
            name: Object name.
            content_type: Its media type.
            generation: The version that is replaced; 0 for none.
        """
        blob = self._bucket.blob(name)
        options = {"content_type": content_type, "if_generation_match": generation}
        return ObjectWriter(_Writer(blob, chunk_size=UPLOAD_CHUNK_BYTES, **options))

    def pieces(self, name: str, generation: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of an object, one MiB after the other: no more of it is in memory.

        Args:
            name: The object.
            generation: Its version; None for the newest.

        Raises:
            UpstreamError: Storage did not answer, or the object does not exist.
        """
        try:
            with self._bucket.blob(name, generation=generation).open(
                "rb", chunk_size=MIB, retry=DEFAULT_RETRY
            ) as stream:
                while piece := stream.read(MIB):
                    yield piece
        except _FAILURES as exc:
            raise UpstreamError from exc

    @_storage_call
    def fetch(self, name: str, file: IO[bytes]) -> None:
        """Write all bytes of an object into a file, a piece at a time.

        Args:
            name: The object.
            file: Empty and open for writing.

        Raises:
            UpstreamError: Storage did not answer, or the object does not exist.
        """
        self._bucket.blob(name).download_to_file(file, retry=DEFAULT_RETRY)

    @_storage_call
    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write an object in one request, over what may be there.

        Raises:
            UpstreamError: Storage did not take it.
        """
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        # Overwriting with the same bytes is harmless, so the request may be repeated without a precondition.
        self._bucket.blob(name).upload_from_string(text, content_type="application/json", retry=DEFAULT_RETRY)

    @_storage_call
    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects below a prefix.

        Listing is strongly consistent: https://cloud.google.com/storage/docs/consistency.

        Raises:
            UpstreamError: Storage did not answer.
        """
        found = self._client.list_blobs(self._bucket, prefix=prefix, fields="items(name),nextPageToken")
        return [blob.name for blob in found]

    @_storage_call
    def delete_all(self, prefix: str) -> None:
        """Delete every object below a prefix; what is already gone is fine.

        Raises:
            UpstreamError: Storage did not answer.
        """
        for blob in self._client.list_blobs(self._bucket, prefix=prefix):
            try:
                blob.delete(retry=DEFAULT_RETRY)
            except google_exceptions.NotFound:
                continue  # Another cleaner was faster.

"""The bytes of a file, memory-mapped: they are in memory once, whatever reads them."""

from __future__ import annotations

import io
import mmap
import os
from typing import IO


class FileBytes(mmap.mmap):
    """An open file as bytes; make one with `of`."""

    _descriptor: int

    @classmethod
    def of(cls, descriptor: int) -> FileBytes:
        """Map an open file.

        Args:
            descriptor: Of a file that keeps its size; it stays open, and the caller closes it.

        Raises:
            ValueError: The file is empty.
        """
        mapped = cls(descriptor, 0, access=mmap.ACCESS_READ)
        mapped._descriptor = descriptor
        return mapped

    def stream(self) -> IO[bytes]:
        """Return the file to read, from its beginning; one stream at a time."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(self._descriptor), "rb")


Data = bytes | FileBytes
"""All bytes of a file, in memory or where they lie."""


def stream_of(data: Data) -> IO[bytes]:
    """Return the bytes as a file to read, for libraries that want one."""
    return data.stream() if isinstance(data, FileBytes) else io.BytesIO(data)

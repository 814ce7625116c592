"""Batches on the disk, so that they outlive the process.

A batch is a file, written aside, synced and renamed. Each process has a folder
of its own below the spool and holds its lock; a folder whose lock is free
belonged to a process that is gone, and whoever starts next takes its batches
over. docs/formats/spool.md describes the bytes; the Go client has the same.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Iterator
from typing import IO, Optional

from .door import Batch

try:
    import fcntl

    def _lock(file: IO[bytes], wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            return False
        return True

except ImportError:  # Windows
    import msvcrt

    def _lock(file: IO[bytes], wait: bool) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True


_VERSION = 1
_SUFFIX = ".batch"


class Full(Exception):
    """The spool has no room for a batch."""


class Spool:
    """Used by one thread. Every method may raise OSError."""

    def __init__(self, root: str, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._number = 0
        self._locks: dict[str, IO[bytes]] = {}  # by folder
        self.bytes = 0
        self._own = os.path.join(root, secrets.token_hex(8))

    def open(self) -> list[tuple[str, int]]:
        """Takes over what is left of processes that are gone: files, oldest
        first, and the rows of each."""
        os.makedirs(self._root, mode=0o700, exist_ok=True)
        with open(os.path.join(self._root, "lock"), "ab") as all_of_them:
            _lock(all_of_them, wait=True)
            left = list(self._left())
            os.mkdir(self._own, 0o700)
            lock = open(os.path.join(self._own, "lock"), "ab")
            _lock(lock, wait=False)
            self._locks[self._own] = lock
        _sync_folder(self._root)
        left.sort()
        return [(path, rows) for _, path, rows in left]

    def _left(self) -> Iterator[tuple[int, str, int]]:
        for folder in os.listdir(self._root):
            folder = os.path.join(self._root, folder)
            try:
                lock = open(os.path.join(folder, "lock"), "rb+")
            except OSError:
                continue  # not a folder of ours, or just deleted
            if not _lock(lock, wait=False):
                lock.close()
                continue
            self._locks[folder] = lock
            names = [n for n in sorted(os.listdir(folder)) if n.endswith(_SUFFIX)]
            for name in names:
                path = os.path.join(folder, name)
                info = os.stat(path)
                self.bytes += info.st_size
                yield info.st_mtime_ns, path, _rows(path)
            if not names:
                self._leave(folder)

    def put(self, batch: Batch) -> str:
        """Writes a batch; when it returns the batch is durable."""
        head = json.dumps(
            {
                "v": _VERSION, "path": batch.path, "id": batch.id, "type": batch.type, "rows": batch.rows,
                "bytes": len(batch.body), "crc32": zlib.crc32(batch.body),
            }
        ).encode() + b"\n"
        size = len(head) + len(batch.body)
        if self.bytes + size > self._limit:
            raise Full(f"the spool holds {self.bytes} bytes, its limit is {self._limit}")
        self._number += 1
        path = os.path.join(self._own, f"{self._number:020d}{_SUFFIX}")
        aside = path + ".tmp"
        try:
            with open(aside, "wb") as f:
                f.write(head)
                f.write(batch.body)
                f.flush()
                os.fsync(f.fileno())
            os.rename(aside, path)
        except OSError:
            try:
                os.unlink(aside)
            except OSError:
                pass
            raise
        self.bytes += size
        _sync_folder(self._own)
        return path

    def get(self, path: str) -> Optional[Batch]:
        """Reads a batch back; None if the file is damaged, which is then set aside."""
        with open(path, "rb") as f:
            head_line = f.readline(1 << 16)
            body = f.read()
        try:
            head = json.loads(head_line)
            good = head["v"] == _VERSION and head["bytes"] == len(body) and head["crc32"] == zlib.crc32(body)
            if good:
                return Batch(str(head["path"]), str(head["id"]), int(head["rows"]), str(head["type"]), body)
        except (ValueError, KeyError, TypeError):
            pass
        self.bytes -= os.path.getsize(path)
        os.rename(path, path + ".damaged")
        return None

    def remove(self, path: str) -> None:
        """Forgets a batch that the server has answered for."""
        size = os.path.getsize(path)
        os.unlink(path)
        self.bytes -= size
        folder = os.path.dirname(path)
        if folder != self._own and not any(n.endswith(_SUFFIX) for n in os.listdir(folder)):
            self._leave(folder)

    def close(self) -> None:
        """Gives the folders back; those that are empty are deleted."""
        for folder in list(self._locks):
            self._leave(folder)

    def _leave(self, folder: str) -> None:
        lock = self._locks.pop(folder)
        try:
            if os.listdir(folder) == ["lock"]:
                os.unlink(os.path.join(folder, "lock"))
                os.rmdir(folder)
        except OSError:
            pass  # the next process that starts will do it
        lock.close()

    def forget(self) -> None:
        """In a forked child: the locks are the parent's."""
        for lock in self._locks.values():
            lock.close()  # the parent's descriptor still holds it
        self._locks = {}


def _rows(path: str) -> int:
    try:
        with open(path, "rb") as f:
            return int(json.loads(f.readline(1 << 16))["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _sync_folder(path: str) -> None:
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""The thread that encodes rows, keeps what is to be sent, and sends it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Optional

from .door import Again, Batch, Door, Refused
from .rows import Row, line
from .spool import Full, Spool

MAX_BATCH_BYTES = 1 << 20  # ends a batch before batch_rows does, where rows are wide
NDJSON = "application/x-ndjson"
LOG_PAUSE = 60.0  # seconds between two log lines of the same kind

# What a row of the buffer is: the path it goes to and its fields, or a batch
# that is encoded already; then what it takes in memory.
Item = tuple[str, "Row | Batch", int]


@dataclass
class Counts:
    sent: int = 0
    rejected: int = 0
    dropped: int = 0
    failed: int = 0
    retries: int = 0


@dataclass
class Options:
    batch_rows: int
    flush_interval: float
    max_rows: int
    max_bytes: int
    retry_min: float
    retry_max: float


@dataclass
class _Pending:
    number: int
    rows: int
    framed: bool = False
    batch: Optional[Batch] = None  # in memory, or
    file: Optional[str] = None  # in the spool; both while nothing else waits


@dataclass
class _Waiter:
    done: threading.Event = field(default_factory=threading.Event)
    number: int = -1  # of the last batch that it waits for, once that is known
    answered: bool = False  # for all of them; else the thread ended


class Sender:
    """Owns the buffer, the pending batches and one daemon thread.

    lock guards buffer, rows, framed, spooled, bytes, counts and waiters. It can be taken again
    by its own thread, so that a signal handler may record. pending belongs to
    the thread.
    """

    def __init__(self, door: Door, options: Options, spool: Optional[Spool], prefix: str, log: logging.Logger) -> None:
        self.lock = threading.RLock()
        self.buffer: list[Item] = []
        self.rows = 0  # in memory, in the buffer and pending: those put one by one
        self.framed = 0  # and those of frames
        self.bytes = 0
        self.spooled = 0  # rows in the spool
        self.counts = Counts()
        self.closed = False
        self.wake = threading.Event()
        self._door = door
        self._options = options
        self._spool = spool
        self._spool_open = False
        self._prefix = prefix
        self._log = log
        self._said: dict[str, float] = {}
        self._pending: deque[_Pending] = deque()
        self._number = 0
        self._waiters: list[_Waiter] = []
        self._pause = options.retry_min
        self._next_try = 0.0
        self._stop = False
        self._ended = False  # the thread takes nothing more
        self._stopped = False  # what was left has been counted
        self._thread: Optional[threading.Thread] = None

    # Called by the service's threads.

    def put(self, path: str, row: Row, cost: int) -> None:
        with self.lock:
            if self.closed or self.rows >= self._options.max_rows or self.bytes >= self._options.max_bytes:
                self.counts.dropped += 1
                return
            self.buffer.append((path, row, cost))
            self.rows += 1
            self.bytes += cost
            full = len(self.buffer) == self._options.batch_rows
            if self._thread is None:
                self.start()
        if full:
            self.wake.set()

    def offer(self, batch: Batch) -> bool:
        """Takes a batch if there is room; max_rows is not for its rows, which
        are small."""
        size = len(batch.body)
        with self.lock:
            if self.closed or self.bytes + size > self._options.max_bytes:
                return False
            self.buffer.append((batch.path, batch, size))
            self.framed += batch.rows
            self.bytes += size
            self.start()
        self.wake.set()
        return True

    def start(self) -> None:
        with self.lock:
            if self._thread is None and not self._stop:
                self._thread = threading.Thread(target=self._run, name="leeway", daemon=True)
                self._thread.start()

    def flush(self, timeout: Optional[float]) -> bool:
        with self.lock:
            if self._thread is None or self._ended:
                return self.rows + self.framed == 0
            waiter = _Waiter()
            self._waiters.append(waiter)
        self.wake.set()
        return waiter.done.wait(timeout) and waiter.answered

    def stop(self, timeout: float) -> bool:
        """Flushes, ends the thread; what is left in memory counts as failed."""
        with self.lock:
            self.closed = True
        flushed = self.flush(timeout)
        self._stop = True
        self.wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            if not flushed:
                self._door.cut()
            thread.join(1.0)
        with self.lock:
            self._stopped = True
            self.counts.failed += self.rows + self.framed
            self.rows = self.framed = self.bytes = 0
            self.buffer = []
        return flushed

    def forget(self) -> None:
        """In a forked child: rows, connection and spool are the parent's."""
        self._door.close()
        if self._spool is not None:
            self._spool.forget()

    def lost(self, rows: int, what: str, error: object) -> None:
        with self.lock:
            self.counts.dropped += rows
        self.say(logging.WARNING, what, "%s: %s", what, error)

    def say(self, level: int, kind: str, message: str, *args: object) -> None:
        """Logs, but not the same kind over and over."""
        now = time.monotonic()
        with self.lock:
            if now < self._said.get(kind, 0.0):
                return
            if len(self._said) > 1000:
                self._said.clear()
            self._said[kind] = now + LOG_PAUSE
        try:
            self._log.log(level, message, *args)
        except Exception:
            pass  # a handler of the service; it is not ours to fail by

    # The thread.

    def _run(self) -> None:
        while True:
            try:
                self.wake.wait(self._wait())
                self.wake.clear()
                self._step()
                if self._stop:
                    break
            except Exception as e:  # a bug must not end the sending
                self.say(logging.ERROR, "step", "a step of sending failed: %s: %s", type(e).__name__, e)
                self._next_try = time.monotonic() + self._options.retry_max
                if self._stop:
                    break
        self._end()

    def _wait(self) -> float:
        wait = self._options.flush_interval
        if self._pending:
            wait = min(wait, self._next_try - time.monotonic())
        return max(wait, 0.0)

    def _step(self) -> None:
        self._open_spool()
        with self.lock:
            waiters = [w for w in self._waiters if w.number < 0]
            items, self.buffer = self.buffer, []
        self._encode(items)
        for w in waiters:
            w.number = self._number
        self._tell()
        while self._pending and not self._stop and time.monotonic() >= self._next_try:
            self._send_first()
            self._tell()
            if len(self.buffer) >= self._options.batch_rows:
                break

    def _end(self) -> None:
        self._door.close()
        with self.lock:
            items, self.buffer = self.buffer, []
        if self._spool is not None and self._spool_open:
            self._encode(items)
            self._spool.close()
        with self.lock:
            self._ended = True
            waiters, self._waiters = self._waiters, []
        for w in waiters:
            w.done.set()

    def _tell(self) -> None:
        first = self._pending[0].number if self._pending else self._number + 1
        with self.lock:
            done = [w for w in self._waiters if 0 <= w.number < first]
            self._waiters = [w for w in self._waiters if w not in done]
        for w in done:
            w.answered = True
            w.done.set()

    def _encode(self, items: list[Item]) -> None:
        """Makes batches, those of one path in the order of their rows."""
        open_: dict[str, tuple[list[bytes], list[int]]] = {}
        for i, (path, row, cost) in enumerate(items):
            if isinstance(row, Batch):
                self._queue(row, cost, framed=True)
                continue
            if i % 32 == 31:
                time.sleep(0)  # lets a waiting request have the interpreter
            try:
                text = line(row)
            except Exception as e:
                with self.lock:
                    if not self._stopped:
                        self.rows -= 1
                        self.bytes -= cost
                self.lost(1, "a row cannot be written", f"{type(e).__name__}: {e}")
                continue
            lines, sizes = open_.setdefault(path, ([], [0, 0]))
            lines.append(text)
            sizes[0] += cost
            sizes[1] += len(text) + 1
            if len(lines) >= self._options.batch_rows or sizes[1] >= MAX_BATCH_BYTES:
                del open_[path]
                self._seal(path, lines, sizes[0])
        for path, (lines, sizes) in open_.items():
            self._seal(path, lines, sizes[0])

    def _seal(self, path: str, lines: list[bytes], cost: int) -> None:
        body = b"\n".join(lines) + b"\n"
        self._queue(Batch(path, f"{self._prefix}{self._number + 1}", len(lines), NDJSON, body), cost, framed=False)

    def _queue(self, batch: Batch, cost: int, framed: bool) -> None:
        """Takes a batch whose rows counted cost bytes up to now."""
        self._number += 1
        pending = _Pending(self._number, batch.rows, framed, batch)
        if self._spool is not None and self._spool_open:
            self._to_disk(pending, batch)
        with self.lock:
            if pending.file is not None:
                self.spooled += batch.rows
            if not self._stopped:
                self.bytes -= cost
                if pending.file is None:
                    self.bytes += len(batch.body)
                else:
                    self._leave_memory(pending)
        self._pending.append(pending)

    def _leave_memory(self, pending: _Pending) -> None:
        if pending.framed:
            self.framed -= pending.rows
        else:
            self.rows -= pending.rows

    def _to_disk(self, pending: _Pending, batch: Batch) -> None:
        assert self._spool is not None
        try:
            pending.file = self._spool.put(batch)
            if self._pending:
                pending.batch = None  # read back when its turn comes
        except (OSError, Full) as e:
            self.say(logging.WARNING, "spool", "a batch stays in memory: %s", e)

    def _open_spool(self) -> None:
        if self._spool is None or self._spool_open:
            return
        try:
            left = self._spool.open()
        except OSError as e:
            self.say(logging.ERROR, "spool open", "no spool, rows stay in memory: %s", e)
            self._spool = None
            return
        self._spool_open = True
        for path, rows in left:
            self._number += 1
            self._pending.append(_Pending(self._number, rows, file=path))
            with self.lock:
                self.spooled += rows

    def _send_first(self) -> None:
        pending = self._pending[0]
        batch = pending.batch
        try:
            if batch is None:
                assert self._spool is not None and pending.file is not None
                batch = self._spool.get(pending.file)
                if batch is None:
                    self._settle(pending, None)
                    self.lost(pending.rows, "a file of the spool is damaged", pending.file)
                    return
            rejections = self._door.post(batch)
        except Again as e:
            with self.lock:
                self.counts.retries += 1
            wait = max(e.after, self._pause * random.uniform(0.5, 1.0))
            self._next_try = time.monotonic() + wait
            self._pause = min(2 * self._pause, self._options.retry_max)
            self.say(logging.WARNING, "again", "sending to Leeway failed and will be tried again: %s", e)
            return
        except Refused as refused:
            assert batch is not None
            self.say(logging.ERROR, "refused " + refused.code, "Leeway refused %d rows for %s: %s", batch.rows, batch.path, refused)
            self._settle(pending, batch, rejected=batch.rows)
            return
        except OSError as e:  # the spool's file cannot be read
            self._settle(pending, None)
            self.lost(pending.rows, "a file of the spool cannot be read", e)
            return
        if rejections.rows:
            self.say(
                logging.WARNING, "rejected " + rejections.code, "Leeway rejected %d of %d rows for %s, the first for %s",
                rejections.rows, batch.rows, batch.path, rejections.reason,
            )
        self._settle(pending, batch, min(rejections.rows, batch.rows))

    def _settle(self, pending: _Pending, batch: Optional[Batch], rejected: int = 0) -> None:
        """The batch has its answer."""
        self._pause, self._next_try = self._options.retry_min, 0.0
        self._pending.popleft()
        with self.lock:
            if batch is not None:
                self.counts.sent += batch.rows - rejected
                self.counts.rejected += rejected
            if pending.file is not None:
                self.spooled -= pending.rows
            elif pending.batch is not None and not self._stopped:
                self._leave_memory(pending)
                self.bytes -= len(pending.batch.body)
        if pending.file is not None and batch is not None:
            try:
                assert self._spool is not None
                self._spool.remove(pending.file)
            except OSError as e:  # it may be sent once more, and counts once
                self.say(logging.WARNING, "spool remove", "a sent batch stays in the spool: %s", e)

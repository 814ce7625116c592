"""Monitor: what a model service calls."""

from __future__ import annotations

import atexit
import logging
import os
import re
import secrets
import ssl
import sys
import time as _time
import weakref
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union, overload

from . import frames, watching
from .door import Batch, Door
from .rows import Row, cost, milliseconds
from .sender import Options, Sender
from .spool import Spool

F = TypeVar("F", bound=Callable[..., Any])
_now = _time.time
_model_name = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


class Stats(NamedTuple):
    """Counts of rows since the monitor was made, in this process."""

    sent: int  #: the server took them
    rejected: int  #: the server would not take them, by themselves or with their batch
    dropped: int  #: there was no room, or they could not be written, or came after close()
    failed: int  #: given up at the end of close()
    waiting: int  #: in memory, or in the spool
    spooled: int  #: of those, in the spool
    retries: int  #: requests that failed and were, or will be, repeated


class Monitor:
    """Sends what one model does, in the background.

    Promises. predict(), label() and log_frame() do not wait for the network or
    the disk and do not raise: what goes wrong is counted in stats() and logged
    to the logger "leeway", one line a minute of a kind. Mappings are copied
    (their values are not), so the caller may reuse them. What waits in memory
    is bounded by max_rows and max_bytes; beyond that rows are dropped and
    counted. A batch is sent until the server has answered for it, under one id
    in every try, so that it counts once. Rows that are in memory when the
    process dies are lost; with a spool those of finished batches are not.

    A Monitor is safe for use by many threads; make one for each model and keep
    it. It owns one daemon thread, from the first row (with a spool at once) to
    close(). At exit it is closed, with
    close_timeout. A forked child has a thread, a connection and a spool folder
    of its own and none of its parent's rows; a child that ends by os._exit
    without close() loses what it has not sent.
    """

    def __init__(
        self,
        url: str,
        model: str,
        token: Optional[str] = None,
        version: Optional[str] = None,
        *,
        batch_rows: int = 1000,
        flush_interval: float = 1.0,
        max_rows: int = 100_000,
        max_bytes: int = 64 << 20,
        timeout: float = 15.0,
        retry_min: float = 0.25,
        retry_max: float = 30.0,
        close_timeout: float = 5.0,
        spool: Union[str, "os.PathLike[str]", None] = None,
        spool_bytes: int = 1 << 30,
        ssl_context: Optional[ssl.SSLContext] = None,
        logger: Optional[logging.Logger] = None,
    ) -> None:
        """url is the server's, such as http://127.0.0.1:7420; token has the role
        ingest, where the server asks for one. Times are in seconds. spool is a
        folder, of one server only; several processes may share it, and each of
        them keeps spool_bytes at most. Raises ValueError for a bad address or
        name, and nothing else."""
        if not _model_name.match(model):
            raise ValueError(f"a model's name is 1 to 128 letters, digits, '.', '-' and '_', not {model!r}")
        self.model = model
        self.version = version
        self._close_timeout = close_timeout
        self._predictions = f"/api/v1/models/{model}/predictions"
        self._labels = f"/api/v1/models/{model}/labels"
        self._has_spool = spool is not None
        log = logger or logging.getLogger("leeway")
        options = Options(max(1, batch_rows), flush_interval, max_rows, max_bytes, retry_min, retry_max)

        def sender() -> Sender:
            return Sender(
                Door(url, token, timeout, ssl_context),
                options,
                None if spool is None else Spool(os.fspath(spool), spool_bytes),
                f"py-{secrets.token_hex(8)}-",
                log,
            )

        self._new_sender = sender
        self._sender = sender()
        self._frames = f"py-{secrets.token_hex(8)}-f"
        self._frame_number = 0
        _monitors.add(self)
        if self._has_spool:
            self._sender.start()

    def predict(
        self,
        *,
        id: Union[str, int, None] = None,
        features: Optional[Mapping[str, Any]] = None,
        prediction: Any = None,
        score: Union[float, Mapping[str, float], None] = None,
        label: Any = None,
        latency_ms: Optional[float] = None,
        error: Union[str, BaseException, None] = None,
        segments: Optional[Mapping[str, str]] = None,
        time: Any = None,
        version: Optional[str] = None,
    ) -> None:
        """Takes a prediction. Without an id no label can meet it. score is the
        probability of the positive class, or of each class. time is a datetime
        (naive: local time), or seconds or milliseconds since 1970; now if None."""
        try:
            row: Row = {"time": int(_now() * 1000) if time is None else milliseconds(time)}
            if id is not None:
                row["id"] = id
            if version is not None:
                row["version"] = version
            elif self.version is not None:
                row["version"] = self.version
            if prediction is not None:
                row["prediction"] = prediction
            if score is not None:
                row["score"] = dict(score) if isinstance(score, Mapping) else score
            if label is not None:
                row["label"] = label
            if latency_ms is not None:
                row["latency_ms"] = latency_ms
            if error is not None:
                row["error"] = watching.text(error) if isinstance(error, BaseException) else error
            if segments:
                row["segments"] = dict(segments)
            kept = None
            if features:
                row["features"] = kept = dict(features)
            self._sender.put(self._predictions, row, cost(kept))
        except Exception as e:
            self._sender.lost(1, "a prediction cannot be taken", _brief(e))

    def label(self, id: Union[str, int], label: Any, *, time: Any = None) -> None:
        """Takes what turned out to be true. A second label corrects the first."""
        try:
            row: Row = {"time": int(_now() * 1000) if time is None else milliseconds(time), "id": id, "label": label}
            self._sender.put(self._labels, row, 300)
        except Exception as e:
            self._sender.lost(1, "a label cannot be taken", _brief(e))

    def log_frame(
        self,
        frame: Any,
        *,
        kind: str = "predictions",
        id: Optional[str] = None,
        time: Optional[str] = None,
        version: Optional[str] = None,
        prediction: Optional[str] = None,
        score: Union[str, Mapping[str, str], None] = None,
        label: Optional[str] = None,
        latency_ms: Optional[str] = None,
        error: Optional[str] = None,
        segments: Union[list[str], Mapping[str, str], None] = None,
        features: Optional[list[str]] = None,
        history: bool = False,
        wait: float = 0.0,
    ) -> int:
        """Takes the rows of a pandas or polars frame, a pyarrow table, a mapping
        of columns, or whatever offers itself by the Arrow stream or dataframe
        protocol. The arguments name the columns; a column that is called like a
        role has it without being named, and all others are features, unless
        features lists them. score may map classes to columns. kind is
        predictions, labels or reference. history=True pages nobody.

        Sent as Arrow where pyarrow is installed, else as JSON. Encoding happens
        here, in pieces of 100,000 rows; where a piece has no room within max_bytes,
        up to wait seconds are waited for it. Gives the number of rows taken; the
        others are counted as dropped."""
        rows = 0
        end = _time.monotonic() + wait
        try:
            roles = frames.Roles(id, time, version, prediction, score, label, latency_ms, error, segments, features)
            if kind not in ("predictions", "labels", "reference"):
                raise ValueError(f"kind is predictions, labels or reference, not {kind!r}")
            query = f"?time={int(_now() * 1000)}" + ("&import=true" if history else "")
            path = f"/api/v1/models/{self.model}/{kind}{query}"
            default_version = self.version if kind == "predictions" else None
            for encoded in frames.encode(frame, roles, kind, default_version):
                with self._sender.lock:
                    self._frame_number += 1
                    number = self._frame_number
                batch = Batch(path, f"{self._frames}{number}", encoded.rows, encoded.type, encoded.body)
                if self._offer(batch, end):
                    rows += encoded.rows
                else:
                    self._sender.lost(encoded.rows, "a frame has no room", f"{len(encoded.body)} bytes")
        except Exception as e:
            try:
                missing = max(len(frame) - rows, 0)
            except Exception:
                missing = 1
            self._sender.lost(missing, "a frame cannot be taken", _brief(e))
        return rows

    def set_reference(self, frame: Any, **roles: Any) -> int:
        """Sends rows that drift is measured against: training or validation data.
        The arguments are those of log_frame(); wait is 60 s."""
        roles["kind"] = "reference"
        roles.setdefault("wait", 60.0)
        try:
            return self.log_frame(frame, **roles)
        except TypeError as e:  # an argument that there is not
            self._sender.lost(0, "a frame cannot be taken", _brief(e))
            return 0

    def _offer(self, batch: Batch, end: float) -> bool:
        while not self._sender.offer(batch):
            if self._sender.closed or _time.monotonic() >= end:
                return False
            _time.sleep(0.01)
        return True

    @overload
    def watch(self, function: F) -> F: ...

    @overload
    def watch(
        self,
        *,
        id: Optional[Callable[..., Any]] = None,
        features: Optional[Callable[..., Any]] = None,
        prediction: Optional[Callable[[Any], Any]] = None,
        score: Optional[Callable[[Any], Any]] = None,
        segments: Optional[Callable[..., Any]] = None,
    ) -> Callable[[F], F]: ...

    def watch(self, function: Any = None, **callbacks: Any) -> Any:
        """Decorates a function, or a coroutine function, that predicts: each call
        is recorded with its latency, and with the error if it raised one.

        A single mapping among the arguments is taken as features, and a result
        that is a string, number or boolean as the prediction. id, features and
        segments are called with the arguments, prediction and score with the
        result, where that is not so. Exceptions of the function go to its
        caller as they are; those of the callbacks are logged."""
        if function is not None:
            return watching.wrap(self, function, {})
        return lambda f: watching.wrap(self, f, callbacks)

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until every row taken before has the server's answer: True, or
        False if the timeout, in seconds, came first."""
        return self._sender.flush(timeout)

    def close(self, timeout: Optional[float] = None) -> bool:
        """Flushes and ends the thread; later rows are dropped. Rows that are not
        sent within the timeout (close_timeout) count as failed, but for those
        in the spool. May be called again."""
        _monitors.discard(self)
        if self._sender.closed:
            return True
        return self._sender.stop(self._close_timeout if timeout is None else timeout)

    def stats(self) -> Stats:
        s = self._sender
        with s.lock:
            c = s.counts
            waiting = s.rows + s.framed + s.spooled
            return Stats(c.sent, c.rejected, c.dropped, c.failed, waiting, s.spooled, c.retries)

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        parent, self._sender = self._sender, self._new_sender()
        parent.forget()
        self._sender.closed = parent.closed
        self._frames = f"py-{secrets.token_hex(8)}-f"
        # multiprocessing ends its children by os._exit, past atexit.
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            util.register_after_fork(self, _close_with_process)


def _close_with_process(monitor: Monitor) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(monitor, _close, args=(weakref.ref(monitor),), exitpriority=10)


def _close(ref: "weakref.ref[Monitor]") -> None:
    monitor = ref()
    if monitor is not None:
        monitor.close()


def _brief(e: BaseException) -> str:
    return f"{type(e).__name__}: {e}"


_monitors: "set[Monitor]" = set()  # those that are not closed


def _close_all() -> None:
    for monitor in list(_monitors):
        try:
            monitor.close()
        except Exception:
            pass


def _fork_all() -> None:
    for monitor in list(_monitors):
        try:
            monitor._after_fork()
        except Exception:
            pass


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)

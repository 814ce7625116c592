"""For services on FastAPI, Starlette or any other ASGI framework.

The middleware records latency and errors of the model's paths by itself; the
dependency lets an endpoint say what it predicted.

    app.add_middleware(leeway.fastapi.Middleware, monitor=monitor, paths=["/predict"])

    @app.post("/predict")
    async def predict(body: Input, record: Recording = Depends(recorder(monitor))):
        answer = model(body)
        record.set(id=body.id, features=body.dict(), prediction=answer.label, score=answer.score)
        return answer

Use one of them for an endpoint, or its calls count twice.
"""
# No `from __future__ import annotations`: FastAPI reads the annotations of the
# dependency, which name what only this function imports.

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Optional, Union

from .monitor import Monitor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# From the decoded bodies of request and answer to the arguments of predict();
# None: nothing more than latency and error is known.
Describe = Callable[[Any, Any], Optional[dict[str, Any]]]

MAX_BODY = 1 << 20  # bytes of a body that are kept for describe


class Middleware:
    """Records each HTTP request whose path is in paths: its latency until the
    last byte of the answer, and as an error an exception or a status from 500.
    A status of 4xx is the caller's mistake, and is not recorded.

    describe(request, answer), if given, gets the decoded JSON of both, None
    where a body is no JSON or is larger than 1 MiB, and gives arguments of
    Monitor.predict(). The bodies pass on as they come; nothing is held up."""

    def __init__(
        self,
        app: App,
        monitor: Monitor,
        paths: Union[Iterable[str], Callable[[str], bool]] = ("/predict",),
        describe: Optional[Describe] = None,
    ) -> None:
        self.app = app
        self.monitor = monitor
        self._describe = describe
        if callable(paths):
            self._wanted: Callable[[str], bool] = paths
        else:
            self._wanted = frozenset([paths] if isinstance(paths, str) else paths).__contains__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._is_wanted(scope["path"]):
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        seen = _Exchange(receive, send, self._describe is not None)
        try:
            await self.app(scope, seen.receive, seen.send)
        except Exception as e:
            self._record(seen, start, e)
            raise
        self._record(seen, start, None)

    def _is_wanted(self, path: str) -> bool:
        try:
            return self._wanted(path)
        except Exception as e:
            self.monitor._sender.lost(0, "paths of the middleware failed", e)
            return False

    def _record(self, seen: "_Exchange", start: float, error: Optional[Exception]) -> None:
        row: dict[str, Any] = {"latency_ms": (time.perf_counter() - start) * 1000}
        if error is None and 400 <= seen.status < 500:
            return
        try:
            if self._describe is not None and error is None and seen.status < 500:
                row.update(self._describe(seen.request.value(), seen.answer.value()) or {})
        except Exception as e:
            self.monitor._sender.lost(0, "describe of the middleware failed", f"{type(e).__name__}: {e}")
        if error is not None:
            row["error"] = error
        elif seen.status >= 500:
            row["error"] = f"status {seen.status}"
        try:
            self.monitor.predict(**row)
        except TypeError as e:  # describe gave an argument that there is not
            self.monitor._sender.lost(1, "describe gave no arguments of predict()", e)


class _Body:
    """What has passed of a body, as long as it is small."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= MAX_BODY:
            self.parts.append(part)
        else:
            self.parts.clear()

    def value(self) -> Any:
        if self.size > MAX_BODY:
            return None
        try:
            return json.loads(b"".join(self.parts))
        except ValueError:
            return None


class _Exchange:
    """Looks at the messages of one request as they pass."""

    def __init__(self, receive: Receive, send: Send, bodies: bool) -> None:
        self._receive, self._send, self._bodies = receive, send, bodies
        self.request, self.answer = _Body(), _Body()
        self.status = 500  # no answer was begun

    async def receive(self) -> Message:
        message = await self._receive()
        if self._bodies and message["type"] == "http.request":
            self.request.add(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self._bodies and message["type"] == "http.response.body":
            self.answer.add(message.get("body", b""))
        await self._send(message)


class Recording:
    """One call of an endpoint; what set() was given is recorded at its end, with
    the latency."""

    def __init__(self) -> None:
        self._row: dict[str, Any] = {}

    def set(self, **row: Any) -> None:
        """Takes arguments of Monitor.predict(); may be called several times."""
        self._row.update(row)


def recorder(monitor: Monitor, id_header: str = "x-request-id") -> Callable[..., AsyncIterator[Recording]]:
    """A dependency that gives a Recording. The id is that of the header, until
    the endpoint sets one. The latency is that of the endpoint; an exception
    that it raises is the error. An HTTPException below 500 is the caller's
    mistake, and is not recorded."""
    from starlette.requests import Request

    async def dependency(request: Request) -> AsyncIterator[Recording]:
        recording = Recording()
        start = time.perf_counter()

        def record(**more: Any) -> None:
            row = {"id": request.headers.get(id_header), "latency_ms": (time.perf_counter() - start) * 1000}
            try:
                monitor.predict(**{**row, **recording._row, **more})
            except TypeError as e:  # set() was given an argument that there is not
                monitor._sender.lost(1, "a recording has no arguments of predict()", e)

        try:
            yield recording
        except Exception as e:
            if getattr(e, "status_code", 500) >= 500:
                record(error=e)
            raise
        record()

    return dependency

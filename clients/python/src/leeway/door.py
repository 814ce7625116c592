"""One connection to the server: posts a batch and reads what was said of it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.parse
from typing import Any, NamedTuple, Optional

MAX_ANSWER = 1 << 20  # bytes of an answer that are read
MAX_PAUSE = 3600.0  # seconds, whatever Retry-After says


class Batch(NamedTuple):
    """Rows that are sent together, under one id in every try."""

    path: str
    id: str
    rows: int
    type: str
    body: bytes


class Rejections(NamedTuple):
    rows: int
    code: str
    reason: str


class Again(Exception):
    """A try that failed and that a later one may not; after is in seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Refused(Exception):
    """The server will not take the batch; code is that of its problem document."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


# 401 and 403 are tried again: a token that is not known yet, or was changed,
# is set right by a person, and the rows should still be there then.
_AGAIN = {401, 403, 408, 425, 429}


class Door:
    """Used by one thread, but for cut()."""

    def __init__(
        self, url: str, token: Optional[str], timeout: float, context: Optional[ssl.SSLContext]
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the server's address is http://host:port, not {url!r}")
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._context = context
        self._timeout = timeout
        self._headers = {"User-Agent": "leeway-python"}
        if token:
            self._headers["Authorization"] = "Bearer " + token
        self._conn: Optional[http.client.HTTPConnection] = None

    def _connection(self) -> http.client.HTTPConnection:
        if self._conn is None:
            if self._secure:
                self._conn = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout, context=self._context
                )
            else:
                self._conn = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return self._conn

    def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def cut(self) -> None:
        """Ends a request that is under way in another thread."""
        conn = self._conn
        sock = conn.sock if conn is not None else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def post(self, batch: Batch) -> Rejections:
        """Posts once. Raises Again or Refused."""
        headers = dict(self._headers)
        headers["Content-Type"] = batch.type
        headers["Leeway-Batch-Id"] = batch.id
        status, answer_headers, body = self._exchange(batch, headers)
        answer = _parse(body)
        if status in _AGAIN or status >= 500:
            raise Again(_problem(status, answer), _pause(answer_headers.get("Retry-After")))
        if status >= 300:
            raise Refused(_problem(status, answer), _code(answer, status))
        return _rejections(answer)

    def _exchange(
        self, batch: Batch, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        while True:
            used = self._conn is not None
            conn = self._connection()
            try:
                conn.request("POST", self._prefix + batch.path, batch.body, headers)
                response = conn.getresponse()
                body = response.read(MAX_ANSWER)
                if response.will_close or not response.isclosed():
                    self.close()
                return response.status, response.headers, body
            except (OSError, http.client.HTTPException) as e:
                self.close()
                # A server closes idle connections; that is no failure of it. A
                # try that came through all the same counts once by its id.
                if used and isinstance(e, (ConnectionError, http.client.RemoteDisconnected)):
                    continue
                raise Again(f"{type(e).__name__}: {e}") from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _problem(status: int, answer: dict[str, Any]) -> str:
    return f"{status}: {answer.get('detail') or answer.get('title') or 'no reason given'}"


def _code(answer: dict[str, Any], status: int) -> str:
    return str(answer.get("code") or status)


def _rejections(answer: dict[str, Any]) -> Rejections:
    rows = answer.get("rejected")
    if not isinstance(rows, int) or rows <= 0:
        return Rejections(0, "", "")
    listed = answer.get("rejections")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    return Rejections(rows, str(first.get("code", "")), f"{first.get('field', '')}: {first.get('reason', '')}")


def _pause(value: Optional[str]) -> float:
    try:
        seconds = float(value or 0)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), MAX_PAUSE) if seconds == seconds else 0.0

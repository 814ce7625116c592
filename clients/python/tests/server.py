"""The real server, and a proxy in front of it that can fail as networks do."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEADLINE = 60.0  # seconds that a step of moments may take on a busy machine


def binary() -> str:
    given = os.environ.get("LEEWAY_BIN")
    if given:
        return given
    built = ROOT / "bin" / "leeway"
    if not built.exists():
        subprocess.run(["go", "build", "-trimpath", "-o", str(built), "./cmd/leeway"], cwd=ROOT, check=True)
    return str(built)


def until(condition, what="the condition", deadline=DEADLINE):
    """Waits until the condition gives something, and gives that."""
    end = time.monotonic() + deadline
    pause = threading.Event()
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {deadline} s; last: {got!r}")
        pause.wait(0.02)


class Server:
    """One data folder and the process that serves it."""

    def __init__(self, config: str = "") -> None:
        self.dir = tempfile.mkdtemp(prefix="leeway-py-")
        self.port = 0
        self.file = None
        if config:
            self.file = os.path.join(self.dir, "leeway.yml")
            pathlib.Path(self.file).write_text(config, encoding="utf-8")
        self.process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Server":
        args = [binary(), "serve", "--listen", f"127.0.0.1:{self.port}", "--data", os.path.join(self.dir, "data")]
        if self.file:
            args += ["--config", self.file]
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=log)
        for line in self.process.stdout:
            words = line.split()
            if len(words) == 2 and words[0] == b"dashboard":
                self.port = int(words[1].rsplit(b":", 1)[1])
                break
        else:
            raise AssertionError("the server named no address:\n" + self.log())
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        until(self._ready, "readiness")
        return self

    def log(self) -> str:
        return pathlib.Path(self.dir, "log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as r:
                return r.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def get(self, path: str):
        with urllib.request.urlopen(self.url + path, timeout=30) as r:
            return json.load(r)

    def counts(self, model: str) -> tuple[int, int]:
        """Predictions and labels of a model, as the dashboard counts them."""
        try:
            windows = self.get(f"/api/v1/models/{model}/quality?from=now-1d&to=now%2B1h&step=1M")["windows"]
        except urllib.error.HTTPError:
            return 0, 0
        return sum(w["predictions"] for w in windows), sum(w["labels"] for w in windows)

    def wait_for(self, model: str, predictions: int, labels: int = 0) -> None:
        """Waits for these counts, and then that they stay for a processing step."""
        want = (predictions, labels)
        try:
            until(lambda: all(g >= w for g, w in zip(self.counts(model), want)), str(want))
        except AssertionError:
            raise AssertionError(f"{model} has {self.counts(model)}, wanted {want}") from None
        end = time.monotonic() + 0.7
        until(lambda: time.monotonic() > end)
        got = self.counts(model)
        if got != want:
            raise AssertionError(f"{model} has {got}, wanted {want}")

    def features(self, model: str) -> dict:
        body = self.get(f"/api/v1/models/{model}/data-quality?from=now-1d&to=now%2B1h")
        return {f["name"]: f for f in body["features"]}


class Proxy:
    """Passes HTTP requests to the server. plan(n) says what becomes of the n-th,
    from 1: "pass"; "drop": closed before the server sees it; "cut": closed after
    the server took it, before its answer; or the bytes of an answer."""

    def __init__(self, server: Server, plan=lambda n: "pass") -> None:
        self._server = server
        self.plan = plan
        self.seen: list[tuple[str, dict, bytes, float]] = []  # path, headers, body, time
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with conn, conn.makefile("rb") as reader:
            while True:
                head = []
                while True:
                    line = reader.readline()
                    if not line:
                        return
                    if line == b"\r\n":
                        break
                    head.append(line)
                headers = {k.lower(): v for k, v in (h.decode().rstrip().split(": ", 1) for h in head[1:])}
                body = reader.read(int(headers.get("content-length", 0)))
                path = head[0].split()[1].decode()
                self.seen.append((path, headers, body, time.monotonic()))
                what = self.plan(len(self.seen))
                if what == "drop":
                    return
                if isinstance(what, bytes):
                    conn.sendall(what)
                    continue
                answer = self._pass(path, headers, body)
                if what == "cut":
                    return
                conn.sendall(answer)

    def _pass(self, path: str, headers: dict, body: bytes) -> bytes:
        request = urllib.request.Request(self._server.url + path, body, {
            k: v for k, v in headers.items() if k not in ("host", "content-length", "connection", "authorization")})
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                return answer(r.status, r.read())
        except urllib.error.HTTPError as e:
            return answer(e.code, e.read(), e.headers.get("Retry-After"))
        except OSError:
            return answer(502, b"{}")


def answer(status: int, body: bytes, retry_after=None) -> bytes:
    extra = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


_shared: list[Server] = []


def shared() -> Server:
    """One server for all tests that do not stop it."""
    if not _shared:
        _shared.append(Server().start())
    return _shared[0]


def stop_shared() -> None:
    while _shared:
        _shared.pop().remove()

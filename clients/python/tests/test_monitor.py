"""Monitor against the real server, over a network that fails."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import unittest
import uuid

import leeway
from server import ROOT, Proxy, Server, answer, shared, until

SRC = str(ROOT / "clients" / "python" / "src")


class Lines(logging.Handler):
    """Keeps what was logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def script(text, *args, kill=False):
    """Runs Python in a process of its own."""
    env = {**os.environ, "PYTHONPATH": SRC}
    return subprocess.run([sys.executable, "-c", text, *args], env=env, timeout=60, check=not kill)


class Case(unittest.TestCase):
    def setUp(self):
        self.server = shared()
        self.model = "m-" + uuid.uuid4().hex[:12]
        self.said = Lines()
        self.logger = logging.Logger("test")
        self.logger.addHandler(self.said)

    def monitor(self, url=None, **options):
        options = {"flush_interval": 0.05, "retry_min": 0.01, "retry_max": 0.05, "logger": self.logger, **options}
        monitor = leeway.Monitor(url or self.server.url, self.model, **options)
        self.addCleanup(monitor.close, 0.1)
        return monitor

    def proxy(self, plan):
        proxy = Proxy(self.server, plan)
        self.addCleanup(proxy.close)
        return proxy


class SendingTest(Case):
    def test_predictions_and_labels(self):
        monitor = self.monitor(version="v2")
        for i in range(100):
            monitor.predict(
                id=f"r-{i}", features={"age": 40 + i % 3, "stadt": "Köln 漢字", "income": None, "nan": float("nan")},
                prediction="yes" if i % 2 else "no", score=0.9 if i % 2 else 0.1, latency_ms=1.5, segments={"channel": "web"},
            )
            monitor.label(f"r-{i}", "yes")
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats(), leeway.Stats(200, 0, 0, 0, 0, 0, 0))
        self.server.wait_for(self.model, 100, 100)
        features = self.server.features(self.model)
        self.assertEqual((features["age"]["rows"], features["age"]["missing"], features["age"]["min"]), (100, 0, 40))
        self.assertEqual((features["income"]["missing"], features["nan"]["missing"]), (100, 100))
        self.assertEqual(features["stadt"]["top"][0]["name"], "Köln 漢字")
        window = self.server.get(f"/api/v1/models/{self.model}/quality?from=now-1d&to=now%2B1h&step=1M&version=v2")["windows"][0]
        self.assertEqual(window["metrics"]["accuracy"]["value"], 0.5)
        self.assertEqual(self.said.lines, [])

    def test_rows_go_without_a_flush(self):
        monitor = self.monitor()
        monitor.predict(prediction=1)
        until(lambda: monitor.stats().sent == 1)

    def test_cut_connections_count_once(self):
        for how in ("drop", "cut"):
            with self.subTest(how):
                self.model = "m-" + uuid.uuid4().hex[:12]
                self.said.lines.clear()
                proxy = self.proxy(lambda n: how if n <= 4 else "pass")
                monitor = self.monitor(proxy.url, batch_rows=10)
                for i in range(25):
                    monitor.predict(prediction=i % 2)  # no ids: the batch's id alone makes them one
                self.assertTrue(monitor.flush(60))
                stats = monitor.stats()
                self.assertEqual((stats.sent, stats.dropped, stats.rejected, stats.failed, stats.waiting), (25, 0, 0, 0, 0))
                self.assertGreaterEqual(stats.retries, 2)
                ids = [headers["leeway-batch-id"] for _, headers, _, _ in proxy.seen]
                self.assertEqual(ids[:4], [ids[0]] * 4)
                self.assertEqual(sum(n - 1 for n in (ids.count(i) for i in set(ids))), 4)
                self.server.wait_for(self.model, 25)
                self.assertEqual(len(self.said.lines), 1)

    def test_retry_after_is_kept(self):
        for status in (429, 503):
            with self.subTest(status):
                proxy = self.proxy(lambda n: answer(status, b'{"detail":"wait"}', 1) if n <= 2 else "pass")
                monitor = self.monitor(proxy.url)
                monitor.predict(prediction=1)
                self.assertTrue(monitor.flush(60))
                times = [t for _, _, _, t in proxy.seen]
                self.assertEqual(len(times), 3)
                self.assertGreaterEqual(min(times[1] - times[0], times[2] - times[1]), 1.0)
                self.assertEqual(monitor.stats().retries, 2)

    def test_too_fast_for_the_server(self):
        server = Server("ingest:\n  rate_limit: 20\n").start()
        self.addCleanup(server.remove)
        monitor = self.monitor(server.url, batch_rows=80)
        for _ in range(240):
            monitor.predict(prediction=1)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 240)
        self.assertGreaterEqual(monitor.stats().retries, 1)
        server.wait_for(self.model, 240)

    def test_a_token_that_is_not_known_yet(self):
        proxy = self.proxy(lambda n: answer(401, b"{}") if n <= 2 else "pass")
        monitor = self.monitor(proxy.url, token="lw_secret")
        monitor.predict(prediction=1)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 1)
        self.assertEqual(proxy.seen[0][1]["authorization"], "Bearer lw_secret")
        self.assertNotIn("lw_secret", " ".join(self.said.lines))

    def test_rejected_rows_are_counted_and_said_once(self):
        monitor = self.monitor(batch_rows=40)
        for i in range(400):
            monitor.predict(prediction=1, score=2.0)
            if i % 4 == 0:
                monitor.predict(prediction=1, score=0.5)
        self.assertTrue(monitor.flush(60))
        stats = monitor.stats()
        self.assertEqual((stats.sent, stats.rejected, stats.waiting), (100, 400, 0))
        self.assertEqual(len(self.said.lines), 1, self.said.lines)
        self.assertIn("score", self.said.lines[0])

    def test_refused_batches_are_counted(self):
        monitor = self.monitor(batch_rows=10)
        for _ in range(30):
            monitor.predict(prediction=1, score=2.0)  # none of a batch is accepted: 422
        self.assertTrue(monitor.flush(60))
        self.assertEqual((monitor.stats().sent, monitor.stats().rejected, monitor.stats().retries), (0, 30, 0))
        self.assertEqual(len(self.said.lines), 1, self.said.lines)

    def test_nothing_raises(self):
        class Rude:
            def __str__(self):
                raise RuntimeError("rude")

        monitor = self.monitor()
        monitor.predict(id=Rude(), prediction=1)
        monitor.predict(features=7)
        monitor.predict(features={"a": Rude()})
        monitor.label("1", Rude())
        monitor.log_frame(object())
        monitor.set_reference([1, 2, 3], nonsense=1)
        monitor.predict(id="good", prediction=1)
        self.assertTrue(monitor.flush(60))
        self.assertEqual((monitor.stats().sent, monitor.stats().dropped), (1, 5))
        with self.assertRaises(ValueError):
            leeway.Monitor("localhost:7420", "m")
        with self.assertRaises(ValueError):
            leeway.Monitor("http://localhost:7420", "a model")


class BoundsTest(Case):
    def test_bounded_while_the_server_is_away(self):
        proxy = self.proxy(lambda n: "drop")
        monitor = self.monitor(proxy.url, max_rows=50, batch_rows=10)
        threads = [threading.Thread(target=lambda: [monitor.predict(prediction=1) for _ in range(100)]) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual((monitor.stats().waiting, monitor.stats().dropped), (50, 350))
        self.assertFalse(monitor.flush(0.1))
        self.assertFalse(monitor.close(0.2))
        self.assertEqual((monitor.stats().failed, monitor.stats().waiting), (50, 0))
        monitor.predict(prediction=1)
        self.assertEqual(monitor.stats().dropped, 351)

    def test_bytes_are_bounded(self):
        proxy = self.proxy(lambda n: "drop")
        monitor = self.monitor(proxy.url, max_bytes=100_000)
        for _ in range(100):
            monitor.predict(features={"text": "x" * 10_000})
        self.assertLessEqual(monitor.stats().waiting, 11)
        self.assertGreaterEqual(monitor.stats().dropped, 89)

    def test_close_cuts_a_request_that_hangs(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        proxy = self.proxy(lambda n: hang.wait(60) and "drop")
        monitor = self.monitor(proxy.url)
        monitor.predict(prediction=1)
        until(lambda: proxy.seen)
        start = time.monotonic()
        self.assertFalse(monitor.close(0.1))
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(monitor.stats().failed, 1)

    def test_flush_and_close(self):
        monitor = self.monitor()
        self.assertTrue(monitor.flush())  # nothing was sent yet
        monitor.predict(prediction=1)
        self.assertTrue(monitor.close(60))
        self.assertTrue(monitor.flush())
        self.assertTrue(monitor.close())
        self.assertEqual(monitor.stats().sent, 1)
        proxy = self.proxy(lambda n: "drop")
        monitor = self.monitor(proxy.url)
        monitor.predict(prediction=1)
        got = []
        waiting = threading.Thread(target=lambda: got.append(monitor.flush()))
        waiting.start()
        until(lambda: proxy.seen)
        monitor.close(0.1)
        waiting.join(30)
        self.assertEqual(got, [False])

    def test_a_token_that_cannot_be_sent(self):
        monitor = self.monitor(token="line\nbreak", retry_max=600)
        monitor.predict(prediction=1)
        until(lambda: self.said.lines)
        self.assertFalse(monitor.close(0.1))
        self.assertEqual(monitor.stats().failed, 1)
        self.assertEqual(len(self.said.lines), 1)

    def test_many_threads(self):
        monitor = self.monitor()
        threads = [
            threading.Thread(target=lambda k=k: [monitor.predict(id=f"{k}-{i}", prediction=i % 2) for i in range(500)]) for k in range(8)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 4000)
        self.server.wait_for(self.model, 4000)


class ProcessTest(Case):
    def test_exit_sends_what_waits(self):
        script(
            "import sys, leeway\n"
            "m = leeway.Monitor(sys.argv[1], sys.argv[2], flush_interval=60)\n"
            "m.predict(prediction=1)\n",
            self.server.url, self.model,
        )
        self.server.wait_for(self.model, 1)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_fork(self):
        script(
            "import os, sys, leeway\n"
            "m = leeway.Monitor(sys.argv[1], sys.argv[2], flush_interval=0.05)\n"
            "m.predict(prediction=1); m.flush(30)\n"
            "m.predict(prediction=1)\n"  # waits in the parent: the child must not send it too
            "for _ in range(3):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        for _ in range(10): m.predict(prediction=0)\n"
            "        ok = m.flush(30) and m.stats().sent == 10\n"
            "        os._exit(0 if ok else 1)\n"
            "    assert os.waitpid(pid, 0)[1] == 0\n"
            "assert m.flush(30) and m.stats().sent == 2, m.stats()\n",
            self.server.url, self.model,
        )
        self.server.wait_for(self.model, 32)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_children_of_multiprocessing_send_at_their_end(self):
        script(
            "import multiprocessing, sys, leeway\n"
            "m = leeway.Monitor(sys.argv[1], sys.argv[2], flush_interval=60)\n"
            "def work():\n"
            "    for _ in range(10): m.predict(prediction=0)\n"
            "if __name__ == '__main__':\n"
            "    c = multiprocessing.get_context('fork')\n"
            "    ps = [c.Process(target=work) for _ in range(2)]\n"
            "    for p in ps: p.start()\n"
            "    for p in ps: p.join(); assert p.exitcode == 0\n",
            self.server.url, self.model,
        )
        self.server.wait_for(self.model, 20)


class AsyncTest(Case):
    def test_async(self):
        async def service():
            async with leeway.AsyncMonitor(self.server.url, self.model, flush_interval=60) as monitor:

                @monitor.watch
                async def model(features):
                    await asyncio.sleep(0)
                    return "yes"

                await asyncio.gather(*(model({"a": i}) for i in range(20)))
                monitor.predict(id="1", prediction="no")
                monitor.label("1", "yes")
                self.assertTrue(await monitor.flush(60))
                self.assertEqual(await monitor.log_frame({"id": ["2", "3"], "prediction": ["no", "yes"]}), 2)
            return monitor.stats()

        self.assertEqual(asyncio.run(service()).sent, 24)
        self.server.wait_for(self.model, 23, 1)


class WatchTest(Case):
    def rows(self, monitor):
        """What waits, as the thread would write it."""
        with monitor._sender.lock:
            return [row for _, row, _ in monitor._sender.buffer]

    def quiet(self):
        return self.monitor("http://127.0.0.1:9", flush_interval=600)

    def test_plain(self):
        monitor = self.quiet()

        @monitor.watch
        def model(features, k=1):
            """Says yes."""
            if k == 0:
                raise ZeroDivisionError("k is 0")
            return "yes"

        self.assertEqual(model({"a": 1}), "yes")
        with self.assertRaises(ZeroDivisionError):
            model({"a": 2}, k=0)
        self.assertEqual((model.__name__, model.__doc__), ("model", "Says yes."))
        until(lambda: True)
        good, bad = self.rows(monitor)
        self.assertEqual((good["prediction"], good["features"]), ("yes", {"a": 1}))
        self.assertGreaterEqual(good["latency_ms"], 0)
        self.assertEqual((bad["error"], bad["features"]), ("ZeroDivisionError: k is 0", {"a": 2}))
        self.assertNotIn("prediction", bad)

    def test_callbacks(self):
        monitor = self.quiet()

        @monitor.watch(
            id=lambda x: x[0], features=lambda x: {"x": x[1]}, prediction=lambda r: r["label"], score=lambda r: r["p"],
            segments=lambda x: 1 / 0,
        )
        def model(x):
            return {"label": "a", "p": 0.5}

        model(("id-1", 7))
        (row,) = self.rows(monitor)
        self.assertEqual((row["id"], row["features"], row["prediction"], row["score"]), ("id-1", {"x": 7}, "a", 0.5))
        self.assertEqual(len(self.said.lines), 1)
        self.assertIn("segments", self.said.lines[0])
        self.assertEqual(monitor.stats().dropped, 0)

    def test_a_cancelled_call_is_not_recorded(self):
        monitor = self.quiet()

        @monitor.watch
        async def model():
            raise asyncio.CancelledError

        with self.assertRaises(asyncio.CancelledError):
            asyncio.run(model())
        self.assertEqual(monitor.stats().waiting, 0)

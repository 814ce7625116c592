"""The spool: batches outlive the process, and count once."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib

import leeway
from leeway.door import Batch
from leeway.spool import Full, Spool
from server import Proxy, Server, until
from test_monitor import SRC, Case, script


class SpoolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "spool")

    def batch(self, n):
        return Batch("/api/v1/models/m/labels", f"id-{n}", 3, "application/x-ndjson", b"\x00\n\xff" * n)

    def test_taken_over_in_order(self):
        first = Spool(self.root, 1 << 20)
        self.assertEqual(first.open(), [])
        for n in range(1, 13):
            first.put(self.batch(n))
        other = Spool(self.root, 1 << 20)
        self.assertEqual(other.open(), [])  # the first still lives
        first.close()
        third = Spool(self.root, 1 << 20)
        left = third.open()
        self.assertEqual([third.get(path) for path, _ in left], [self.batch(n) for n in range(1, 13)])
        self.assertEqual({rows for _, rows in left}, {3})
        for path, _ in left:
            third.remove(path)
        self.assertEqual(third.bytes, 0)
        third.close()
        other.close()
        self.assertEqual(os.listdir(self.root), ["lock"])

    def test_bounded(self):
        spool = Spool(self.root, 1000)
        spool.open()
        spool.put(self.batch(100))
        with self.assertRaises(Full):
            spool.put(self.batch(200))
        spool.close()

    def test_damaged_files_are_set_aside(self):
        for name, damage in {
            "shorter": lambda b: b[:-1], "changed": lambda b: b[:-1] + b"x", "empty": lambda b: b"", "no head": lambda b: b"\n" + b,
            "other version": lambda b: b.replace(b'"v": 1', b'"v": 9'),
        }.items():
            with self.subTest(name):
                spool = Spool(self.root, 1 << 20)
                spool.open()
                path = pathlib.Path(spool.put(self.batch(5)))
                path.write_bytes(damage(path.read_bytes()))
                self.assertIsNone(spool.get(str(path)))
                self.assertFalse(path.exists())
                self.assertTrue(path.with_name(path.name + ".damaged").exists())
                spool.close()

    def test_a_file_of_the_go_client(self):
        folder = pathlib.Path(self.root, "0123456789abcdef")
        folder.mkdir(parents=True)
        folder.joinpath("lock").touch()
        folder.joinpath("00000000000000000001.batch").write_bytes(
            b'{"v":1,"path":"/api/v1/models/m/labels","id":"go-1","type":"application/x-ndjson","rows":1,"bytes":21,"crc32":CRC}\n'
            b'{"id":"1","label":1}\n'.replace(b"CRC", str(zlib.crc32(b'{"id":"1","label":1}\n')).encode())
        )
        spool = Spool(self.root, 1 << 20)
        ((path, rows),) = spool.open()
        self.assertEqual(rows, 1)
        self.assertEqual(spool.get(path), Batch("/api/v1/models/m/labels", "go-1", 1, "application/x-ndjson", b'{"id":"1","label":1}\n'))
        spool.close()


class ReplayTest(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "spool")

    def files(self):
        return [str(p) for p in pathlib.Path(self.root).glob("*/*.batch")]

    def test_server_away_and_back(self):
        server = Server().start()
        self.addCleanup(server.remove)
        monitor = self.monitor(server.url, spool=self.root, batch_rows=10, max_rows=40)
        for _ in range(10):
            monitor.predict(prediction=1)
        self.assertTrue(monitor.flush(60))
        server.kill()
        for _ in range(10):  # more than max_rows together: they wait on the disk
            for _ in range(10):
                monitor.predict(prediction=1)
            until(lambda: monitor.stats().waiting == monitor.stats().spooled)
        self.assertEqual((monitor.stats().spooled, monitor.stats().dropped), (100, 0))
        server.start()
        self.assertTrue(monitor.flush(60))
        self.assertEqual((monitor.stats().sent, monitor.stats().spooled), (110, 0))
        self.assertEqual(self.files(), [])
        server.wait_for(self.model, 110)

    def test_a_killed_process_loses_no_finished_batch(self):
        # The answers are cut off, so that the server has the rows already: the
        # replay must not count them again.
        proxy = self.proxy(lambda n: "cut")
        process = subprocess.Popen(
            [sys.executable, "-c",
             "import sys, time, leeway\n"
             "m = leeway.Monitor(sys.argv[1], sys.argv[2], spool=sys.argv[3], batch_rows=10, flush_interval=0.02, retry_min=0.02, retry_max=0.02)\n"
             "for i in range(30): m.predict(prediction=1)\n"
             "while m.stats().spooled < 30 or m.stats().retries < 2: time.sleep(0.01)\n"
             "print('spooled', flush=True)\n"
             "time.sleep(60)\n",
             proxy.url, self.model, self.root],
            env={**os.environ, "PYTHONPATH": SRC}, stdout=subprocess.PIPE,
        )
        with process.stdout:
            self.assertEqual(process.stdout.readline(), b"spooled\n")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(len(self.files()), 3)
        monitor = self.monitor(spool=self.root)
        until(lambda: monitor.stats().sent == 30)
        monitor.close(60)
        self.assertEqual(self.files(), [])
        self.assertEqual(os.listdir(self.root), ["lock"])
        self.server.wait_for(self.model, 30)

    def test_close_leaves_the_rest_on_the_disk(self):
        proxy = self.proxy(lambda n: "drop")
        monitor = self.monitor(proxy.url, spool=self.root)
        for _ in range(5):
            monitor.predict(prediction=1)
        self.assertFalse(monitor.close(1.0))
        self.assertEqual((monitor.stats().failed, monitor.stats().spooled), (0, 5))
        self.assertEqual(len(self.files()), 1)
        again = self.monitor(spool=self.root)
        self.assertTrue(again.flush(60))
        self.server.wait_for(self.model, 5)

    def test_close_spools_what_came_during_a_request(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        proxy = self.proxy(lambda n: hang.wait(60) and "drop")
        monitor = self.monitor(proxy.url, spool=self.root)
        monitor.predict(prediction=1)
        until(lambda: proxy.seen)
        for _ in range(5):
            monitor.predict(prediction=1)
        self.assertFalse(monitor.close(0.1))
        self.assertEqual((monitor.stats().failed, monitor.stats().spooled), (0, 6))
        self.assertEqual(len(self.files()), 2)

    def test_a_spool_that_cannot_be(self):
        pathlib.Path(self.root).write_text("a file", encoding="utf-8")
        monitor = self.monitor(spool=self.root)
        monitor.predict(prediction=1)
        self.assertTrue(monitor.flush(60))
        self.assertEqual(monitor.stats().sent, 1)
        self.assertEqual(len(self.said.lines), 1)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_forked_children_have_their_own(self):
        script(
            "import os, sys, leeway\n"
            "m = leeway.Monitor(sys.argv[1], sys.argv[2], spool=sys.argv[3], flush_interval=0.02)\n"
            "m.predict(prediction=1); m.flush(30)\n"
            "pid = os.fork()\n"
            "m.predict(prediction=1)\n"
            "assert m.close(30)\n"
            "if pid == 0: os._exit(0)\n"
            "assert os.waitpid(pid, 0)[1] == 0\n",
            self.server.url, self.model, self.root,
        )
        self.server.wait_for(self.model, 3)
        self.assertEqual(os.listdir(self.root), ["lock"])

"""FastAPI and scikit-learn."""

import asyncio
import json
import os
import unittest
from unittest import mock

from test_monitor import Case

import leeway
import leeway.fastapi
import leeway.sklearn

try:
    import fastapi
except ImportError:
    fastapi = None
try:
    import numpy
    import sklearn.linear_model
except ImportError:
    sklearn = None
try:
    import pandas
except ImportError:
    pandas = None


def post(app, path, body, headers=()):
    """One request to an ASGI application: the status and the decoded answer."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "raw_path": path.encode(), "root_path": "", "query_string": b"", "server": ("test", 80), "client": ("test", 1),
        "headers": [(b"content-type", b"application/json"), *headers],
    }
    try:
        asyncio.run(app(scope, receive, send))
    except ZeroDivisionError:  # answered with 500 and passed on to the server
        pass
    answer = b"".join(m.get("body", b"") for m in sent[1:])
    return sent[0]["status"], json.loads(answer) if answer.startswith(b"{") else None


class HelperCase(Case):
    def setUp(self):
        super().setUp()
        self.watcher = self.monitor("http://127.0.0.1:9", flush_interval=600)

    def rows(self):
        with self.watcher._sender.lock:
            return [row for _, row, _ in self.watcher._sender.buffer]


class AsgiTest(HelperCase):
    """The middleware needs no framework."""

    def call(self, app, path="/predict", body=b'{"a": 1}'):
        sent = []
        parts = [{"type": "http.request", "body": body[:3], "more_body": True}, {"type": "http.request", "body": body[3:]}]

        async def receive():
            return parts.pop(0)

        async def send(message):
            sent.append(message)

        asyncio.run(app({"type": "http", "path": path}, receive, send))
        return sent

    def app(self, status=200, fail=None, describe=None, **options):
        async def app(scope, receive, send):
            while (await receive()).get("more_body"):
                pass
            if fail:
                raise fail
            await send({"type": "http.response.start", "status": status})
            await send({"type": "http.response.body", "body": b'{"label": ', "more_body": True})
            await send({"type": "http.response.body", "body": b'"yes"}'})

        return leeway.fastapi.Middleware(app, self.watcher, describe=describe, **options)

    def test_latency_and_errors(self):
        self.assertEqual(len(self.call(self.app())), 3)
        self.call(self.app(status=503))
        self.call(self.app(status=422))
        self.call(self.app(), path="/healthz")
        with self.assertRaises(ValueError):
            self.call(self.app(fail=ValueError("bad")))
        self.assertEqual([r.get("error") for r in self.rows()], [None, "status 503", "ValueError: bad"])
        self.assertTrue(all(r["latency_ms"] >= 0 for r in self.rows()))

    def test_describe(self):
        app = self.app(describe=lambda request, answer: {"features": request, "prediction": answer["label"]})
        self.call(app)
        self.call(app, body=b"no json")
        first, second = self.rows()
        self.assertEqual((first["features"], first["prediction"]), ({"a": 1}, "yes"))
        self.assertEqual(second["prediction"], "yes")
        self.assertNotIn("features", second)

    def test_describe_that_fails(self):
        self.call(self.app(describe=lambda request, answer: 1 / 0))
        self.call(self.app(describe=lambda request, answer: {"nonsense": 1}))
        self.assertEqual((len(self.rows()), self.watcher.stats().dropped), (1, 1))

    def test_large_bodies_are_not_kept(self):
        got = []
        self.call(self.app(describe=lambda request, answer: got.append(request)), body=b"[" + b"1," * leeway.fastapi.MAX_BODY + b"1]")
        self.assertEqual(got, [None])

    def test_paths(self):
        self.call(self.app(paths=lambda p: p.startswith("/v2/")), path="/v2/models/a/infer")
        self.call(self.app(paths="/v1"), path="/v1")
        self.call(self.app(paths=lambda p: 1 / 0))
        self.assertEqual(len(self.rows()), 2)


@unittest.skipIf(fastapi is None, "FastAPI is not installed")
class FastApiTest(HelperCase):
    def test_recorder(self):
        app = fastapi.FastAPI()
        record = leeway.fastapi.recorder(self.watcher)

        @app.post("/predict")
        async def predict(body: dict, recording: leeway.fastapi.Recording = fastapi.Depends(record)):
            recording.set(features=body, prediction="yes")
            if body["a"] == 0:
                raise ZeroDivisionError("a is 0")
            if body["a"] == 2:
                raise fastapi.HTTPException(404)
            return {"label": "yes"}

        self.assertEqual(post(app, "/predict", {"a": 1}, [(b"x-request-id", b"r-1")]), (200, {"label": "yes"}))
        self.assertEqual(post(app, "/predict", {"a": 0})[0], 500)
        self.assertEqual(post(app, "/predict", {"a": 2})[0], 404)
        good, bad = self.rows()
        self.assertEqual((good["id"], good["features"], good["prediction"]), ("r-1", {"a": 1}, "yes"))
        self.assertEqual(bad["error"], "ZeroDivisionError: a is 0")

    def test_middleware(self):
        app = fastapi.FastAPI()
        app.add_middleware(
            leeway.fastapi.Middleware, monitor=self.watcher, paths=["/predict"],
            describe=lambda request, answer: {"id": request["id"], "prediction": answer["label"]})

        @app.post("/predict")
        def predict(body: dict):
            return {"label": "yes"}

        self.assertEqual(post(app, "/predict", {"id": "r-1"}), (200, {"label": "yes"}))
        (row,) = self.rows()
        self.assertEqual((row["id"], row["prediction"]), ("r-1", "yes"))


class Estimator:
    """Looks like one of scikit-learn's."""

    classes_ = ["no", "yes"]
    depth = 3

    def predict(self, X):
        return ["yes" if x[0] > 0 else "no" for x in X]

    def predict_proba(self, X):
        return [[0.2, 0.8] if x[0] > 0 else [0.7, 0.3] for x in X]


class SklearnTest(HelperCase):
    def test_anything_with_predict(self):
        model = leeway.sklearn.watch(Estimator(), self.watcher, feature_names=["a", "b"])
        self.assertEqual(model.predict([[1, 2], [-1, 3]], ids=["1", "2"], segments=[{"c": "x"}, {"c": "y"}]), ["yes", "no"])
        self.assertEqual(model.predict_proba([[1, 2]]), [[0.2, 0.8]])
        self.assertEqual(model.depth, 3)
        one, two, three = self.rows()
        self.assertEqual((one["id"], one["features"], one["prediction"], one["segments"]), ("1", {"a": 1, "b": 2}, "yes", {"c": "x"}))
        self.assertEqual((two["id"], two["prediction"]), ("2", "no"))
        self.assertEqual((three["prediction"], three["score"]), ("yes", {"no": 0.2, "yes": 0.8}))
        with self.assertRaises(TypeError):
            model.predict(7)
        self.assertIn("TypeError", self.rows()[3]["error"])

    @unittest.skipIf(sklearn is None, "scikit-learn is not installed")
    def test_classifier(self):
        X, y = numpy.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]), numpy.array(["no", "no", "yes", "yes"])
        model = leeway.sklearn.watch(sklearn.linear_model.LogisticRegression().fit(X, y), self.watcher)
        self.assertEqual(list(model.predict(X[:2])), list(model._estimator.predict(X[:2])))
        model.predict_proba(X[:1])
        rows = self.rows()
        self.assertEqual((rows[0]["features"], rows[0]["prediction"]), ({"x0": 0.0, "x1": 1.0}, "no"))
        self.assertAlmostEqual(sum(rows[2]["score"].values()), 1)
        self.assertEqual(set(rows[2]["score"]), {"no", "yes"})

    @unittest.skipIf(sklearn is None or pandas is None, "scikit-learn or pandas is not installed")
    def test_regression_on_a_frame(self):
        frame = pandas.DataFrame({"a": [1.0, 2.0], "city": [3.0, 4.0]})
        fitted = sklearn.linear_model.LinearRegression().fit(frame, [1.0, 2.0])
        model = leeway.sklearn.watch(fitted, self.watcher)
        model.predict(frame)
        self.assertEqual(self.rows()[1]["features"], {"a": 2.0, "city": 4.0})
        self.assertIsInstance(self.rows()[1]["prediction"], float)
        model = leeway.sklearn.watch(fitted, self.watcher)
        with self.assertWarns(UserWarning):
            model.predict(numpy.array([[1.0, 2.0]]))
        self.assertEqual(self.rows()[2]["features"], {"a": 1.0, "city": 2.0})


class ExamplesTest(Case):
    def example(self, name):
        path = os.path.join(os.path.dirname(__file__), "..", "..", "..", "examples", name)
        with open(path, encoding="utf-8") as f:
            return compile(f.read(), name, "exec")

    def run_example(self, name):
        names = {"__name__": "example"}
        patch = mock.patch.dict(os.environ, LEEWAY_URL=self.server.url, LEEWAY_MODEL=self.model)
        patch.start()
        self.addCleanup(patch.stop)
        exec(self.example(name), names)
        return names

    def test_compile(self):
        for name in ("service_fastapi.py", "batch_sklearn.py"):
            self.example(name)

    @unittest.skipIf(fastapi is None, "FastAPI is not installed")
    def test_fastapi(self):
        names = self.run_example("service_fastapi.py")
        body = {"id": "req-1", "age": 41, "income": 1000.0, "country": "DE"}
        self.assertIn(post(names["app"], "/predict", body)[1]["label"], ("default", "repaid"))
        self.assertEqual(post(names["app"], "/outcome", {"id": "req-1", "label": "repaid"})[0], 200)
        self.assertTrue(names["monitor"].close(60))
        self.server.wait_for(self.model, 1, 1)

    @unittest.skipIf(sklearn is None or pandas is None, "scikit-learn or pandas is not installed")
    def test_sklearn(self):
        names = self.run_example("batch_sklearn.py")
        stats = names["main"]()
        self.assertEqual((stats.rejected, stats.dropped, stats.failed), (0, 0, 0))
        self.server.wait_for(self.model, 100, 100)

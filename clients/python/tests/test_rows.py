"""Rows as JSON: what a service hands over is not always what JSON knows."""

import datetime
import decimal
import enum
import json
import unittest

from leeway import rows

try:
    import numpy
except ImportError:
    numpy = None
try:
    import pandas
except ImportError:
    pandas = None


def read(row):
    return json.loads(rows.line(row))


class Colour(enum.Enum):
    RED = "red"


class RowsTest(unittest.TestCase):
    def test_what_json_knows_stays(self):
        row = {"id": "漢字 ☃", "n": 1.5, "i": 2**60, "b": True, "none": None, "s": 'a"\\\n\x01é'}
        self.assertEqual(read(row), row)

    def test_what_is_no_number_is_missing(self):
        inf = float("inf")
        self.assertEqual(read({"f": {"a": float("nan"), "b": inf, "c": -inf, "d": 1.0}}), {"f": {"a": None, "b": None, "c": None, "d": 1.0}})

    def test_other_types(self):
        at = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)
        self.assertEqual(
            read({"a": decimal.Decimal("1.5"), "b": Colour.RED, "c": at, "d": b"x\xff", "e": (1, 2), "f": datetime.date(2026, 5, 1)}),
            {"a": 1.5, "b": "red", "c": "2026-05-01T12:00:00+00:00", "d": "x\ufffd", "e": [1, 2], "f": "2026-05-01"},
        )

    def test_keys_that_are_no_strings(self):
        self.assertEqual(read({"f": {1: 1, (2, 3): 2}}), {"f": {"1": 1, "(2, 3)": 2}})

    def test_lone_surrogates_and_circles(self):
        self.assertEqual(read({"s": "a\ud800b"}), {"s": "a?b"})
        circle = {}
        circle["me"] = circle
        self.assertTrue(rows.line(circle))

    def test_long_texts_are_cut(self):
        features = {"s": "x" * 10_000_000}
        self.assertLess(rows.cost(features), 70_000)
        self.assertEqual(len(features["s"]), rows.MAX_TEXT)

    def test_times(self):
        at = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)
        self.assertEqual(rows.milliseconds(at), 1777636800000)
        self.assertEqual(rows.milliseconds(5), 5)

    @unittest.skipIf(numpy is None, "numpy is not installed")
    def test_numpy(self):
        row = {
            "a": numpy.float64(1.5), "b": numpy.float32(0.5), "c": numpy.int64(7), "d": numpy.bool_(True), "e": numpy.str_("x"),
            "f": numpy.float64("nan"), "g": numpy.float32("nan"), "h": numpy.array(3), "i": numpy.array([1.0, float("nan")]),
            "j": {numpy.int64(1): numpy.uint8(2)},
        }
        self.assertEqual(read(row), {"a": 1.5, "b": 0.5, "c": 7, "d": True, "e": "x", "f": None, "g": None, "h": 3, "i": [1.0, None], "j": {"1": 2}})

    @unittest.skipIf(pandas is None, "pandas is not installed")
    def test_pandas(self):
        row = {"a": pandas.NA, "b": pandas.NaT, "c": pandas.Timestamp("2026-05-01"), "d": pandas.Timedelta("2s")}
        self.assertEqual(read(row), {"a": None, "b": None, "c": "2026-05-01T00:00:00", "d": 2.0})

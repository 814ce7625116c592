"""Rows as lines of JSON.

The usual row goes through the C encoder of the standard library in one call.
What that refuses (NaN, keys that are no strings) is cleaned and written again.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
from typing import Any, Optional

Row = dict[str, Any]

MAX_TEXT = 1 << 16  # characters of one value; the server keeps 1,024 bytes
_MAX_DEPTH = 8


def plain(value: Any) -> Any:
    """A value of a type that JSON does not know, as one that it knows."""
    name = type(value).__name__
    if name in ("NAType", "NaTType"):  # pandas' missing values
        return None
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return list(value)
    to_list = getattr(value, "tolist", None)  # numpy and torch: scalars give scalars
    if callable(to_list):
        return to_list()
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    return str(value)


# Lone surrogates, which UTF-8 has no bytes for, are replaced by line().
_encoder = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=plain
)


def clean(value: Any, depth: int = 0) -> Any:
    """The value with only what JSON has words for; what it has none for is None."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return str(value)
    if depth >= _MAX_DEPTH:
        return str(type(value).__name__)
    if isinstance(value, dict):
        return {str(k): clean(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v, depth + 1) for v in value]
    return clean(plain(value), depth + 1)


def line(row: Row) -> bytes:
    """One row as JSON, without the line's end."""
    try:
        text = _encoder.encode(row)
    except (ValueError, TypeError, RecursionError):
        text = _encoder.encode(clean(row))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def cost(features: Optional[dict[str, Any]]) -> int:
    """About what a row takes in memory, in bytes, cutting texts that are too long."""
    if not features:
        return 300
    total = 300 + 80 * len(features)
    for key, value in features.items():
        kind = type(value)
        if kind is float or kind is int:
            continue
        if kind is str:
            if len(value) > MAX_TEXT:
                features[key] = value[:MAX_TEXT]
            total += min(len(value), MAX_TEXT)
        elif kind is list or kind is tuple:
            total += 40 * len(value)
        else:
            total += int(getattr(value, "nbytes", 0))
    return total


def milliseconds(time: Any) -> Any:
    """A time as the server reads it: milliseconds since 1970 for Python's own."""
    if isinstance(time, datetime.datetime):
        return int(time.timestamp() * 1000)
    if isinstance(time, datetime.date):
        return time.isoformat()
    return time

"""Frames as batches: Arrow streams where pyarrow is installed, else lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional, Union

from .rows import line
from .sender import NDJSON

ARROW = "application/vnd.apache.arrow.stream"
MAX_ROWS = 100_000  # of one piece
MAX_BYTES = 8 << 20  # of one piece, about

# Columns that have a meaning on the server; all others are features.
_ROLES = ("id", "time", "version", "prediction", "score", "label", "latency_ms", "error")
_LABEL_ROLES = ("id", "time", "label")


class Encoded(NamedTuple):
    rows: int
    type: str
    body: bytes


class Roles(NamedTuple):
    """The names of the columns; None is the column that is called like the role."""

    id: Optional[str]
    time: Optional[str]
    version: Optional[str]
    prediction: Optional[str]
    score: Union[str, Mapping[str, str], None]
    label: Optional[str]
    latency_ms: Optional[str]
    error: Optional[str]
    segments: Union[list[str], Mapping[str, str], None]
    features: Optional[list[str]]


def plan(roles: Roles, columns: list[str], kind: str) -> dict[str, str]:
    """What each column that is sent is called on the server, by its name here."""
    known = set(columns)
    out: dict[str, str] = {}

    def take(column: str, name: str) -> None:
        if column not in known:
            raise KeyError(f"the frame has no column {column!r}")
        out[column] = name

    for role in _LABEL_ROLES if kind == "labels" else _ROLES:
        named = getattr(roles, role)
        if isinstance(named, Mapping):
            for cls, column in named.items():
                take(column, f"score.{cls}")
        elif named is not None:
            take(named, role)
        elif role in known and role not in (roles.features or ()):
            out.setdefault(role, role)
    if kind == "labels":
        return out
    segments = roles.segments or {}
    for name in segments:
        take(segments[name] if isinstance(segments, Mapping) else name, f"segment.{name}")
    for column in columns if roles.features is None else roles.features:
        if column not in out:
            take(column, f"feature.{column}")
    return out


def encode(frame: Any, roles: Roles, kind: str, version: Optional[str]) -> Iterator[Encoded]:
    table = _table(frame)
    if table is not None:
        yield from _arrow(table, roles, kind, version)
    else:
        yield from _lines(_columns(frame), roles, kind, version)


def _table(frame: Any) -> Any:
    """The frame as a pyarrow table; None where that cannot be."""
    try:
        import pyarrow as pa
    except Exception:  # not installed, or broken: JSON does as well
        return None
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pa.RecordBatch):
        return pa.Table.from_batches([frame])
    try:
        if type(frame).__module__.split(".")[0] == "pandas":
            if not all(isinstance(c, str) for c in frame.columns):
                frame = frame.rename(columns=str)
            return pa.Table.from_pandas(frame, preserve_index=False)
        if hasattr(frame, "to_arrow"):
            table = frame.to_arrow()
            if isinstance(table, pa.Table):
                return table
        if hasattr(frame, "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(frame).read_all()
        if hasattr(frame, "__dataframe__"):
            import pyarrow.interchange

            return pyarrow.interchange.from_dataframe(frame)
        if isinstance(frame, Mapping):
            return pa.table({str(k): list(v) for k, v in frame.items()})
    except (pa.ArrowException, TypeError, ValueError):
        return None  # columns of mixed types, which Arrow has not
    return None


def _arrow(table: Any, roles: Roles, kind: str, version: Optional[str]) -> Iterator[Encoded]:
    import pyarrow as pa

    names = [str(n) for n in table.column_names]
    sent = plan(roles, names, kind)
    arrays = [_known(pa, table.column(names.index(column))) for column in sent]
    titles = list(sent.values())
    if version is not None and "version" not in titles:
        titles.append("version")
        arrays.append(pa.chunked_array([pa.repeat(pa.scalar(version), table.num_rows)]))
    out = pa.table(arrays, names=titles)
    size = max(out.nbytes // max(out.num_rows, 1), 1)
    step = max(min(MAX_ROWS, MAX_BYTES // size), 1)
    for start in range(0, out.num_rows, step):
        piece = out.slice(start, step)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, piece.schema) as writer:
            writer.write_table(piece)
        yield Encoded(piece.num_rows, ARROW, sink.getvalue().to_pybytes())


def _known(pa: Any, column: Any) -> Any:
    """The column in a type that the server reads."""
    views = [getattr(pa.types, n, None) for n in ("is_string_view", "is_binary_view")]
    if any(is_view is not None and is_view(column.type) for is_view in views):
        return column.cast(pa.large_string())
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    return column


def _columns(frame: Any) -> dict[str, list[Any]]:
    """The frame as lists."""
    if isinstance(frame, Mapping):
        return {str(k): list(v) for k, v in frame.items()}
    names = getattr(frame, "columns", None)
    if names is None:
        names = getattr(frame, "column_names", None)
    if names is None and isinstance(frame, (list, tuple)) and all(isinstance(r, Mapping) for r in frame):
        keys = list(dict.fromkeys(k for r in frame for k in r))
        return {str(k): [r.get(k) for r in frame] for k in keys}
    if names is None:
        raise TypeError(f"{type(frame).__name__} is no frame; pyarrow may be needed to read it")
    out: dict[str, list[Any]] = {}
    for name in names:
        column = frame[name]
        to_list = getattr(column, "to_list", None) or getattr(column, "tolist")
        out[str(name)] = to_list()
    return out


def _lines(columns: dict[str, list[Any]], roles: Roles, kind: str, version: Optional[str]) -> Iterator[Encoded]:
    sent = plan(roles, list(columns), kind)
    count = len(next(iter(columns.values()), []))
    lines: list[bytes] = []
    size = 0
    for i in range(count):
        row: dict[str, Any] = {} if version is None else {"version": version}
        for column, name in sent.items():
            value = columns[column][i]
            group, dot, rest = name.partition(".")
            if not dot:
                row[name] = value
            else:
                key = {"feature": "features", "segment": "segments", "score": "score"}[group]
                row.setdefault(key, {})[rest] = value
        text = line(row)
        lines.append(text)
        size += len(text) + 1
        if len(lines) >= MAX_ROWS or size >= MAX_BYTES:
            yield Encoded(len(lines), NDJSON, b"\n".join(lines) + b"\n")
            lines, size = [], 0
    if lines:
        yield Encoded(len(lines), NDJSON, b"\n".join(lines) + b"\n")

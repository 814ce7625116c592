"""For estimators of scikit-learn, and others with predict() and predict_proba().

    model = leeway.sklearn.watch(model, monitor)
    model.predict(X, ids=request_ids)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Optional

from .monitor import Monitor


def watch(estimator: Any, monitor: Monitor, feature_names: Optional[Sequence[str]] = None) -> "Watched":
    """Wraps a fitted estimator. feature_names are those that it was fitted with,
    if None, or those of the frame, or x0, x1 and so on."""
    return Watched(estimator, monitor, feature_names)


class Watched:
    """An estimator whose predictions are recorded, one for each row.

    predict() records classes or values, predict_proba() the probabilities of
    the classes and the most probable one as the prediction: a service should
    call one of them for a request, or it counts twice. Both take ids and
    segments, a sequence with an entry for each row. latency_ms is that of the
    call, divided by its rows. Everything else is the estimator's own."""

    def __init__(self, estimator: Any, monitor: Monitor, feature_names: Optional[Sequence[str]] = None) -> None:
        self._estimator = estimator
        self._monitor = monitor
        self._names = list(feature_names) if feature_names is not None else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_estimator":
            raise AttributeError(name)
        return getattr(self._estimator, name)

    def __repr__(self) -> str:
        return f"leeway.sklearn.watch({self._estimator!r})"

    def predict(self, X: Any, *args: Any, ids: Any = None, segments: Any = None, **kwargs: Any) -> Any:
        return self._call("predict", X, args, kwargs, ids, segments)

    def predict_proba(self, X: Any, *args: Any, ids: Any = None, segments: Any = None, **kwargs: Any) -> Any:
        return self._call("predict_proba", X, args, kwargs, ids, segments)

    def _call(self, method: str, X: Any, args: tuple[Any, ...], kwargs: dict[str, Any], ids: Any, segments: Any) -> Any:
        start = time.perf_counter()
        try:
            result = getattr(self._estimator, method)(X, *args, **kwargs)
        except Exception as e:
            self._monitor.predict(error=e, latency_ms=(time.perf_counter() - start) * 1000)
            raise
        latency = (time.perf_counter() - start) * 1000
        try:
            self._record(method, X, result, latency, ids, segments)
        except Exception as e:
            self._monitor._sender.lost(_length(X), "predictions cannot be recorded", f"{type(e).__name__}: {e}")
        return result

    def _record(self, method: str, X: Any, result: Any, latency: float, ids: Any, segments: Any) -> None:
        names, rows = self._rows(X)
        outcomes = _list(result)
        classes = _list(getattr(self._estimator, "classes_", range(len(outcomes[0]) if outcomes else 0))) if method == "predict_proba" else []
        ids = None if ids is None else _list(ids)
        segments = None if segments is None else list(segments)
        for i, outcome in enumerate(outcomes):
            prediction, score = outcome, None
            if method == "predict_proba":
                best = max(range(len(outcome)), key=outcome.__getitem__)
                prediction, score = classes[best], {str(c): p for c, p in zip(classes, outcome)}
            self._monitor.predict(
                id=None if ids is None else ids[i],
                features=dict(zip(names, rows[i])),
                prediction=prediction,
                score=score,
                latency_ms=latency / len(outcomes),
                segments=None if segments is None else segments[i],
            )

    def _rows(self, X: Any) -> tuple[list[str], Sequence[Sequence[Any]]]:
        """The features' names, and the values row by row."""
        columns = getattr(X, "columns", None)
        if columns is not None:
            names = [str(c) for c in columns]
            rows = list(zip(*(_list(X[c]) for c in columns)))
        else:
            dense = X.toarray() if hasattr(X, "toarray") else X
            rows = _list(dense)
            names = [f"x{i}" for i in range(len(rows[0]) if len(rows) else 0)]
            fitted = getattr(self._estimator, "feature_names_in_", None)
            if fitted is not None and len(fitted) == len(names):
                names = [str(n) for n in fitted]
        return (self._names or names), rows


def _list(values: Any) -> list[Any]:
    for method in ("to_list", "tolist"):
        convert = getattr(values, method, None)
        if callable(convert):
            converted: list[Any] = convert()
            return converted
    return list(values)


def _length(X: Any) -> int:
    shape = getattr(X, "shape", None)
    try:
        return int(shape[0]) if shape else len(X)
    except Exception:
        return 1

"""The decorator: records each call of a function that predicts."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from .monitor import Monitor

MAX_ERROR = 256  # characters of an exception's text that are sent


def text(error: BaseException) -> str:
    """An exception as the error of a prediction: its type and what it says."""
    name = type(error).__name__
    try:
        said = str(error)
    except Exception:
        said = ""
    return (f"{name}: {said}" if said else name)[:MAX_ERROR]


def wrap(monitor: "Monitor", function: Any, callbacks: dict[str, Callable[..., Any]]) -> Any:
    if inspect.iscoroutinefunction(function) or asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def watched_async(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                result = await function(*args, **kwargs)
            except Exception as e:  # a cancelled call has no outcome: it is not recorded
                _record(monitor, callbacks, (args, kwargs), start, error=e)
                raise
            _record(monitor, callbacks, (args, kwargs), start, result=result)
            return result

        return watched_async

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except Exception as e:
            _record(monitor, callbacks, (args, kwargs), start, error=e)
            raise
        _record(monitor, callbacks, (args, kwargs), start, result=result)
        return result

    return watched


def _record(
    monitor: "Monitor",
    callbacks: dict[str, Callable[..., Any]],
    call: tuple[tuple[Any, ...], dict[str, Any]],
    start: float,
    result: Any = None,
    error: "BaseException | None" = None,
) -> None:
    latency = (time.perf_counter() - start) * 1000
    row: dict[str, Any] = {"latency_ms": latency, "error": error}
    args, kwargs = call
    for name, ask in callbacks.items():
        try:
            if ask is None:
                continue
            if name in ("prediction", "score"):
                if error is None:
                    row[name] = ask(result)
            else:
                row[name] = ask(*args, **kwargs)
        except Exception as e:
            monitor._sender.lost(0, f"the callback {name} of a watched function failed", text(e))
    if "features" not in row and "features" not in callbacks:
        mappings = [a for a in (*args, *kwargs.values()) if isinstance(a, Mapping)]
        if len(mappings) == 1:
            row["features"] = mappings[0]
    if "prediction" not in callbacks and isinstance(result, (str, bool, int, float)):
        row["prediction"] = result
    monitor.predict(**row)

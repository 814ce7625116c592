"""The same for asyncio."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Callable, Optional, TypeVar

from .monitor import Monitor, Stats

T = TypeVar("T")


class AsyncMonitor:
    """A Monitor whose waiting calls are awaited.

        async with leeway.AsyncMonitor(url, "credit-risk") as monitor:
            monitor.predict(id="req-17", prediction="default")

    predict(), label() and watch() only put a row into memory and so are not
    awaited. The rows are sent by the Monitor's thread, not by the event loop: a
    loop that is busy does not hold them up, and sending does not hold up the
    loop. flush(), close() and frames run in the loop's executor.
    """

    def __init__(self, url: str, model: str, token: Optional[str] = None, version: Optional[str] = None, **options: Any) -> None:
        self.monitor = Monitor(url, model, token, version, **options)
        self.predict = self.monitor.predict
        self.label = self.monitor.label
        self.watch = self.monitor.watch
        self.stats: Callable[[], Stats] = self.monitor.stats

    async def log_frame(self, frame: Any, **arguments: Any) -> int:
        return await _in_executor(functools.partial(self.monitor.log_frame, frame, **arguments))

    async def set_reference(self, frame: Any, **arguments: Any) -> int:
        return await _in_executor(functools.partial(self.monitor.set_reference, frame, **arguments))

    async def flush(self, timeout: Optional[float] = None) -> bool:
        return await _in_executor(functools.partial(self.monitor.flush, timeout))

    async def close(self, timeout: Optional[float] = None) -> bool:
        return await _in_executor(functools.partial(self.monitor.close, timeout))

    async def __aenter__(self) -> "AsyncMonitor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _in_executor(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, call)

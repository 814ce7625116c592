"""Sends predictions and labels of a model to Leeway.

    import leeway

    monitor = leeway.Monitor("http://127.0.0.1:7420", "credit-risk", version="v2")
    monitor.predict(id="req-17", features={"age": 41, "country": "DE"},
                    prediction="default", score=0.83, latency_ms=12)
    monitor.label("req-17", "repaid")  # hours later

Nothing here blocks on the network or raises into the service: a model must not
fail because its watcher is away. `Monitor` tells the promises.
"""

from .aio import AsyncMonitor
from .monitor import Monitor, Stats

__all__ = ["AsyncMonitor", "Monitor", "Stats"]
__version__ = "0.1.0"

"""Prints what a prediction costs the thread that makes it.

    PYTHONPATH=src python3 bench/predict.py [http://127.0.0.1:7420]

Without an address it sends to a port where nobody listens: the cost is that of
the buffer, and the sender has only failures. The p99.9 has the pauses in which
the sender's thread holds the interpreter.
"""

import logging
import sys
import time

import leeway

logging.disable(logging.CRITICAL)
url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9"

for count in (15, 100):
    monitor = leeway.Monitor(url, "bench", version="v2", max_rows=10_000_000, max_bytes=1 << 40, close_timeout=30.0)
    features = {f"feature_{i}": i * 1.37 for i in range(count - 1)}
    features["country"] = "DE"
    each = []
    rows = 50_000 if count == 15 else 20_000
    begin = time.perf_counter()
    for i in range(rows):
        start = time.perf_counter_ns()
        monitor.predict(id=f"request-{i}", features=features, prediction="yes", score=0.25, latency_ms=1.5)
        each.append(time.perf_counter_ns() - start)
    took = time.perf_counter() - begin
    each.sort()
    print(
        f"{count:4d} features: {took / rows * 1e6:6.2f} us a prediction with the sender's share, "
        f"median {each[rows // 2] / 1e3:.2f}, p99 {each[rows * 99 // 100] / 1e3:.2f}, p99.9 {each[rows * 999 // 1000] / 1e3:.2f}"
    )
    if len(sys.argv) > 1:
        start = time.perf_counter()
        monitor.close(60)
        print("     ", monitor.stats(), f"sent {time.perf_counter() - start:.1f} s later")
    else:
        monitor.close(0.1)

"""What the scripts share: where the data lies and how results are written."""

import importlib.metadata
import json
import math
import os
import pathlib
import platform

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get("LEEWAY_DATA") or HERE.parents[2] / "shared" / "data")


def versions(*packages):
    """The versions that a result depends on."""
    found = {name: importlib.metadata.version(name) for name in packages}
    return {"python": platform.python_version()} | found


def plain(value):
    """A value that JSON has; what is not a finite number is null."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write(name, result):
    """Writes expected/<name>.json."""
    path = HERE / "expected" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, default=plain) + "\n")
    print(f"wrote {path}")

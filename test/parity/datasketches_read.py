"""Reads the sketches that Leeway wrote with the library that they are made for."""

import datasketches

from parity import HERE, versions, write

FOLDER = HERE.parents[1] / "internal" / "profile" / "datasketches" / "testdata"


def files(kind):
    for path in sorted(FOLDER.glob(f"{kind}.*.hex")):
        yield path.stem, bytes.fromhex(path.read_text())


def kll(b):
    s = datasketches.kll_doubles_sketch.deserialize(b)
    if s.is_empty():
        return {"n": s.n, "quantiles": []}
    return {
        "n": s.n,
        "min": s.get_min_value(),
        "max": s.get_max_value(),
        "retained": s.num_retained,
        "rank_error": s.normalized_rank_error(False),
        "quantiles": list(s.get_quantiles([i / 100 for i in range(101)])),
    }


def hll(b, names):
    """With the library's own sketch of the same strings, and the union of both."""
    s = datasketches.hll_sketch.deserialize(b)
    own = datasketches.hll_sketch(s.lg_config_k, datasketches.tgt_hll_type.HLL_8)
    for name in names:
        own.update(name)
    union = datasketches.hll_union(s.lg_config_k)
    union.update(s)
    union.update(own)
    return {
        "estimate": s.get_estimate(),
        "lower": s.get_lower_bound(3),
        "upper": s.get_upper_bound(3),
        "union": union.get_estimate(),
    }


def frequent(b):
    s = datasketches.frequent_strings_sketch.deserialize(b)
    items = s.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_POSITIVES)
    return {"weight": s.get_total_weight() if hasattr(s, "get_total_weight") else s.total_weight, "counts": {name: count for name, count, _, _ in items}}


counts = {name: frequent(b) for name, b in files("frequent")}

write(
    "datasketches",
    {
        "versions": versions("datasketches"),
        "kll": {name: kll(b) for name, b in files("kll")},
        "hll": {name: hll(b, counts[name.replace("hll", "frequent")]["counts"]) for name, b in files("hll")},
        "frequent": counts,
    },
)

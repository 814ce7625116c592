"""Estimated quality without labels (CBPE) by NannyML: California by month, and three classes."""

import os
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # nobody is to be told

import nannyml
import numpy
import pandas
from nannyml import calibration
from sklearn.model_selection import StratifiedShuffleSplit

from parity import DATA, plain, versions, write

warnings.filterwarnings("ignore")
numpy.random.seed(7)  # the sampling error of the average precision is a bootstrap

METRICS = ["roc_auc", "accuracy", "precision", "recall", "specificity", "f1", "average_precision"]
FIELDS = [
    "value",
    "sampling_error",
    "realized",
    "lower_confidence_boundary",
    "upper_confidence_boundary",
    "lower_threshold",
    "upper_threshold",
    "alert",
]
CELLS = ["true_positive", "false_positive", "false_negative", "true_negative"]


def table(estimate, metrics, fields):
    frame = estimate.to_df()
    keys = [str(k) for k in frame[("chunk", "key")]]
    return {m: {k: [plain(float(x)) for x in row] for k, row in zip(keys, frame[m][fields].itertuples(index=False))} for m in metrics}


def california():
    reference = pandas.read_csv(DATA / "california" / "reference.csv", parse_dates=["timestamp"])
    production = pandas.read_csv(DATA / "california" / "production.csv", parse_dates=["timestamp"])
    cbpe = nannyml.CBPE(
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true="clf_target",
        timestamp_column_name="timestamp",
        problem_type="classification_binary",
        chunk_period="M",
        metrics=[*METRICS, "confusion_matrix"],
    ).fit(reference)
    estimate = cbpe.estimate(production)
    return {
        "needs_calibration": bool(cbpe.needs_calibration),
        "fields": FIELDS,
        "metrics": table(estimate, METRICS, FIELDS),
        "confusion": table(estimate, CELLS, ["value"]),
    }


def splits():
    """What scikit-learn's stratified shuffles take, to hold a generator against."""
    y = numpy.array([1 if i % 7 in (2, 3) else 0 for i in range(95)])
    shuffles = StratifiedShuffleSplit(n_splits=3, test_size=0.1, random_state=42).split(y, y)
    return [{"train": train.tolist(), "test": test.tolist()} for train, test in shuffles]


class Stream:
    """Whole numbers that any language makes alike (a linear congruence, upper bits)."""

    def __init__(self, seed):
        self.x = seed

    def below(self, n):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.x >> 40) % n


def verdicts():
    """Whether scores need calibration, for streams more and less off.

    NannyML sorts with an order of ties that no one promises, and calibrated
    scores have many. So each stream is judged in ten orders of its rows' ties:
    null where these do not agree.
    """
    out = []
    ece = calibration._calculate_expected_calibration_error
    for seed in range(1, 13):
        s, rows = Stream(seed), []
        for _ in range(400 + 100 * seed):
            a, r = s.below(1000), s.below(1000)
            # From what is calibrated to what is squeezed towards a half.
            truth = a if seed % 2 else (a * (12 - seed) + 500 * seed) / 12
            rows.append((a / 1000, int(r < truth)))
        scores, labels = (numpy.array(c) for c in zip(*rows))
        seen = {bool(calibration.needs_calibration(labels, scores, calibration.IsotonicCalibrator()))}
        for order in range(10):

            def shuffled(y, p, edges):
                at = numpy.random.default_rng(order).permutation(len(p))
                at = at[numpy.argsort(p[at], kind="stable")]
                return ece(y[at], p[at] + numpy.arange(len(p)) * 1e-12, edges)

            calibration._calculate_expected_calibration_error = shuffled
            seen.add(bool(calibration.needs_calibration(labels, scores, calibration.IsotonicCalibrator())))
            calibration._calculate_expected_calibration_error = ece
        out.append(seen.pop() if len(seen) == 1 else None)
    return out


def three_classes(n, seed):
    s, rows = Stream(seed), []
    for _ in range(n):
        w = [1 + s.below(1000) for _ in range(3)]
        squares = [x * x for x in w]
        r = s.below(1000) * sum(squares) / 1000
        label = 0 if r < squares[0] else 1 if r < squares[0] + squares[1] else 2
        rows.append([x / sum(w) for x in w] + [w.index(max(w)), label])
    return pandas.DataFrame(rows, columns=["p0", "p1", "p2", "y_pred", "y_true"])


def multiclass():
    cbpe = nannyml.CBPE(
        y_pred_proba={0: "p0", 1: "p1", 2: "p2"},
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_multiclass",
        chunk_number=1,
        metrics=METRICS,
    ).fit(three_classes(2000, 1))
    estimates = {str(seed): table(cbpe.estimate(three_classes(600, seed)), METRICS, FIELDS[:3]) for seed in (2, 3)}
    # One chunk of the analysis; the chunk of the reference is left out.
    last = {seed: {m: list(chunks.values())[-1] for m, chunks in t.items()} for seed, t in estimates.items()}
    calibrated = [type(c).__name__ == "IsotonicCalibrator" for _, c in sorted(cbpe._calibrators.items())]
    return {"fields": FIELDS[:3], "calibrated": calibrated, "estimates": last}


write(
    "cbpe",
    {
        "versions": versions("nannyml", "scikit-learn", "pandas", "numpy"),
        "california": california(),
        "splits": splits(),
        "needs_calibration": verdicts(),
        "multiclass": multiclass(),
    },
)

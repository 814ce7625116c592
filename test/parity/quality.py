"""Quality with labels by scikit-learn: California, several classes, a regression, rankings.

What scikit-learn has no function for (lift, sMAPE, WAPE, MAP, MRR) is computed by its definition.
Cases that no file holds are drawn by lcg(), which the Go test repeats bit by bit.
"""

import math
import warnings

import numpy
import pandas
from scipy import stats
from sklearn import calibration, metrics

from parity import DATA, versions, write

warnings.filterwarnings("ignore")

THRESHOLDS = [0.1, 0.3, 0.5, 0.7, 0.9]
CLASSES = ["ant", "bee", "cat", "dog", "elk"]
CUTOFFS = [1, 3, 5, 10]


def lcg(seed):
    """Numbers of 0..1: a linear congruential generator modulo 2^32."""
    while True:
        seed = (seed * 1664525 + 1013904223) % 2**32
        yield seed / 2**32


def decisions(y, score):
    out = {}
    for t in THRESHOLDS:
        d = score >= t
        out[str(t)] = {
            "accuracy": metrics.accuracy_score(y, d),
            "precision": metrics.precision_score(y, d),
            "recall": metrics.recall_score(y, d),
            "f1_score": metrics.f1_score(y, d),
            "f_beta": metrics.fbeta_score(y, d, beta=2),
            "specificity": metrics.recall_score(1 - y, ~d),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, d),
            "mcc": metrics.matthews_corrcoef(y, d),
        }
    return out


def calibration_error(y, score):
    edges = numpy.linspace(0, 1, 11)
    at = numpy.searchsorted(edges[1:-1], score)
    return sum(abs(score[at == b].sum() - y[at == b].sum()) for b in range(10)) / len(y)


def lift(y, score):
    """Of the tenth of rows with the highest scores; ties at its edge count in proportion."""
    rows = math.ceil(len(y) / 10)
    cut = numpy.sort(score)[::-1][rows - 1]
    above, tied = score > cut, score == cut
    found = y[above].sum() + y[tied].mean() * (rows - above.sum())
    return found / rows / y.mean()


def binary(y, score):
    fpr, tpr, roc_at = metrics.roc_curve(y, score, drop_intermediate=False)
    precision, recall, pr_at = metrics.precision_recall_curve(y, score)
    share, mean = calibration.calibration_curve(y, score, n_bins=10, strategy="uniform")
    return {
        "thresholds": decisions(y, score),
        "scores": {
            "auc_roc": metrics.roc_auc_score(y, score),
            "average_precision": metrics.average_precision_score(y, score),
            "brier_score": metrics.brier_score_loss(y, score),
            "log_loss": metrics.log_loss(y, score),
            "score_ks": stats.ks_2samp(score[y == 1], score[y == 0]).statistic,
            "calibration_error": calibration_error(y, score),
            "lift_top_decile": lift(y, score),
        },
        "roc": [[t, x, v] for t, x, v in zip(roc_at[1:], fpr[1:], tpr[1:])],
        "pr": [[t, x, v] for t, x, v in zip(pr_at, recall, precision)],
        "calibration": [[x, v] for x, v in zip(mean, share)],
    }


def california():
    out = {}
    frames = {name: pandas.read_csv(DATA / "california" / f"{name}.csv") for name in ["reference", "production"]}
    labels = pandas.read_csv(DATA / "california" / "labels.csv")
    frames["production"] = frames["production"].merge(labels, on="id")
    for name, frame in frames.items():
        out[name] = binary(frame.clf_target.to_numpy(), frame.y_pred_proba.to_numpy())
    return out


def several_classes(rows=1000):
    draw = lcg(7)
    y, scores = [], []
    for _ in range(rows):
        label = int(next(draw) ** 2 * len(CLASSES))
        raw = [next(draw) + (0.5 if c == label else 0) for c in range(len(CLASSES))]
        total = 0.0
        for v in raw:
            total += v
        y.append(label)
        scores.append([v / total for v in raw])
    y, scores = numpy.array(y), numpy.array(scores)
    d = scores.argmax(axis=1)
    each = metrics.precision_recall_fscore_support(y, d)
    out = {"accuracy": metrics.accuracy_score(y, d), "balanced_accuracy": metrics.balanced_accuracy_score(y, d),
           "mcc": metrics.matthews_corrcoef(y, d), "log_loss": metrics.log_loss(y, scores),
           "auc_roc": metrics.roc_auc_score(y, scores, multi_class="ovr", average="macro")}
    for average, suffix in [("macro", ""), ("micro", "_micro"), ("weighted", "_weighted")]:
        p, r, f, _ = metrics.precision_recall_fscore_support(y, d, average=average)
        out |= {"precision" + suffix: p, "recall" + suffix: r, ("f1" + suffix if suffix else "f1_score"): f}
    return {
        "metrics": out,
        "classes": {name: {"precision": each[0][i], "recall": each[1][i], "f1_score": each[2][i], "support": each[3][i],
                           "auc_roc": metrics.roc_auc_score(y == i, scores[:, i])} for i, name in enumerate(CLASSES)},
        "confusion": metrics.confusion_matrix(y, d).tolist(),
    }


def regression():
    """AveRooms predicted as five times AveBedrms, and the same moved so that targets are 0 and below."""
    frame = pandas.read_csv(DATA / "california" / "reference.csv")
    y, p = frame.AveRooms.to_numpy(), 5 * frame.AveBedrms.to_numpy()
    out = {"rooms": errors(y, p) | {"rmsle": metrics.root_mean_squared_log_error(y, p)}}
    out["moved"] = errors(frame.HouseAge.to_numpy() - 20, p - 5)
    return out


def errors(y, p):
    e = p - y
    some, size = y != 0, abs(y) + abs(p)
    return {
        "mae": metrics.mean_absolute_error(y, p),
        "me": e.mean(),
        "mse": metrics.mean_squared_error(y, p),
        "rmse": metrics.root_mean_squared_error(y, p),
        "r2": metrics.r2_score(y, p),
        "mape": metrics.mean_absolute_percentage_error(y[some], p[some]),
        "smape": (2 * abs(e) / numpy.where(size > 0, size, 1)).mean(),
        "wape": abs(e).sum() / abs(y).sum(),
        "max_error": metrics.max_error(y, p),
    } | {f"residual_p{q:02}": numpy.quantile(e, q / 100) for q in (5, 50, 95)}


def ranking(queries=200, items=30):
    draw = lcg(11)
    out = {k: {"ndcg": [], "map": [], "hit_rate": [], "precision": [], "recall": []} for k in CUTOFFS}
    reciprocal = []
    for _ in range(queries):
        relevance = [max(0, int(next(draw) * 8) - 4) for _ in range(items)]
        wanted = [v > 0 for v in relevance]
        if not any(wanted):
            continue
        place = numpy.arange(items, 0, -1)
        reciprocal.append(1 / (wanted.index(True) + 1))
        for k in CUTOFFS:
            hits = sum(wanted[:k])
            out[k]["ndcg"].append(metrics.ndcg_score([relevance], [place], k=k))
            out[k]["map"].append(sum(sum(wanted[: i + 1]) / (i + 1) for i in range(k) if wanted[i]) / min(k, sum(wanted)))
            out[k]["hit_rate"].append(float(hits > 0))
            out[k]["precision"].append(hits / k)
            out[k]["recall"].append(hits / sum(wanted))
    result = {str(k): {f"{name}_at_{k}": numpy.mean(v) for name, v in of.items()} for k, of in out.items()}
    for of in result.values():
        of["mrr"] = numpy.mean(reciprocal)
    return result


def main():
    on = {"versions": versions("scikit-learn", "scipy", "numpy")}
    write("quality_binary", on | california())
    write("quality_multiclass", on | several_classes())
    write("quality_regression", on | regression())
    write("quality_ranking", on | ranking())


if __name__ == "__main__":
    main()

"""Trains a model with scikit-learn, sends what it was trained on as the
reference, scores a batch, and sends the labels.

    pip install scikit-learn pandas pyarrow
    python batch_sklearn.py
"""

import os

import leeway
import leeway.sklearn
import numpy
import pandas
from sklearn.linear_model import LogisticRegression

random = numpy.random.default_rng(7)


def data(rows: int, shift: float = 0.0) -> pandas.DataFrame:
    x = random.normal(shift, 1.0, (rows, 2))
    return pandas.DataFrame({"amount": x[:, 0], "age": x[:, 1], "fraud": (x.sum(axis=1) + random.normal(0, 0.5, rows) > 0).astype(int)})


def main() -> leeway.Stats:
    monitor = leeway.Monitor(
        os.environ.get("LEEWAY_URL", "http://127.0.0.1:7420"), os.environ.get("LEEWAY_MODEL", "fraud"), version="v1"
    )
    features = ["amount", "age"]
    training = data(2000)
    model = LogisticRegression().fit(training[features], training["fraud"])
    training["prediction"] = model.predict(training[features])
    training["score"] = model.predict_proba(training[features])[:, 1]
    monitor.set_reference(training, label="fraud")

    batch = data(100, shift=0.5)
    ids = [f"tx-{i}" for i in range(len(batch))]
    leeway.sklearn.watch(model, monitor).predict_proba(batch[features], ids=ids)

    truth = pandas.DataFrame({"id": ids, "label": batch["fraud"]})
    monitor.log_frame(truth, kind="labels")
    monitor.close(30)
    return monitor.stats()


if __name__ == "__main__":
    print(main())

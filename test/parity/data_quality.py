"""Missing and unseen values of the Titanic data, chunk by chunk, by NannyML."""

import warnings

import nannyml
import pandas

from parity import DATA, versions, write

warnings.filterwarnings("ignore")

COLUMNS = ["Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"]
STRINGS = ["Sex", "Ticket", "Cabin", "Embarked"]
FIELDS = [
    "value",
    "sampling_error",
    "upper_confidence_boundary",
    "lower_confidence_boundary",
    "upper_threshold",
    "lower_threshold",
    "alert",
]

reference = pandas.read_csv(DATA / "titanic" / "reference.csv")
production = pandas.read_csv(DATA / "titanic" / "production.csv")


def run(calculator):
    return calculator.fit(reference).calculate(production).to_df()


missing = run(nannyml.MissingValuesCalculator(column_names=COLUMNS))
unseen = run(nannyml.UnseenValuesCalculator(column_names=STRINGS))

write(
    "data_quality",
    {
        "versions": versions("nannyml", "pandas", "numpy"),
        "fields": FIELDS,
        "missing": {c: [[float(x) for x in row] for row in missing[c][FIELDS].itertuples(index=False)] for c in COLUMNS},
        "unseen": {c: [float(x) for x in unseen[c]["value"]] for c in STRINGS},
    },
)

"""A model service on FastAPI that Leeway watches.

    pip install fastapi uvicorn
    uvicorn service_fastapi:app
    curl -d '{"id": "req-1", "age": 41, "income": null, "country": "DE"}' -H 'Content-Type: application/json' localhost:8000/predict
"""

import os
from typing import Optional

import leeway
import leeway.fastapi
from fastapi import Depends, FastAPI
from pydantic import BaseModel

monitor = leeway.Monitor(
    os.environ.get("LEEWAY_URL", "http://127.0.0.1:7420"),
    os.environ.get("LEEWAY_MODEL", "credit-risk"),
    token=os.environ.get("LEEWAY_TOKEN"),
    version="v1",
    spool=os.environ.get("LEEWAY_SPOOL"),  # a folder: batches then outlive the process
)
app = FastAPI()


class Applicant(BaseModel):
    id: str
    age: int
    income: Optional[float] = None
    country: str


class Outcome(BaseModel):
    id: str
    label: str


def score(applicant: Applicant) -> float:
    """Stands for a model: the probability of a default."""
    return min(0.95, 0.1 + 10 / applicant.age + (0.2 if not applicant.income else 0.0))


@app.post("/predict")
def predict(
    applicant: Applicant,
    recording: leeway.fastapi.Recording = Depends(leeway.fastapi.recorder(monitor)),
) -> dict:
    probability = score(applicant)
    label = "default" if probability >= 0.5 else "repaid"
    recording.set(
        id=applicant.id,
        features={"age": applicant.age, "income": applicant.income},
        segments={"country": applicant.country},
        prediction=label,
        score={"default": probability, "repaid": 1 - probability},
    )
    return {"label": label, "score": probability}


@app.post("/outcome")
def outcome(truth: Outcome) -> dict:
    """What turned out to be true, days later."""
    monitor.label(truth.id, truth.label)
    return {}

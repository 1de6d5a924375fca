"""Digits over HTTP: POST /predict with {"rows": [[0, 12, ...], ...]}, pixels from 0 to 255."""

import os

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from fastmlp import MLP

network = MLP.load(os.environ.get("MODEL", "model.safetensors"))
network.n_threads = 1  # a request is small, and the server has threads of its own
app = FastAPI()


class Rows(BaseModel):
    rows: list[list[int]]


@app.post("/predict")
def predict(given: Rows) -> dict[str, list]:
    """Not async: FastAPI runs it in a thread, and the network predicts in many at once."""
    try:
        p = network.predict_proba(np.array(given.rows, np.uint8))
    except (ValueError, TypeError, OverflowError) as error:
        raise HTTPException(422, str(error)) from None
    return {"labels": p.argmax(axis=1).tolist(), "probabilities": p.tolist()}

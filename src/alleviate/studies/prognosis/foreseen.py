"""What a prognosis says of each person: what is foreseen, how sure, and what speaks for and against."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.prognosis.cutoffs import Groups
from alleviate.models.prognosis.explained.reasons import reasons, sentences
from alleviate.models.prognosis.explained.words import Speech
from alleviate.models.prognosis.foresight import Foreseen
from alleviate.packages.prognosis import PrognosisPackage
from alleviate.studies.prognosis.findings import WORDING

__all__ = ["foreseen", "speech_of"]


def foreseen(
    package: PrognosisPackage,
    frame: pl.DataFrame,
    ids: Sequence[str],
    labels: Mapping[str, str],
    groups: Groups | None = None,
) -> list[dict[str, Any]]:
    """One line a row of ``frame``, as `alleviate predict --json` prints it. ``labels``: of features."""
    told = package.foresight.foresee(frame, groups)
    speech = speech_of(package, labels)
    why = reasons(package.model, frame, speech)
    levels = _levels(package)
    lines: list[dict[str, Any]] = []
    for i, (id, problem) in enumerate(zip(ids, told.problems, strict=True)):
        common = {"id": id, "comparable_n": int(told.comparable[i]), "abstained": problem is not None}
        if problem is not None:
            empty = {"estimate": None, "low": None, "high": None, "set": None}
            lines.append(common | empty | {"reason": problem, "reasons": []})
            continue
        lines.append(
            common
            | _numbers(told, i)
            | {"set": None if told.sets is None else [levels[k] for k in np.flatnonzero(told.sets[i])]}
            | {"reason": None, "reasons": list(sentences(why[i], speech))}
        )
    return lines


def speech_of(package: PrognosisPackage, labels: Mapping[str, str]) -> Speech:
    outcome = package.outcome
    risk = outcome.kind in ("binary", "time-to-event")
    name = WORDING["risk"].format(outcome=outcome.words) if risk else outcome.words
    return Speech(package.model, labels, name, outcome.unit)


def _numbers(told: Foreseen, i: int) -> dict[str, float]:
    return {"estimate": float(told.estimate[i]), "low": float(told.low[i]), "high": float(told.high[i])}


def _levels(package: PrognosisPackage) -> tuple[str, ...]:
    return package.outcome.levels or (WORDING["levels"]["no"], WORDING["levels"]["yes"])

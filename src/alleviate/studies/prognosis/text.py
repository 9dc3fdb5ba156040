"""A prognosis as the tables of a study file."""

from collections.abc import Callable

from alleviate.studies.vault_sections import cohort_tables
from alleviate.terms.prognosis_study import PredictedOutcome, PrognosisStudy

__all__ = ["prognosis_tables"]


def prognosis_tables(
    study: PrognosisStudy, near: Callable[[str | None], str | None]
) -> dict[str, dict[str, object]]:
    """Table → key → value, ``None`` where nothing is to be written. ``near`` shortens a path."""
    data, sampling, validation = study.data, study.sampling, study.validation
    cohort = cohort_tables(study.cohort)
    for table in cohort.values():
        del table["arm"]
    return {
        "study": {
            "name": study.name, "title": study.title, "question": study.question,
            "reference": study.reference or None, "kind": "prognosis",
        },
        "data": {
            "dataset": data.dataset, "table": data.table, "path": near(data.path), "id": data.id,
            "vault": data.vault or (None if data.vault is None else True),
            "weight": sampling.weight, "cluster": sampling.cluster, "stratum": sampling.stratum,
        },
        **cohort,
        "outcome": _outcome(study.outcome),
        "features": {
            "include": study.include or None, "known_after": study.known_after or None,
            "changes": study.changes or None, "fixed": study.fixed or None, **study.definitions,
        },
        "features.labels": {} if study.cohort else dict(study.labels),
        "learning": {"candidates": study.candidates, "seconds": study.seconds},
        "validation": {
            "folds": validation.folds, "repeats": validation.repeats, "site": validation.site,
            "trial": validation.trial, "time": validation.time, "test_from": validation.test_from,
            "groups": validation.groups or None, "seed": validation.seed,
        },
        "transfer": {"source": near(study.source), "source_data": near(study.source_data)},
    }  # fmt: skip


def _outcome(outcome: PredictedOutcome) -> dict[str, object]:
    timed = outcome.kind == "time-to-event"
    return {
        "column": outcome.name, "kind": outcome.kind, "present": outcome.present, "above": outcome.above,
        "levels": outcome.levels or None, "event": outcome.event,
        "occurred": outcome.occurred if timed else None, "competing": outcome.competing or None,
        "horizon": outcome.horizon, "label": outcome.label or None, "unit": outcome.unit or None,
    }  # fmt: skip

"""A study as the text of a study file: what ``files.loads`` reads back as the same study."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from alleviate.studies.prognosis.text import prognosis_tables
from alleviate.studies.vault_sections import cohort_tables
from alleviate.terms.outcomes import Harm, Outcome
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import Stage, Study, Treatment

__all__ = ["dumps"]

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

Tables = dict[str, dict[str, object]]


def dumps(study: Study | PrognosisStudy, *, folder: Path | None = None) -> str:
    """The study as TOML; ``loads(dumps(study)) == study``. Data inside ``folder`` get a relative path."""

    def near(path: str | None) -> str | None:
        if path is not None and folder is not None and Path(path).is_relative_to(folder.resolve()):
            return str(Path(path).relative_to(folder.resolve()))
        return path

    if isinstance(study, PrognosisStudy):
        return _text(prognosis_tables(study, near))
    validation = study.validation
    tables: Tables = {
        "study": {
            "name": study.name, "title": study.title, "question": study.question,
            "reference": study.reference or None,
        },
        "data": {
            "dataset": study.data.dataset, "table": study.data.table,
            "path": near(study.data.path), "id": study.data.id,
            "vault": study.data.vault or (None if study.data.vault is None else True),
        },
        **cohort_tables(study.cohort),
        "treatment": {} if study.stages else _treatment(study.treatment),
        "controls": {"outcome": study.controls.outcome, "arms": study.controls.arms or None},
        "outcome": _outcome(study.outcome),
        "features": {
            "include": study.include or None, "known_after": study.known_after or None, **study.definitions,
        },
        "features.labels": {} if study.cohort else dict(study.labels),
        "learning": {"candidates": study.candidates},
        "validation": {
            "folds": validation.folds, "repeats": validation.repeats, "site": validation.site,
            "trial": validation.trial, "seed": validation.seed,
        },
    }  # fmt: skip
    several = [_block("[[stage]]", _stage(stage)) for stage in study.stages]
    several += [_block("[[harm]]", _harm(harm)) for harm in study.harms]
    return _text(tables, several)


def _text(tables: Tables, several: Sequence[str] = ()) -> str:
    blocks = [_block(f"[{name}]", values) for name, values in tables.items()]
    return "\n".join(block for block in (*blocks, *several) if block)


def _block(header: str, values: Mapping[str, object]) -> str:
    lines = [f"{_key(key)} = {_toml(value)}" for key, value in values.items() if value is not None]
    return "\n".join([header, *lines]) + "\n" if lines else ""


def _treatment(treatment: Treatment) -> dict[str, object]:
    return {
        "column": treatment.column, "arms": treatment.arms or None, "usual": treatment.usual,
        "assignment": treatment.assignment, "probability": treatment.probability, "trim": treatment.trim,
    }  # fmt: skip


def _stage(stage: Stage) -> dict[str, object]:
    return {"name": stage.name, **_treatment(stage.treatment), "features": stage.features or None}


def _outcome(outcome: Outcome) -> dict[str, object]:
    timed = outcome.kind == "time-to-event"
    return {
        "column": outcome.name, "better": outcome.better, "important": outcome.important,
        "kind": outcome.kind, "binary": None if timed else outcome.binary,
        "event": outcome.event, "horizon": outcome.horizon,
        "measure": outcome.measure if timed else None,
        "missing": None if outcome.missing == "weight" else outcome.missing,
        "label": outcome.label or None, "unit": outcome.unit or None,
    }  # fmt: skip


def _harm(harm: Harm) -> dict[str, object]:
    return {
        "column": harm.name, "weight": harm.weight, "limit": harm.limit, "better": harm.better,
        "label": harm.label or None, "unit": harm.unit or None,
    }  # fmt: skip


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _toml(key)


def _toml(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(key))} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)

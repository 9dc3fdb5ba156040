"""What a study file of ``kind = "prognosis"`` says, table by table; its columns have one role each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import isfinite
from pathlib import Path
from typing import cast

from alleviate.studies.opening_sections import DATA_KEYS, STUDY_KEYS, read_data, read_name
from alleviate.studies.sections import Section, Source, nearest
from alleviate.studies.vault_sections import PERSON, labels_of, read_cohort, read_definitions, spec_of
from alleviate.terms.prognosis_study import (
    PREDICTORS,
    PredictedKind,
    PredictedOutcome,
    PrognosisStudy,
    PrognosisValidation,
    Sampling,
)
from alleviate.terms.study import DataSource

__all__ = [
    "KEYS",
    "LEARNERS",
    "QUESTION",
    "REQUIRED",
    "read_prognosis",
    "refuse_treatment",
    "roles",
    "with_source",
]

LEARNERS = (*PREDICTORS, "ebm", "network", "sequence")
"""Every candidate that ``[learning] candidates`` may name."""

QUESTION = "What can be foreseen of {outcome}, and for whom?"
"""Asked by a study whose file words no question of its own."""

DESIGN = ("weight", "cluster", "stratum")
OF_EVENTS = ("event", "occurred", "competing", "horizon")

KEYS: Mapping[str, tuple[str, ...]] = {
    "study": STUDY_KEYS,
    "data": (*DATA_KEYS, *DESIGN),
    "cohort": ("start", "text", "offset", "outcome", "exclude", "between"),
    "outcome": ("column", "kind", "present", "above", "levels", *OF_EVENTS, "label", "unit"),
    "features": ("include", "known_after", "labels", "changes", "fixed"),
    "learning": ("candidates", "seconds"),
    "validation": ("folds", "repeats", "site", "trial", "time", "test_from", "groups", "seed"),
    "transfer": ("source", "source_data"),
}
REQUIRED = ("study", "data", "outcome")
OF_TREATMENT = ("treatment", "stage", "controls", "harm")

KINDS = ("binary", "numeric", "ordinal", "time-to-event")
FEWEST_LEVELS = 3


def refuse_treatment(origin: Source, document: Mapping[str, object]) -> None:
    """Raises ``StudyError`` where a table of treatment studies stands in a prognosis."""
    for name in OF_TREATMENT:
        if name in document:
            path = (f"{name} 1",) if isinstance(document[name], list) else (name,)
            hint = 'Take it out; or leave out kind = "prognosis" to learn who is helped by which treatment.'
            raise origin.error(path, "a prognosis compares no treatments", hint)


def read_prognosis(sections: Mapping[str, Section], folder: Path) -> PrognosisStudy:
    """The study of these tables (by ``KEYS``); paths are relative to ``folder``. Raises StudyError."""
    study, features, learning = sections["study"], sections["features"], sections["learning"]
    name, data, outcome = read_name(study), read_data(sections["data"], folder), _outcome(sections["outcome"])
    fixed, cohort, definitions = features.names("fixed"), None, {}
    if data.vault is not None:
        if outcome.kind == "time-to-event":
            hint = "Draw a table of times and events first, and name its path."
            raise sections["outcome"].error("kind", "the vault gives numbers, or yes and no", hint)
        defined = {key: value for key, value in features.values.items() if key != "fixed"}
        of_records = Section(features.source, "features", defined)
        definitions = read_definitions(of_records, {data.id or PERSON: "the id", outcome.name: "the outcome"})
        cohort = read_cohort(sections["cohort"], definitions)
        features = Section(features.source, "features", {})
    found = PrognosisStudy(
        name=name,
        title=study.name_or_none("title") or name,
        question=study.name_or_none("question") or QUESTION.format(outcome=outcome.words),
        data=data,
        outcome=outcome,
        reference=study.text("reference"),
        sampling=Sampling(*(sections["data"].name_or_none(key) for key in DESIGN)),
        include=features.names("include"),
        known_after=features.names("known_after"),
        labels=features.texts_by_name("labels") or labels_of(definitions),
        changes=_changes(features),
        fixed=fixed,
        candidates=learning.some_of("candidates", LEARNERS, PREDICTORS),
        seconds=learning.positive("seconds"),
        validation=_validation(sections["validation"]),
        **_transfer(sections["transfer"], folder),
        cohort=cohort,
        definitions=definitions,
    )
    _check_roles(found, sections)
    return found


def with_source(study: PrognosisStudy, data: DataSource) -> PrognosisStudy:
    """The same study on other data. Of the vault's features they are to hold a column each."""
    if study.cohort is None:
        return replace(study, data=data)
    taken = {column for _, _, column in roles(study)}
    include = tuple(name for name in spec_of(study.definitions).names if name not in taken)
    return replace(study, data=data, include=include, cohort=None, definitions={})


def roles(study: PrognosisStudy) -> Iterator[tuple[str, str, str]]:
    """Table and key that give a column a role, and the column, in the order of the file; groups have none."""
    outcome, sampling, validation = study.outcome, study.sampling, study.validation
    given = (
        ("data", "id", study.data.id),
        *(("data", key, getattr(sampling, key)) for key in DESIGN),
        ("outcome", "column", outcome.name),
        ("outcome", "event", outcome.event),
        *(("validation", key, getattr(validation, key)) for key in ("site", "trial", "time")),
    )
    for table, key, column in given:
        if column is not None:
            yield table, key, column


def _outcome(section: Section) -> PredictedOutcome:
    kind = section.choice("kind", KINDS) if "kind" in section else None
    present, above, levels = _value(section, "present"), _number(section, "above"), _values(section, "levels")
    for key, needed in (("present", "binary"), ("above", "binary"), ("levels", "ordinal")):
        if key in section:
            if kind not in (None, needed):
                raise section.error(key, f"is for a {needed} outcome only", f'Write: kind = "{needed}"')
            kind = needed
    if present is not None and above is not None:
        raise section.error("above", 'expected either "present" or "above", got both', "Leave one out.")
    if "levels" in section and len(levels) < FEWEST_LEVELS:
        hint = f'Of two levels, name the one that counts: present = "{levels[-1]}"' if levels else ""
        raise section.wrong("levels", f"{FEWEST_LEVELS} levels or more, from the lowest", hint)
    event, horizon = section.name_or_none("event"), section.positive("horizon")
    occurred, competing = _value(section, "occurred") or "1", _values(section, "competing")
    if kind == "time-to-event":
        for key, value, example in (("event", event, '"died"'), ("horizon", horizon, "24")):
            if value is None:
                raise section.error(key, "a time to an event needs this key", f"As in: {key} = {example}")
    else:
        for key in OF_EVENTS:
            if key in section:
                raise section.error(key, "is for times to an event only", 'Write: kind = "time-to-event"')
    if occurred in competing:
        raise section.wrong("competing", f'other ends than "{occurred}", which is the event')
    return PredictedOutcome(
        name=section.required("column"),
        kind=cast(PredictedKind | None, kind),
        present=present,
        above=above,
        levels=levels,
        event=event,
        occurred=occurred,
        competing=competing,
        horizon=horizon,
        label=section.text("label"),
        unit=section.text("unit"),
    )


def _validation(section: Section) -> PrognosisValidation:
    plain = PrognosisValidation()
    time, test_from = section.name_or_none("time"), _moment(section, "test_from")
    for key, other, value, example in (
        ("time", "test_from", time, '"year"'),
        ("test_from", "time", test_from, "2017"),
    ):
        if value is None and other in section:
            raise section.error(other, f'needs "{key}" beside it', f"As in: {key} = {example}")
    return PrognosisValidation(
        folds=section.whole("folds", 2, 20, plain.folds),
        repeats=section.whole("repeats", 1, 100, 1) if "repeats" in section else None,
        site=section.name_or_none("site"),
        trial=section.name_or_none("trial"),
        time=time,
        test_from=test_from,
        groups=section.names("groups"),
        seed=section.whole("seed", 0, 2**32 - 1, plain.seed),
    )


def _transfer(section: Section, folder: Path) -> dict[str, str | None]:
    """The package to start from, and its people: places relative to the study file."""
    source, data = section.name_or_none("source"), section.name_or_none("source_data")
    if data is not None and source is None:
        raise section.error("source_data", 'needs "source" beside it', 'As in: source = "runs/other"')
    places = {"source": source, "source_data": data}
    return {key: None if place is None else str((folder / place).resolve()) for key, place in places.items()}


def _changes(section: Section) -> dict[str, tuple[str, str]]:
    example = 'a table like { worse = ["week4", "start"] }: the later column, then the earlier'
    value = section.values.get("changes", {})
    if not isinstance(value, dict):
        raise section.wrong("changes", example)
    for pair in value.values():
        columns = pair if isinstance(pair, list) else []
        if (
            len(columns) != 2
            or not all(isinstance(x, str) and x.strip() for x in columns)
            or pair[0] == pair[1]
        ):
            raise section.wrong("changes", example)
    return {name: (later, earlier) for name, (later, earlier) in value.items()}


def _check_roles(study: PrognosisStudy, sections: Mapping[str, Section]) -> None:
    """One column has one role: nothing that is, tells or comes after the outcome may be a feature."""
    taken: dict[str, tuple[str, str]] = {}
    for table, key, column in roles(study):
        held = taken.get(column)
        # a site may be the cluster or the stratum that people were drawn in
        if held is not None and ({"column", "event", "id", "weight"} & {key, held[1]}):
            message = f'"{column}" is [{held[0]}] {held[1]} already'
            raise sections[table].error(key, message, "Name another column.")
        taken.setdefault(column, (table, key))
    features = sections["features"]
    used = [(name, "include") for name in study.include]
    used += [(column, "changes") for pair in study.changes.values() for column in pair]
    for column, key in used:
        if column in taken:
            table, role = taken[column]
            message = f'"{column}" is [{table}] {role}, so it cannot be a feature'
            raise features.error(key, message, "Take it out.")
        if column in study.known_after:
            message = f'"{column}" is in known_after: nobody knows it when the outcome is foreseen'
            raise features.error(key, message, "Take it out of one of the two lists.")
    for name in study.changes:
        if name in taken or name in study.include or name in study.known_after:
            raise features.error("changes", f'"{name}" is the name of a column already', "Give it another.")
    for column in study.validation.groups:
        if column in (study.outcome.name, study.outcome.event, study.data.id):
            message = f'"{column}" is [{taken[column][0]}] {taken[column][1]}, so it cannot be a group'
            raise sections["validation"].error("groups", message, "Take it out.")
    known = (*study.include, *study.changes, *spec_of(study.definitions).names)
    if study.include or study.definitions:
        strange = next((name for name in study.fixed if name not in known), None)
        if strange is not None:
            raise features.error("fixed", f'"{strange}" is no feature', nearest(strange, known))


def _moment(section: Section, key: str) -> float | None:
    """A number, or a date as days since 1970-01-01."""
    value = section.values.get(key)
    if type(value) is date:
        return float((value - date(1970, 1, 1)).days)
    return _number(section, key)


def _number(section: Section, key: str) -> float | None:
    value = section.values.get(key)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    raise section.wrong(key, "a number")


def _value(section: Section, key: str) -> str | None:
    """A value of a column as text: ``"yes"`` or ``1``."""
    value = section.values.get(key)
    return str(value) if _whole(value) else section.name_or_none(key)


def _values(section: Section, key: str) -> tuple[str, ...]:
    values = section.values.get(key, [])
    if not isinstance(values, list):
        raise section.wrong(key, 'a list of values like ["none", "mild", "severe"]')
    texts: Sequence[object] = [str(value) if _whole(value) else value for value in values]
    return Section(section.source, section.name, {key: texts}).names(key)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

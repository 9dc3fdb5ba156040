"""Study files: TOML in, a study out, and back again. Whatever is wrong is said with its line and key."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from alleviate.policies import candidates as policies
from alleviate.studies.opening_sections import DATA_KEYS, STUDY_KEYS, read_data, read_name
from alleviate.studies.outcome_sections import OUTCOME_KEYS, read_harms, read_outcome
from alleviate.studies.prognosis import sections as prognosis
from alleviate.studies.sections import Section, Source, nearest
from alleviate.studies.study_text import dumps
from alleviate.studies.treatment_sections import (
    CONTROL_KEYS,
    TREATMENT_KEYS,
    read_controls,
    read_stages,
    read_treatment,
)
from alleviate.studies.vault_sections import PERSON, labels_of, read_cohort, read_definitions, spec_of
from alleviate.terms.errors import StudyError
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import CANDIDATES, DataSource, Study, Validation

__all__ = ["LEARNERS", "QUESTION", "dumps", "load", "loads", "of_treatment", "shipped", "with_data"]

LEARNERS = tuple(policies.CANDIDATES)
"""Every learner that ``[learning] candidates`` may name."""

QUESTION = "Who does best with which treatment, judged by {outcome}?"
"""Asked by a study whose file words no question of its own."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "study": STUDY_KEYS,
    "data": DATA_KEYS,
    "cohort": ("start", "text", "offset", "arm", "outcome", "exclude", "between"),
    "treatment": TREATMENT_KEYS,
    "controls": CONTROL_KEYS,
    "outcome": OUTCOME_KEYS,
    "features": ("include", "known_after", "labels"),
    "learning": ("candidates",),
    "validation": ("folds", "repeats", "site", "trial", "seed"),
}
REQUIRED = ("study", "data", "outcome")
REPEATED = ("stage", "harm")
"""Tables that may be there more than once: ``[[stage]]``."""

SYNTAX_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def load(path_or_name: str | Path) -> Study | PrognosisStudy:
    """The study in a TOML file, or the shipped one of that name.

    Raises ``StudyError`` naming file, line, key, what was expected and the nearest valid name.
    """
    path = Path(path_or_name)
    known = {found.name.removesuffix(".toml"): found for found in _shipped_files()}
    if str(path_or_name) in known:
        found = known[str(path_or_name)]
        return loads(found.read_text(encoding="utf-8"), source=found.name)
    if path.suffix.lower() in (".csv", ".tsv", ".parquet"):
        hint = f"Write a study about it: alleviate study new {path}"
        raise StudyError(f"{path}: expected a study file (.toml), got data.", hint=hint)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if path.suffix != ".toml" and len(path.parts) <= 1:
            raise StudyError(f'There is no study "{path}".', hint=nearest(str(path), known)) from None
        raise StudyError(f"{path}: there is no such study file.", hint=_near_file(path)) from None
    except IsADirectoryError:
        raise StudyError(f"{path}: expected a study file, got a folder.", hint="Name a .toml file.") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path}: expected a text in UTF-8.", hint="Save it as UTF-8.") from None
    except OSError as error:
        hint = "Check that you may read it."
        raise StudyError(f"{path}: cannot be read ({error.strerror}).", hint=hint) from None
    return loads(text, source=path.name, folder=path.parent)


def loads(text: str, *, source: str = "study.toml", folder: Path | None = None) -> Study | PrognosisStudy:
    """The study in a TOML text. ``[data] path`` is relative to ``folder`` (default: where we are)."""
    origin = Source(source, text)
    document = _document(origin)
    head = document.get("study")
    opening = Section(origin, "study", head if isinstance(head, dict) else {})
    if opening.choice("kind", ("treatment", "prognosis"), "treatment") == "prognosis":
        prognosis.refuse_treatment(origin, document)
        sections = _sections(origin, document, prognosis.KEYS, prognosis.REQUIRED)
        return prognosis.read_prognosis(sections, folder or Path())
    return _treatment_study(origin, document, folder or Path())


def of_treatment(study: Study | PrognosisStudy) -> Study:
    """The study itself, where it is one of treatment. Raises ``StudyError``."""
    if isinstance(study, PrognosisStudy):
        raise StudyError(
            f"{study.name}: expected a study of treatment, got a prognosis.",
            hint='Leave kind = "prognosis" out, or learn it as a prognosis.',
        )
    return study


def _treatment_study(origin: Source, document: dict[str, Any], folder: Path) -> Study:
    several = {name: _several(origin, name, document.pop(name, [])) for name in REPEATED}
    required = REQUIRED if several["stage"] else (*REQUIRED, "treatment")
    sections = _sections(origin, document, KEYS, required, REPEATED)
    _refuse_beside_stages(origin, document, several)
    study = sections["study"]
    name = read_name(study)
    stages = read_stages(several["stage"])
    treatment = stages[0].treatment if stages else read_treatment(sections["treatment"])
    outcome = read_outcome(sections["outcome"])
    data = read_data(sections["data"], folder)
    features, validation, plain = sections["features"], sections["validation"], Validation()
    cohort, definitions = None, {}
    if data.vault is not None:
        roles = {data.id or PERSON: "the id", treatment.column: "the treatment", outcome.name: "the outcome"}
        definitions = read_definitions(features, roles)
        cohort = read_cohort(sections["cohort"], definitions)
        features = Section(origin, "features", {})
    found = Study(
        name=name,
        title=study.name_or_none("title") or name,
        question=study.name_or_none("question") or QUESTION.format(outcome=outcome.words),
        data=data,
        treatment=treatment,
        outcome=outcome,
        reference=study.text("reference"),
        include=features.names("include"),
        known_after=features.names("known_after"),
        labels=features.texts_by_name("labels") or labels_of(definitions),
        candidates=sections["learning"].some_of("candidates", LEARNERS, CANDIDATES),
        validation=Validation(
            folds=validation.whole("folds", 2, 20, plain.folds),
            repeats=validation.whole("repeats", 1, 100, 1) if "repeats" in validation else None,
            site=validation.name_or_none("site"),
            trial=validation.name_or_none("trial"),
            seed=validation.whole("seed", 0, 2**32 - 1, plain.seed),
        ),
        cohort=cohort,
        definitions=definitions,
        harms=read_harms(several["harm"]),
        stages=stages,
        controls=read_controls(sections["controls"], treatment),
    )
    _check_roles(found, sections, several)
    return found


def shipped() -> tuple[Study | PrognosisStudy, ...]:
    """The studies that come with Alleviate, by name."""
    return tuple(load(found.name.removesuffix(".toml")) for found in _shipped_files())


def with_data(study: Study | PrognosisStudy, path: str | Path) -> Study | PrognosisStudy:
    """The same study on another file: ``--data``. Of the vault's features it is to hold a column each."""
    data = DataSource(path=str(Path(path).resolve()), id=study.data.id)
    if isinstance(study, PrognosisStudy):
        return prognosis.with_source(study, data)
    include = spec_of(study.definitions).names if study.cohort else study.include
    site = study.validation.site
    return replace(
        study,
        data=data,
        include=tuple(name for name in include if name != site),
        cohort=None,
        definitions={},
    )


def _shipped_files() -> list[resources.abc.Traversable]:
    folder = resources.files("alleviate.studies") / "shipped"
    files = [found for found in folder.iterdir() if found.name.endswith(".toml")]
    return sorted(files, key=lambda file: file.name.removesuffix(".toml"))


def _near_file(path: Path) -> str:
    there = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    return nearest(path.name, there) or "Those that ship are listed by: alleviate studies"


def _document(origin: Source) -> dict[str, Any]:
    """The TOML, parsed. Raises ``StudyError`` with the line where it is none."""
    try:
        return tomllib.loads(origin.text)
    except (ValueError, RecursionError) as error:
        place = SYNTAX_PLACE.search(str(error))
        line = place["line"] if place and place["line"] else str(max(1, len(origin.text.splitlines())))
        what = SYNTAX_PLACE.sub("", str(error))
        hint = 'Texts stand in quotes, as in: name = "my-study".'
        raise StudyError(f"{origin.name}, line {line}: this is not TOML ({what}).", hint=hint) from None


def _sections(
    origin: Source,
    document: Mapping[str, Any],
    keys: Mapping[str, tuple[str, ...]],
    required: Sequence[str],
    besides: Sequence[str] = (),
) -> dict[str, Section]:
    """Every table that such a study file may have, known keys only. One that may be left out is empty.

    ``besides``: tables that would be right too, for the hint.
    """
    for name, values in document.items():
        if name not in keys:
            raise origin.error((name,), "there is no such table", nearest(name, (*keys, *besides)))
        if not isinstance(values, dict):
            raise origin.error((name,), "expected a table, got a value", f"Write [{name}] on its own line.")
    sections = {name: Section(origin, name, document.get(name, {})) for name in keys}
    for name, section in sections.items():
        if name in required and name not in document:
            raise origin.error((name,), "this table is required, but missing", f"Add [{name}].")
        if name != "features" or "vault" not in sections["data"]:  # there, keys are names of features
            section.refuse_unknown(keys[name])
    if "cohort" in document and "vault" not in sections["data"]:
        raise origin.error(("cohort",), "a cohort is drawn from the vault only", "Write: vault = true")
    return sections


def _refuse_beside_stages(
    origin: Source, document: Mapping[str, Any], several: Mapping[str, Sequence[Section]]
) -> None:
    if several["stage"] and "treatment" in document:
        hint = "Leave [treatment] out: each stage names its own."
        raise origin.error(("treatment",), "a study with stages has no treatment beside them", hint)
    if several["stage"] and "vault" in document["data"]:
        raise origin.error(("data", "vault"), "stages are read from tables only", "Name a path or a dataset.")


def _several(origin: Source, name: str, values: object) -> list[Section]:
    if not isinstance(values, list) or not all(isinstance(table, dict) for table in values):
        raise origin.error(
            (name,), "expected a table for each, got something else", f"Write [[{name}]] over each."
        )
    return [Section(origin, f"{name} {i}", table) for i, table in enumerate(values, 1)]


def _check_roles(
    study: Study, sections: Mapping[str, Section], several: Mapping[str, Sequence[Section]]
) -> None:
    """One column has one role: nothing known after treatment starts may be a feature."""
    listed = [(sections["features"], "include", study.include)]
    listed += [
        (s, "features", stage.features) for s, stage in zip(several["stage"], study.stages, strict=True)
    ]
    outcome, treatments = study.outcome, [stage.treatment for stage in study.stages] or [study.treatment]
    roles = {outcome.name: "the outcome"}
    if outcome.event is not None:
        roles[outcome.event] = "the outcome's event"
    if any(treatment.column in roles for treatment in treatments):
        raise sections["outcome"].wrong("column", "another column than the treatment's")
    roles |= {treatment.column: "the treatment" for treatment in treatments}
    for harm, section in zip(study.harms, several["harm"], strict=True):
        if harm.name in roles:
            raise section.error(
                "column", f'"{harm.name}" is {roles[harm.name]} already', "Name another column."
            )
        roles[harm.name] = "a harm"
    if study.controls.outcome is not None:
        if study.controls.outcome in roles:
            role = roles[study.controls.outcome]
            raise sections["controls"].error("outcome", f"this is {role} already", "Name another column.")
        roles[study.controls.outcome] = "the negative control"
    if study.data.id is not None:
        roles[study.data.id] = "the id"
    for section, key, names in listed:
        for column in names:
            if column in roles:
                message = f'"{column}" is {roles[column]}, so it cannot be a feature'
                raise section.error(key, message, "Take it out.")
            if column in study.known_after:
                raise section.error(
                    key,
                    f'"{column}" is in known_after: nobody knows it when the treatment is chosen',
                    "Take it out of one of the two lists.",
                )

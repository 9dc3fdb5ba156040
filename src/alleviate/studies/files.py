"""Study files: TOML in, a ``Study`` out, and back again. Whatever is wrong is said with its line and key."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from math import fsum
from pathlib import Path
from typing import cast

from alleviate.policies import candidates as policies
from alleviate.studies.datasets import GRAMMAR, parse
from alleviate.studies.sections import Section, Source, nearest
from alleviate.studies.vault_sections import PERSON, cohort_tables, read_cohort, read_definitions, spec_of
from alleviate.terms.errors import StudyError
from alleviate.terms.outcomes import Better, Outcome
from alleviate.terms.study import CANDIDATES, Assignment, DataSource, Definition, Study, Treatment, Validation

__all__ = ["LEARNERS", "QUESTION", "dumps", "load", "loads", "shipped", "with_data"]

LEARNERS = tuple(policies.CANDIDATES)
"""Every learner that ``[learning] candidates`` may name."""

QUESTION = "Who does best with which treatment, judged by {outcome}?"
"""Asked by a study whose file words no question of its own."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "study": ("name", "title", "question", "reference", "kind"),
    "data": ("dataset", "path", "vault", "id"),
    "cohort": ("start", "text", "offset", "arm", "outcome", "exclude", "between"),
    "treatment": ("column", "arms", "usual", "assignment", "probability"),
    "outcome": ("column", "better", "important", "binary", "label", "unit"),
    "features": ("include", "known_after", "labels"),
    "learning": ("candidates",),
    "validation": ("folds", "repeats", "site", "seed"),
}
REQUIRED = ("study", "data", "treatment", "outcome")

FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SYNTAX_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def load(path_or_name: str | Path) -> Study:
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


def loads(text: str, *, source: str = "study.toml", folder: Path | None = None) -> Study:
    """The study in a TOML text. ``[data] path`` is relative to ``folder`` (default: where we are)."""
    origin = Source(source, text)
    sections = _sections(origin)
    study = sections["study"]
    name = study.required("name")
    if not FOLDER_NAME.fullmatch(name):
        raise study.wrong("name", "letters, digits, dots and dashes, since it names a folder")
    treatment, outcome = _treatment(sections["treatment"]), _outcome(sections["outcome"])
    data = _data(sections["data"], folder or Path())
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
        labels=features.texts_by_name("labels") or _labels(definitions),
        candidates=_candidates(sections["learning"]),
        validation=Validation(
            folds=validation.whole("folds", 2, 20, plain.folds),
            repeats=validation.whole("repeats", 1, 100, plain.repeats),
            site=validation.name_or_none("site"),
            seed=validation.whole("seed", 0, 2**32 - 1, plain.seed),
        ),
        cohort=cohort,
        definitions=definitions,
    )
    _check_roles(found, sections)
    return found


def shipped() -> tuple[Study, ...]:
    """The studies that come with Alleviate, by name."""
    return tuple(load(found.name.removesuffix(".toml")) for found in _shipped_files())


def with_data(study: Study, path: str | Path) -> Study:
    """The same study on another file: ``--data``. Of the vault's features it is to hold a column each."""
    include = spec_of(study.definitions).names if study.cohort else study.include
    site = study.validation.site
    return replace(
        study,
        data=DataSource(path=str(Path(path).resolve()), id=study.data.id),
        include=tuple(name for name in include if name != site),
        cohort=None,
        definitions={},
    )


def dumps(study: Study, *, folder: Path | None = None) -> str:
    """The study as TOML; ``loads(dumps(study)) == study``. Data inside ``folder`` get a relative path."""
    path = study.data.path
    if path is not None and folder is not None and Path(path).is_relative_to(folder.resolve()):
        path = str(Path(path).relative_to(folder.resolve()))
    treatment, outcome, validation = study.treatment, study.outcome, study.validation
    tables: dict[str, dict[str, object]] = {
        "study": {
            "name": study.name, "title": study.title, "question": study.question,
            "reference": study.reference or None,
        },
        "data": {
            "dataset": study.data.dataset, "path": path, "id": study.data.id,
            "vault": study.data.vault or (None if study.data.vault is None else True),
        },
        **cohort_tables(study.cohort),
        "treatment": {
            "column": treatment.column, "arms": treatment.arms or None, "usual": treatment.usual,
            "assignment": treatment.assignment, "probability": treatment.probability,
        },
        "outcome": {
            "column": outcome.name, "better": outcome.better, "important": outcome.important,
            "binary": outcome.binary, "label": outcome.label or None, "unit": outcome.unit or None,
        },
        "features": {
            "include": study.include or None, "known_after": study.known_after or None, **study.definitions,
        },
        "features.labels": {} if study.cohort else dict(study.labels),
        "learning": {"candidates": study.candidates},
        "validation": {
            "folds": validation.folds, "repeats": validation.repeats, "site": validation.site,
            "seed": validation.seed,
        },
    }  # fmt: skip
    blocks = []
    for name, values in tables.items():
        lines = [f"{_key(key)} = {_toml(value)}" for key, value in values.items() if value is not None]
        if lines:
            blocks.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(blocks)


def _shipped_files() -> list[resources.abc.Traversable]:
    folder = resources.files("alleviate.studies") / "shipped"
    return sorted((found for found in folder.iterdir() if found.name.endswith(".toml")), key=lambda f: f.name)


def _near_file(path: Path) -> str:
    there = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    return nearest(path.name, there) or "Those that ship are listed by: alleviate studies"


def _sections(origin: Source) -> dict[str, Section]:
    """Every table that a study file may have, known keys only; a table that may be left out is empty."""
    try:
        document = tomllib.loads(origin.text)
    except (ValueError, RecursionError) as error:
        place = SYNTAX_PLACE.search(str(error))
        line = place["line"] if place and place["line"] else str(max(1, len(origin.text.splitlines())))
        what = SYNTAX_PLACE.sub("", str(error))
        hint = 'Texts stand in quotes, as in: name = "my-study".'
        raise StudyError(f"{origin.name}, line {line}: this is not TOML ({what}).", hint=hint) from None
    for name, values in document.items():
        if name not in KEYS:
            raise origin.error((name,), "there is no such table", nearest(name, KEYS))
        if not isinstance(values, dict):
            raise origin.error((name,), "expected a table, got a value", f"Write [{name}] on its own line.")
    sections = {name: Section(origin, name, document.get(name, {})) for name in KEYS}
    if sections["study"].choice("kind", ("treatment", "prognosis"), "treatment") == "prognosis":
        raise sections["study"].error(
            "kind", "this version learns treatment studies only, no outcome models", 'Leave "kind" out.'
        )
    for name, section in sections.items():
        if name in REQUIRED and name not in document:
            raise origin.error((name,), "this table is required, but missing", f"Add [{name}].")
        if name != "features" or "vault" not in sections["data"]:  # there, keys are names of features
            section.refuse_unknown(KEYS[name])
    if "cohort" in document and "vault" not in sections["data"]:
        raise origin.error(("cohort",), "a cohort is drawn from the vault only", "Write: vault = true")
    return sections


def _data(section: Section, folder: Path) -> DataSource:
    dataset, path, vault = section.name_or_none("dataset"), section.name_or_none("path"), _vault(section)
    given = [
        key for key, value in (("dataset", dataset), ("path", path), ("vault", vault)) if value is not None
    ]
    if len(given) != 1:
        hint = 'As in: path = "trial.csv"'
        message = f"expected one of dataset, path and vault, got {' and '.join(given) or 'none'}"
        raise section.error(given[0] if given else "dataset", message, hint)
    if dataset is not None:
        try:
            parse(dataset)
        except ValueError:
            raise section.wrong("dataset", GRAMMAR) from None
    full = None if path is None else str((folder / path).resolve())
    return DataSource(
        dataset, full, section.name_or_none("id") or (PERSON if vault is not None else None), vault
    )


def _vault(section: Section) -> str | None:
    """Where the vault is, "" for the usual place, None where it is not asked for."""
    if section.values.get("vault") is True:
        return ""
    if section.values.get("vault") is False:
        raise section.wrong("vault", "true, or where the vault is", "Leave it out.")
    return section.name_or_none("vault")


def _labels(definitions: Mapping[str, Definition]) -> dict[str, str]:
    """What features are called in a sentence, where their definition says so."""
    return {feature.name: feature.label for feature in spec_of(definitions).features if feature.label}


def _treatment(section: Section) -> Treatment:
    arms, usual = section.texts_by_name("arms"), section.name_or_none("usual")
    if arms and len(set(arms.values())) < 2:
        raise section.wrong("arms", "at least two different arms")
    if arms and usual is not None and usual not in arms.values():
        raise section.wrong("usual", "the name of an arm", nearest(usual, arms.values()))
    assignment = cast(Assignment, section.choice("assignment", ("randomised", "observational"), "randomised"))
    probability = _probability(section, set(arms.values()))
    if probability == "known" and assignment == "observational":
        hint = 'Leave "probability" out: it is then estimated.'
        raise section.error("probability", '"known" is for randomised arms; here nobody drew lots', hint)
    return Treatment(section.required("column"), usual, assignment, arms, probability)


def _probability(section: Section, arms: set[str]) -> str | dict[str, float] | dict[str, str] | None:
    value = section.values.get("probability")
    if not isinstance(value, dict):
        if isinstance(value, (int, float)):
            raise section.wrong("probability", 'a number for each arm, as in { "CBT" = 0.5, "TAU" = 0.5 }')
        return section.name_or_none("probability")
    if arms and set(value) != arms:
        wrong = next(iter(set(value) ^ arms))
        hint = nearest(wrong, arms) if wrong in value else f'"{wrong}" is missing.'
        raise section.wrong("probability", "exactly the arms of this study", hint)
    if value and all(isinstance(column, str) and column.strip() for column in value.values()):
        return {arm: str(column) for arm, column in value.items()}
    if not value or any(isinstance(p, bool) or not isinstance(p, (int, float)) for p in value.values()):
        raise section.wrong("probability", "a number for each arm, or a column for each arm")
    if not all(0 < p < 1 for p in value.values()) or abs(fsum(value.values()) - 1) > 1e-6:
        hint = "Give the chance of each arm by the lot that was drawn."
        raise section.wrong("probability", "numbers between 0 and 1 that sum to 1", hint)
    return {arm: float(p) for arm, p in value.items()}


def _outcome(section: Section) -> Outcome:
    return Outcome(
        name=section.required("column"),
        better=cast(Better, section.choice("better", ("lower", "higher"))),
        important=section.positive("important"),
        binary=section.flag("binary"),
        label=section.text("label"),
        unit=section.text("unit"),
    )


def _candidates(section: Section) -> tuple[str, ...]:
    if "candidates" not in section:
        return CANDIDATES
    names = section.names("candidates")
    unknown = next((name for name in names if name not in LEARNERS), None)
    if unknown is not None or not names:
        raise section.wrong("candidates", f"some of {', '.join(LEARNERS)}", nearest(unknown or "", LEARNERS))
    return names


def _check_roles(study: Study, sections: Mapping[str, Section]) -> None:
    """One column has one role: nothing known after treatment starts may be a feature."""
    include = set(study.include)
    roles = {study.outcome.name: "the outcome", study.treatment.column: "the treatment"}
    if study.outcome.name == study.treatment.column:
        raise sections["outcome"].wrong("column", "another column than the treatment's")
    if study.data.id is not None:
        roles[study.data.id] = "the id"
    for column, role in roles.items():
        if column in include:
            message = f'"{column}" is {role}, so it cannot be a feature'
            raise sections["features"].error("include", message, "Take it out.")
    late = [column for column in study.include if column in study.known_after]
    if late:
        raise sections["features"].error(
            "include",
            f'"{late[0]}" is in known_after: nobody knows it when the treatment is chosen',
            "Take it out of one of the two lists.",
        )


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

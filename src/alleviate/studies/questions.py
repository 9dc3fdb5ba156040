"""A new study from a table and a few answers: which columns may play which role, and the resulting file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alleviate.intake.tables import Kind, Table, typed
from alleviate.intake.tables.table import quoted
from alleviate.studies.files import QUESTION, dumps, loads, of_treatment
from alleviate.studies.sections import nearest
from alleviate.terms.errors import DataError, StudyError
from alleviate.terms.outcomes import Better, Outcome
from alleviate.terms.study import DataSource, Study, Treatment

__all__ = ["MOST_ARMS", "Answers", "ColumnNote", "arms_of", "draft", "look", "suggest", "write"]

MOST_ARMS = 8
"""A column with more different values is no treatment."""

LONGEST = 16
"""Longer values are cut where a column is shown."""

TREATMENT_NAMES = re.compile(r"(?i)treat|arm\b|group|therap|alloc|random|condition|interven")
ID_NAMES = re.compile(r"(?i)^(id|.*_id|rownames|subject.*|patient.*|person.*|usubjid|participant.*)$")
OUTCOME_NAMES = re.compile(r"(?i)outcome|post|final|end|follow|score|total|change|[a-z.]\d+[mw]?$")


@dataclass(frozen=True, slots=True)
class ColumnNote:
    """What one needs to know of a column to give it a role. ``shows``: its range, or a few of its values."""

    name: str
    kind: Kind
    different: int
    missing: int
    shows: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to the questions. ``features`` None: every column that has no other role."""

    treatment: str
    outcome: str
    better: Better
    usual: str | None = None
    id: str | None = None
    features: tuple[str, ...] | None = None
    known_after: tuple[str, ...] = ()
    randomised: bool = True
    name: str = ""
    title: str = ""
    question: str = ""


def look(table: Table) -> dict[str, ColumnNote]:
    """Every column, in order. One that no kind fits, such as numbers with some texts, is a category."""
    notes = {}
    for name in table.columns:
        texts = table.text(name).drop_nulls()
        shows = ", ".join(text[:LONGEST] for text in texts.unique(maintain_order=True).head(4))
        try:
            found = typed(table, only=[name])
            kind: Kind = found.kinds[name]
            if kind == "number":
                numbers = found.frame[name].drop_nulls().to_list()
                shows = f"{min(numbers):.4g} to {max(numbers):.4g}" if numbers else ""
        except DataError:
            kind = "category"
        notes[name] = ColumnNote(name, kind, texts.n_unique(), len(table.frame) - len(texts), shows)
    return notes


def suggest(notes: Mapping[str, ColumnNote], role: str, people: int) -> list[str]:
    """Columns that may be the "treatment", the "id" or the "outcome", the likeliest first."""
    if role == "treatment":
        fit = [note for note in notes.values() if 2 <= note.different <= MOST_ARMS]
        return [note.name for note in sorted(fit, key=lambda n: not TREATMENT_NAMES.search(n.name))]
    if role == "id":
        fit = [note for note in notes.values() if note.different == people and not note.missing]
        return [note.name for note in fit if ID_NAMES.search(note.name)]
    fit = [n for n in notes.values() if n.kind in ("number", "boolean") and n.different >= 2]
    fit = [note for note in fit if not ID_NAMES.search(note.name)]
    return [note.name for note in sorted(fit, key=lambda n: not OUTCOME_NAMES.search(n.name))]


def arms_of(table: Table, column: str) -> dict[str, int]:
    """The values of a treatment column, as found, with the number of people on each."""
    counts = table.text(column).drop_nulls().value_counts(sort=True)
    return dict(sorted(counts.rows(), key=lambda row: (-row[1], row[0])))


def draft(table: Table, path: Path, answers: Answers) -> Study:
    """The study that the answers describe. Raises DataError or StudyError where they do not fit the table."""
    table.require([answers.treatment, answers.outcome])
    arms = arms_of(table, answers.treatment)
    if not 2 <= len(arms) <= MOST_ARMS:
        raise DataError(
            f"{table.source}: expected 2–{MOST_ARMS} arms in {quoted(answers.treatment)}, got {len(arms)}.",
            hint="Name another column as the treatment.",
        )
    if answers.usual is not None and answers.usual not in arms:
        raise StudyError(f"There is no arm {quoted(answers.usual)}.", hint=nearest(answers.usual, arms))
    roles = {answers.treatment, answers.outcome, answers.id, *answers.known_after}
    features = answers.features
    if features is None:
        features = tuple(name for name in table.columns if name not in roles)
    if answers.id is not None:
        _require_different_ids(table, answers.id)
    table.require([*features, *answers.known_after])
    kinds = typed(table, only=[*features, answers.outcome]).kinds
    if kinds[answers.outcome] not in ("number", "boolean"):
        raise DataError(
            f"{table.source}: expected numbers or yes/no in the outcome {quoted(answers.outcome)}, got a "
            f"{kinds[answers.outcome]}.",
            hint="Name another column as the outcome.",
        )
    name = answers.name or re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "study"
    study = Study(
        name=name,
        title=answers.title or f"{answers.treatment} and {answers.outcome}",
        question=answers.question or QUESTION.format(outcome=answers.outcome),
        data=DataSource(path=str(path.resolve()), id=answers.id),
        treatment=Treatment(
            column=answers.treatment,
            usual=answers.usual,
            assignment="randomised" if answers.randomised else "observational",
            probability="known" if answers.randomised else None,
        ),
        outcome=Outcome(answers.outcome, answers.better),
        include=features,
        known_after=answers.known_after,
    )
    # through the reader, which knows every rule
    return of_treatment(loads(dumps(study), source=f"{name}.toml"))


def _require_different_ids(table: Table, column: str) -> None:
    ids = table.text(column)
    doubled = ids.filter(ids.is_duplicated() & ids.is_not_null())
    if len(doubled):
        rows = (ids == doubled[0]).fill_null(False).arg_true().to_list()
        raise DataError(
            f"{table.source}: expected each id once in {quoted(column)}, got {quoted(doubled[0])} "
            f"at {table.where(rows)}.",
            hint="Give one row a person, or name another id.",
        )


def write(study: Study, out: Path, *, overwrite: bool = False) -> None:
    """Writes the study file; ``StudyError`` where ``out`` is there already and may not be overwritten."""
    text = dumps(study, folder=out.parent)
    try:
        with out.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StudyError(f"{out} is there already.", hint="Name another file with --out.") from None
    except OSError as error:
        hint = "Name another file with --out."
        raise StudyError(f"{out}: cannot be written ({error.strerror}).", hint=hint) from None

"""From the events of records to a study's table: who enters when, what was known then, what came of it."""

from datetime import timedelta

import polars as pl

from alleviate.features import Feature, FeatureSpec, cohort_table, event_lists
from alleviate.intake.tables import Table, table_of
from alleviate.models.prognosis.deep.sequences import EVENTS, READER
from alleviate.studies.vault_sections import PERSON, exclusions, outcome_feature, spec_of
from alleviate.terms.errors import DataError
from alleviate.terms.prognosis_study import PrognosisStudy
from alleviate.terms.study import CohortSpec, Study

__all__ = ["draw"]

INSTANT = timedelta(microseconds=1)


def draw(
    events: pl.DataFrame | pl.LazyFrame,
    study: Study | PrognosisStudy,
    cohort: CohortSpec,
    *,
    source: str = "the vault",
) -> Table:
    """One row a person of the cohort, as they entered: id, treatment, outcome, features. Raises DataError.

    A prognosis has no treatment: what the start says of a person is then known like all else. Where it is to
    be learned from the course of events too, a last column holds them.

    ``events``: as ``alleviate.records.EVENTS``. Features are what was known *before* the person entered, so
    that the treatment is not among it; who enters later than their treatment was known has what was entered
    with it kept out. The outcome is what happened in its window, as the records now stand; those whose window
    is still open when the records end are left out. ``source`` names the events in errors.
    """
    events = events.lazy()
    people = _entered(events, cohort)
    if people.is_empty():
        words = f" ({', '.join(cohort.text)})" if cohort.text else ""
        raise DataError(
            f"{source}: expected people with the event {cohort.start}{words}, found nobody.",
            hint="Check [cohort] start, and that people have consented to model training.",
        )
    before = people.select("subject_id", pl.col("moment") - INSTANT, "start")
    arm = () if isinstance(study, PrognosisStudy) else (people["arm"].alias(study.treatment.column),)
    known = _without_starts(events, people) if arm else events
    features = cohort_table(known, before, spec_of(study.definitions)).drop("subject_id", "moment")
    held = cohort_table(known, before, exclusions(cohort))
    ends = events.select(pl.col("known_at").max()).collect().item()
    closes = pl.col("moment") + timedelta(days=cohort.closes)
    reasons = {
        "are still within the time of the outcome": people.select(closes > ends).to_series(),
        **{f"are excluded ({name})": held[name] for name in cohort.exclude},
        **{
            f"have no {name} from {low:g} to {high:g}": ~features[name].is_between(low, high).fill_null(False)
            for name, (low, high) in cohort.between.items()
        },
    }
    kept, warnings = pl.repeat(True, people.height, eager=True), []
    for words, out in reasons.items():
        out = out.fill_null(False)
        if count := int((kept & out).sum()):
            warnings.append(f"{count} of {people.height} people {words}, and were left out.")
        kept &= ~out
    if not kept.any():
        raise DataError(f"{source}: nobody is left. {' '.join(warnings)}", hint="Widen [cohort].")
    course: tuple[pl.Series, ...] = ()
    if isinstance(study, PrognosisStudy) and READER in study.candidates:
        course = (event_lists(known, before).alias(EVENTS),)
    columns = (
        people["subject_id"].alias(study.data.id or PERSON),
        *arm,
        _outcome(events, people, cohort).alias(study.outcome.name),
        *features,
        *course,
    )
    return table_of(pl.DataFrame(columns).filter(kept), source, warnings=tuple(warnings))


def _entered(events: pl.LazyFrame, cohort: CohortSpec) -> pl.DataFrame:
    """Each person's first start that stands (its time, code, entry), their arm, and the moment of entering.

    That moment counts from when the record first knew of the start's entry, whatever was corrected later.
    """
    meant = Feature("start", cohort.start, "category")
    there = events.select(pl.col("code").unique()).collect()["code"]
    starts = events.filter(pl.col("code").is_in([code for code in there if meant.matches(code)])).collect()
    versions = pl.col("known_at").min().over("subject_id", "entry")
    first_known = pl.when(pl.col("entry") == "").then("known_at").otherwise(versions)
    standing = starts.with_columns(first_known.alias("moment")).filter(pl.col("known_until").is_null())
    if cohort.text:
        standing = standing.filter(pl.col("text_value").is_in(list(cohort.text)))
    return (
        standing.sort("subject_id", "time", "known_at", "code", "entry")
        .unique("subject_id", keep="first", maintain_order=True)
        .select(
            "subject_id",
            pl.col("time").alias("start"),
            pl.col("code").alias("start_code"),
            pl.col("entry").alias("start_entry"),
            pl.col("text_value" if cohort.arm == "text" else "code").alias("arm"),
            pl.col("moment") + timedelta(days=cohort.offset),
        )
        .sort("moment", "subject_id")
    )


def _without_starts(events: pl.LazyFrame, people: pl.DataFrame) -> pl.LazyFrame:
    """The events of these people without those that say what each was given: the entry of their start."""
    alone = (pl.col("start_code") == pl.col("code")) & (pl.col("start") == pl.col("time"))
    of_start = (pl.col("entry") == pl.col("start_entry")) & ((pl.col("entry") != "") | alone)
    starts = people.lazy().select("subject_id", "start", "start_code", "start_entry")
    return events.join(starts, on="subject_id").filter(~of_start).drop("start", "start_code", "start_entry")


def _outcome(events: pl.LazyFrame, people: pl.DataFrame, cohort: CohortSpec) -> pl.Series:
    """What came of each: the outcome over its window, of all that stands now."""
    now = events.filter(pl.col("known_until").is_null()).with_columns(known_at="time")
    windows = people.select(
        "subject_id",
        pl.col("moment") + timedelta(days=cohort.closes),
        (pl.col("moment") + timedelta(days=cohort.opens)).alias("start"),
    )
    return cohort_table(now, windows, FeatureSpec((outcome_feature(cohort),)))["outcome"]

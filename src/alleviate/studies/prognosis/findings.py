"""Everything that a prognosis study found, in numbers and words."""

import platform
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib import metadata, resources

import numpy as np
import polars as pl

from alleviate.models.performance.benefit import decision_curve
from alleviate.models.performance.curve import calibration_curve
from alleviate.models.performance.elsewhere import across_sites, elsewhere, expected_concordance
from alleviate.models.performance.fairness import fairness
from alleviate.models.performance.groups import by_groups
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import assessed
from alleviate.models.performance.recalibration import recalibrated
from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.explained.importance import importance
from alleviate.models.prognosis.explained.shapes import shapes
from alleviate.models.prognosis.foresight import Foresight
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import target
from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.packages.findings import Histogram
from alleviate.packages.prognosis_findings import (
    GroupFindings,
    Headline,
    ModelWords,
    PrognosisColumn,
    PrognosisFindings,
    PrognosisVerdict,
    RecalibrationFindings,
    SitesFindings,
    TriedCandidate,
    Validated,
)
from alleviate.reports.numbers import decimals_for, number
from alleviate.studies.prognosis import covering
from alleviate.studies.prognosis.cohort import PrognosisCohort
from alleviate.studies.prognosis.evaluation import Evaluated, judged
from alleviate.studies.prognosis.fitted import fitting_findings
from alleviate.studies.prognosis.steps import Steps

__all__ = ["WORDING", "candidate_words", "prognosis_findings"]

WORDING = tomllib.loads(
    (resources.files("alleviate.studies.prognosis") / "wording.toml").read_text(encoding="utf-8")
)

LIBRARIES = ("alleviate", "numpy", "polars", "scipy", "scikit-learn", "lightgbm", "optuna")
FEW_EVENTS = 100
"""Fewer in the headline's people make measures wide (Collins, Ogundimu & Altman, Stat Med 2016)."""

WORTH = {"auc": 0.5, "c": 0.5, "r2": 0.0}
"""The measure that says whether anything is foreseen, and its value where nothing is."""


def candidate_words(name: str) -> str:
    """A candidate, the blend of the simple ones or the stack of all, as a report names it."""
    return str(WORDING["mixed"][name]) if name in WORDING["mixed"] else CANDIDATES[name].words


def prognosis_findings(
    development: PrognosisCohort,
    later: PrognosisCohort | None,
    foresight: Foresight,
    evaluated: Evaluated,
    steps: Steps,
    budget: Budget,
) -> PrognosisFindings:
    """``development``: the people learned from; ``later``: those of the temporal test, if any.

    ``budget``: for what is fitted again to see over- and underfitting.
    """
    people, study, model = development.people, development.study, foresight.model
    plan, final = study.validation, evaluated.final
    headline, test, judging = _headline(development, later), None, evaluated.repeats
    groups, grouped = covering.grouping(development.groups), development
    covered = covering.coverage_held_out(people, model, evaluated.linear, evaluated.part, groups, plan.seed)
    validations = [_validated("cross-validation" if later is not None else headline, evaluated.repeats)]
    if later is not None:
        predicted = model.predict(later.people.features)
        test = judged(later.people, predicted.estimate, chances=predicted.probabilities)
        validations.insert(0, _validated("temporal", [test]))
        judging, grouped = (test,), later
        covered = covering.coverage_elsewhere(foresight, later.people, covering.grouping(later.groups))
    verdict, reason = _verdict(final["chosen"], validations[0])
    aim = target(people)
    parts = [(own, people.take(rows)) for own, rows in evaluated.parts]
    return PrognosisFindings(
        verdict=verdict,
        reason=reason,
        n_read=development.rows_read,
        n=len(people),
        events=development.events,
        prevalence=float(np.average(aim.y, weights=aim.weight)),
        outcome=asdict(development.outcome),
        model=_model_words(model, final),
        headline=headline,
        validations=tuple(validations),
        candidates=_tried(final, evaluated),
        columns=tuple(_columns(development)),
        missing_outcome=development.missing_outcome,
        warnings=_warnings(development, validations[0], evaluated, steps),
        folds=plan.folds if development.sites is None else len(set(development.sites)),
        repeats=len(evaluated.repeats),
        seed=plan.seed,
        whole=steps.whole,
        fingerprint=development.fingerprint,
        versions=_versions(),
        importance=importance(parts, len(parts)),
        shapes=shapes(model, [own for own, _ in parts], people.features, len(parts), plan.seed),
        fitting=fitting_findings(people, model, evaluated.linear, evaluated.part, plan.seed, budget),
        coverage=covered,
        groups=_groups(grouped, judging, validations[0]),
        sites=_sites(development, evaluated.repeats),
        elsewhere=None if test is None else elsewhere(evaluated.repeats, test),
        recalibration=None if test is None else _recalibration(test, plan.seed),
    )


def _groups(
    cohort: PrognosisCohort, repeats: Sequence[Judged], headline: Validated
) -> tuple[GroupFindings, ...]:
    """Each column of groups; of a risk, who is picked where a risk above the average counts as high."""
    if cohort.groups is None:
        return ()
    labels = {
        name: cohort.groups[name].fill_null(WORDING["unknown"]).to_list() for name in cohort.groups.columns
    }
    found = by_groups(repeats, labels)
    threshold = None
    if headline.events and repeats[0].of_risk:
        first = repeats[0]
        threshold = float(np.clip(round(np.average(first.y, weights=first.weight), 2), 0.01, 0.99))
    seed = cohort.study.validation.seed
    return tuple(
        GroupFindings(
            name,
            cohort.study.labels.get(name, name),
            by_group,
            None if threshold is None else fairness(repeats, labels[name], threshold, seed),
        )
        for name, by_group in found.items()
    )


def _sites(cohort: PrognosisCohort, repeats: Sequence[Judged]) -> SitesFindings | None:
    if cohort.sites is None:
        return None
    what = "trials" if cohort.study.validation.trial else "sites"
    by_site = by_groups(repeats, {what: cohort.sites})[what]
    seed, names = cohort.study.validation.seed, np.asarray(cohort.sites)
    change = {}
    for group in by_site.groups:
        if not group.unjudged:
            own = repeats[0].take(np.flatnonzero(names == group.name))
            change[group.name] = _recalibration(replace(own, part=None), seed)
    return SitesFindings(what, by_site, across_sites(repeats, cohort.sites), change)


def _recalibration(test: Judged, seed: int) -> RecalibrationFindings:
    found = recalibrated(test, seed)
    return RecalibrationFindings(found.chosen.form, found.gain)


def _headline(development: PrognosisCohort, later: PrognosisCohort | None) -> Headline:
    if later is not None:
        return "temporal"
    if development.sites is None:
        return "cross-validation"
    return "trials" if development.study.validation.trial else "sites"


def _validated(name: Headline, repeats: Sequence[Judged]) -> Validated:
    first = repeats[0]
    varied = any(np.ptp(one.p[one.weight > 0]) > 1e-9 for one in repeats)
    counted = first.weight > 0
    assessment = assessed(repeats)
    return Validated(
        name=name,
        n=int(counted.sum()),
        events=float(first.y[counted].sum()) if first.of_risk else None,
        measures=assessment.measures,
        left_out=assessment.left_out,
        expected_auc=_expected(repeats) if first.of_risk and varied else None,
        curve=calibration_curve(repeats) if varied else None,
        benefit=decision_curve(repeats) if first.of_risk and varied else None,
        foreseen=_foreseen(first) if varied else {},
    )


BINS = 20


def _foreseen(judged: Judged) -> dict[str, Histogram]:
    """What people were given, in bins of equal width from the least to the most."""
    counted = judged.weight > 0
    edges = np.linspace(judged.p[counted].min(), judged.p[counted].max(), BINS + 1)
    if judged.of_risk:
        sides = {"with": counted & (judged.y > 0.5), "without": counted & (judged.y <= 0.5)}
    else:
        sides = {"all": counted}
    return {
        side: Histogram(tuple(edges.tolist()), tuple(np.histogram(judged.p[rows], edges)[0].tolist()))
        for side, rows in sides.items()
    }


def _expected(repeats: Sequence[Judged]) -> float:
    return float(np.mean([expected_concordance(judged).value for judged in repeats]))


def _verdict(chosen: str, headline: Validated) -> tuple[PrognosisVerdict, str]:
    words = WORDING["verdict"]
    if chosen == "none":
        return "no-signal", words["none"]
    measure = next(name for name in WORTH if name in headline.measures)
    found = headline.measures[measure]
    shown = {
        "measure": WORDING["measures"][measure],
        "estimate": number(found.estimate, 2),
        "low": number(found.low, 2),
        "high": number(found.high, 2),
        "people": WORDING["headline"][headline.name],
    }
    if found.low > WORTH[measure]:
        return "usable", words["usable"].format(**shown)
    return "no-signal", words["not-shown"].format(**shown)


def _model_words(model: PrognosisModel, final: Mapping[str, object]) -> ModelWords:
    chosen, stability = str(final["chosen"]), final["stability"]
    assert isinstance(stability, Mapping)
    return ModelWords(
        name=chosen,
        words=candidate_words(chosen),
        members={candidate_words(member.name): member.weight for member in model.members},
        parameters=model.complexity,
        offered=len(model.features),
        kept=model.features_kept,
        stability=dict(stability),
        signal_p=float(str(final["signal_p"])),
    )


def _tried(final: Mapping[str, object], evaluated: Evaluated) -> tuple[TriedCandidate, ...]:
    tried = final["tried"]
    assert isinstance(tried, Sequence)
    lines = [
        TriedCandidate(
            name, candidate_words(name), loss, difference, error, share, evaluated.chosen.get(name, 0.0)
        )
        for name, loss, difference, error, _seconds, share in tried
    ]
    return tuple(lines)


def _columns(cohort: PrognosisCohort) -> list[PrognosisColumn]:
    """Who was in it, the outcome first left out: one line a feature, a category's commonest levels in it."""
    frame, lines = cohort.people.features, []
    for feature in cohort.spec.features:
        column = frame[feature.name]
        known = column.drop_nulls()
        lines.append(
            PrognosisColumn(feature.name, feature.words, feature.kind, column.null_count(), _shown(known))
        )
    return lines


MOST_LEVELS = 4


def _shown(known: pl.Series) -> str:
    if not len(known):
        return "–"
    if known.dtype == pl.Boolean:
        return f"{float(known.cast(pl.Float64).to_numpy().mean()):.0%}"
    if not known.dtype.is_numeric():
        counts = known.cast(pl.String).value_counts(sort=True)
        levels = zip(counts.to_series(0).to_list(), counts["count"].to_list(), strict=True)
        told = [f"{level} {n / len(known):.0%}" for level, n in levels]
        more = [f"{len(told) - MOST_LEVELS} more"] if len(told) > MOST_LEVELS else []
        return ", ".join([*told[:MOST_LEVELS], *more])
    values = known.cast(pl.Float64).to_numpy()
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    decimals = decimals_for([spread])
    return f"{number(float(values.mean()), decimals)} ({number(spread, decimals)})"


def _warnings(
    cohort: PrognosisCohort, headline: Validated, evaluated: Evaluated, steps: Steps
) -> tuple[str, ...]:
    words, found = WORDING["warnings"], list(cohort.warnings)
    if headline.events is not None and min(headline.events, headline.n - headline.events) < FEW_EVENTS:
        found.append(words["few_events"].format(events=f"{headline.events:,.0f}"))
    if cohort.sites is None and headline.name != "temporal":
        found.append(words["one_place"])
    slope = headline.measures.get("calibration_slope")
    if slope is not None and (slope.high < 1.0 or slope.low > 1.0):
        key = "too_extreme" if slope.high < 1.0 else "too_timid"
        found.append(words[key].format(slope=number(slope.estimate, 2)))
    chosen = evaluated.final["chosen"]
    if evaluated.chosen.get(chosen, 0.0) < 0.5:
        found.append(words["unstable"].format(share=f"{evaluated.chosen.get(chosen, 0.0):.0%}"))
    if steps.stopped:
        found.append(words["stopped"].format(done=len(steps.done), planned=steps.planned))
    elif not steps.whole:
        found.append(words["out_of_time"].format(done=len(steps.done), planned=steps.planned))
    return tuple(found)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}}

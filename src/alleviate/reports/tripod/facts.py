"""What a prognosis package knows of itself, as words for sentences; what it does not know is left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from alleviate.packages.manifest import Manifest
from alleviate.packages.prognosis_findings import PrognosisFindings, RecalibrationFindings
from alleviate.reports.numbers import count, number
from alleviate.reports.prognosis.assembly import feature_labels
from alleviate.reports.prognosis.outcome import OutcomeScale
from alleviate.reports.prognosis.rankings import WORDS, of_measures
from alleviate.terms.estimates import Estimate
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["Known", "facts"]

MOST_LISTED = 40


@dataclass(frozen=True, slots=True)
class Known:
    """A packaged prognosis: the study as it was run, what it found, and the seal."""

    study: PrognosisStudy
    findings: PrognosisFindings
    manifest: Manifest


def facts(known: Known) -> Mapping[str, str]:
    """Each fact by name, only where it is known: never an empty text."""
    found: dict[str, str | None] = {
        **_people(known),
        **_outcome(known),
        **_features(known),
        **_validation(known),
        **_results(known),
        **_package(known),
    }
    return {name: text for name, text in found.items() if text}


def _people(known: Known) -> dict[str, str | None]:
    study, f = known.study, known.findings
    site_count = len(f.sites.by_site.groups) if f.sites else 0
    return {
        "title": study.title,
        "question": study.question,
        "reference": study.reference,
        "data": study.data.dataset or f"a file of {count(f.n_read)} rows",
        "table": study.data.table,
        "cohort": "yes" if study.cohort else None,
        "n": count(f.n),
        "n_read": count(f.n_read),
        "missing_outcome": count(f.missing_outcome),
        "people": f"{count(f.n)} people"
        + ("" if f.events is None else f", {count(f.events)} with the event"),
        "prevalence": None if f.events is None else f"{f.prevalence:.1%}",
        "site_count": count(site_count) if site_count else None,
        "site_kind": f.sites.what if f.sites else None,
        "cluster": study.sampling.cluster,
        "stratum": study.sampling.stratum,
    }


def _outcome(known: Known) -> dict[str, str | None]:
    outcome, scale = known.study.outcome, OutcomeScale.of(known.findings)
    definitions = {
        "binary": f"column {outcome.name}",
        "numeric": f"the number in column {outcome.name}",
        "ordinal": f"the level in column {outcome.name}, from the lowest: {', '.join(outcome.levels)}",
        "time-to-event": f"time in column {outcome.name}, ending in {outcome.event} = {outcome.occurred}",
    }
    text = definitions[scale.kind]
    if outcome.present is not None:
        text += f", present where it is {outcome.present}"
    if outcome.above is not None:
        text += f", present from {outcome.above:g} on"
    if outcome.competing:
        text += f", precluded by {', '.join(outcome.competing)}"
    outputs = {
        "binary": "The probability of the event, with an interval.",
        "time-to-event": "The probability of the event by the horizon, with an interval.",
        "ordinal": "The probability of each level, and the expected one.",
        "numeric": "The expected value, and a range for the outcome.",
    }
    return {
        "outcome": scale.label,
        "definition": text,
        "horizon": None if outcome.horizon is None else f"{outcome.horizon:g} {outcome.unit}".strip(),
        "output": outputs[scale.kind],
    }


def _features(known: Known) -> dict[str, str | None]:
    study, f = known.study, known.findings
    labels = feature_labels(study, f)
    missing = [f"{labels[c.name]} {c.missing / f.n:.0%}" for c in f.columns if c.missing]
    return {
        "offered": count(f.model.offered),
        "include_how": "named in the study file" if study.include else "every column that may be used",
        "known_after": ", ".join(study.known_after),
        "features": _listed([labels[column.name] for column in f.columns]),
        "changes": ", ".join(f"{name} ({a} less {b})" for name, (a, b) in study.changes.items()),
        "missing_features": _listed(missing) or "none here",
        "characteristics": "; ".join(
            f"{labels[c.name]}: {c.text}{f', {count(c.missing)} missing' if c.missing else ''}"
            for c in f.columns[:MOST_LISTED]
        ),
    }


def _validation(known: Known) -> dict[str, str | None]:
    study, f = known.study, known.findings
    temporal, sites = f.headline == "temporal", f.sites is not None
    plan = study.validation
    return {
        "cv_folds": None if temporal or sites else count(f.folds),
        "repeats": count(f.repeats),
        "later_n": count(f.validations[0].n) if temporal else None,
        "time": plan.time if temporal else None,
        "test_from": f"{plan.test_from:g}" if temporal and plan.test_from is not None else None,
        "headline_people": WORDS["headline"][f.headline],
        "candidates": ", ".join(candidate.words for candidate in f.candidates),
        "model": f.model.words,
        "groups": ", ".join(found.label for found in f.groups),
        "analyses": "; ".join(
            f"{WORDS['headline'][one.name]}: {count(one.n)}"
            + ("" if one.events is None else f", {count(one.events)} with the event")
            for one in f.validations
        ),
        "judged_n": count(f.validations[0].n),
        "judged_events": None if f.validations[0].events is None else count(f.validations[0].events),
    }


def _results(known: Known) -> dict[str, str | None]:
    f = known.findings
    scale, head, fitting = OutcomeScale.of(f), f.validations[0], f.fitting
    lines = of_measures(head, scale)
    return {
        "measures": "; ".join(f"{one.name} {one.shown.point} ({one.shown.interval})" for one in lines),
        "measure_names": ", ".join(one.name for one in lines),
        "decision_curve": ", decision curve" if head.benefit else " only",
        "group_measures": "; ".join(_by_group(f, scale)),
        "across_sites": "; ".join(_across(f)),
        "recalibration": "; ".join(
            f"{where}{WORDS['recalibration'][r.form]}" for where, r in _recalibrated(f)
        ),
        "recalibration_gain": _gain(f),
        "shift": _written(f.elsewhere.mean) if f.elsewhere else None,
        "needed": count(fitting.needed.people) if fitting and fitting.needed else None,
        "fit": fitting.verdict if fitting else None,
        "more_people": fitting.more_people if fitting else None,
        "more_features": fitting.more_features if fitting else None,
        "verdict": WORDS["verdict"][f.verdict],
        "reason": f.reason,
        "warnings": " ".join(f.warnings),
    }


def _package(known: Known) -> dict[str, str | None]:
    f, manifest = known.findings, known.manifest
    return {
        "fingerprint": f.fingerprint,
        "seed": str(f.seed),
        "version": f.versions.get("alleviate"),
        "files": ", ".join(sorted(manifest.files)),
        "signer": manifest.signer,
    }


def _by_group(f: PrognosisFindings, scale: OutcomeScale) -> list[str]:
    name = WORDS["measures"][scale.ranked]["name"]
    return [
        f"{found.label} {group.name}: "
        + ("too small to judge" if group.unjudged else f"{name} {_written(group.measures[scale.ranked])}")
        for found in f.groups
        for group in found.by_group.groups
        if group.unjudged or scale.ranked in group.measures
    ]


def _across(f: PrognosisFindings) -> list[str]:
    if f.sites is None:
        return []
    return [
        f"{WORDS['measures'][name]['name']}: mean {_written(across.mean)}, "
        f"in another {f.sites.what[:-1]} {number(across.prediction.low, 2)} to "
        f"{number(across.prediction.high, 2)}"
        for name, across in f.sites.across.items()
    ]


def _gain(f: PrognosisFindings) -> str | None:
    gains = [
        f"{where}{WORDS['measures'][name]['name']} better by {_written(e, 4)}"
        for where, found in _recalibrated(f)
        if found.form != "none"
        for name, e in found.gain.items()
    ]
    return "; ".join(gains) or None


def _recalibrated(f: PrognosisFindings) -> list[tuple[str, RecalibrationFindings]]:
    """Where recalibration was tested: among later people, or at each site left out."""
    if f.recalibration is not None:
        return [("", f.recalibration)]
    return [] if f.sites is None else [(f"{name}: ", one) for name, one in f.sites.recalibration.items()]


def _written(e: Estimate, decimals: int = 2) -> str:
    low, high = number(e.low, decimals), number(e.high, decimals)
    return f"{number(e.estimate, decimals)} ({low} to {high})"


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")

"""Everything that a study found, put into words and numbers for the report, the JSON and the package."""

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from importlib import metadata, resources

import numpy as np
import polars as pl
from scipy.stats import norm

from alleviate.features import FeatureSpec
from alleviate.models.encoding import EncodedColumn, Encoder
from alleviate.models.forecaster import Forecaster
from alleviate.models.propensity import truncation_bound
from alleviate.models.scores import stay_in_reach
from alleviate.models.trial import Bools, Floats
from alleviate.packages.findings import (
    Candidate,
    Column,
    Findings,
    Histogram,
    Moderator,
    Overlap,
    RuleWords,
    Verdict,
)
from alleviate.policies.candidates import RULES, competing
from alleviate.policies.choice import Choices, choose_arms
from alleviate.policies.selection import Learned
from alleviate.policies.utility import Preferences, look
from alleviate.reports.numbers import Scale, decimals_for, number
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation, default_repeats
from alleviate.studies.harm_findings import harm_findings, weighed_words
from alleviate.studies.missing import missing_findings
from alleviate.studies.routine import balance_findings, routine_findings, routine_warnings
from alleviate.studies.rule_words import describe
from alleviate.studies.short_rules import shortest_findings
from alleviate.studies.sites import site_findings
from alleviate.studies.subgroups import subgroup_findings
from alleviate.terms.estimates import Estimate

__all__ = ["WORDING", "columns", "findings"]

WORDING = tomllib.loads((resources.files("alleviate.studies") / "wording.toml").read_text(encoding="utf-8"))

LIBRARIES = ("alleviate", "numpy", "polars", "scipy", "scikit-learn", "lightgbm")
WELL_SIZED = 300
MUCH_MISSING = 0.2
UNEVEN = 0.1
STABLE = 0.5
FEW_SITES = 10
SPREAD_BINS = 24
MOST_LEVELS = 8
OVERLAP_EDGES = tuple(float(edge) for edge in np.linspace(0.0, 1.0, 21))


def findings(cohort: Cohort, learned: Learned, forecaster: Forecaster, evaluation: Evaluation) -> Findings:
    """``forecaster`` is the final one: ``learned`` with the evaluation's values."""
    study, outcome, arms = cohort.study, cohort.outcome, cohort.arms
    sign = outcome.sign
    best = int(forecaster.value.argmax())
    scale = Scale(outcome.words, outcome.unit, outcome.better, outcome.important or 0.0, bool(outcome.binary))
    verdict, reason = _verdict(evaluation, arms, best, learned.chosen, scale)
    reason += weighed_words(study.harms, scale, WORDING["harms"])
    preferences = Preferences.of(study.harms) or Preferences((), ())
    outlook = look(forecaster, learned.harms, preferences.weights, cohort.trial.features)
    choices = choose_arms(
        outlook.utility, best_arm=best, verdict=verdict, barred=outlook.barred(preferences.limits)
    )
    judged = choices.arm[choices.arm >= 0]
    shares = {arm: float((judged == k).mean()) if len(judged) else 0.0 for k, arm in enumerate(arms)}

    def natural(estimate: Estimate) -> Estimate:
        return estimate if sign > 0 else -estimate

    value = {"rule": natural(evaluation.rule), "best_arm": natural(evaluation.best_arm)}
    gain = {"over_best_arm": evaluation.gain_over_best}
    if cohort.usual is not None:
        value["usual"] = natural(evaluation.arms[cohort.usual])
        gain["over_usual"] = evaluation.gain_over_arm[cohort.usual]
    value |= {arm: natural(evaluation.arms[k]) for k, arm in enumerate(arms)}
    ridge = learned.calibrations.get("ridge")
    balanced = balance_findings(cohort, learned)
    routine = routine_findings(cohort, learned, evaluation, best)
    return Findings(
        n=len(cohort.trial),
        n_read=cohort.rows_read,
        arms={arm: int((cohort.trial.arm == k).sum()) for k, arm in enumerate(arms)},
        missing_outcome=cohort.left_out,
        outcome={
            "name": outcome.name,
            "label": outcome.words,
            "unit": outcome.unit,
            "better": outcome.better,
            "important": outcome.important,
            "binary": outcome.binary,
            "sd": cohort.sd,
        },
        usual=None if cohort.usual is None else arms[cohort.usual],
        assignment=study.treatment.assignment,
        verdict=verdict,
        reason=reason,
        best_arm=arms[best],
        rule=_rule(cohort, learned, forecaster, shares),
        value=value,
        gain=gain,
        contrasts={arm: evaluation.contrasts[best][k] for k, arm in enumerate(arms) if k != best},
        share_per_arm=shares,
        share_abstained=float((choices.arm < 0).mean()),
        strengths=_strengths(choices),
        benefit=_spread(choices),
        heterogeneity={} if ridge is None else {"statistic": ridge.z, "p": float(norm.sf(ridge.z))},
        candidates=tuple(
            Candidate(name, RULES[name].description, evaluation.gains[name], evaluation.chosen[name])
            for name in competing(study.candidates)
        ),
        moderators=_moderators(cohort, forecaster, best),
        columns=columns(
            cohort.trial.features,
            cohort.spec,
            {arm: cohort.trial.arm == k for k, arm in enumerate(arms)},
            forecaster.encoder,
        ),
        dropped=dict(forecaster.encoder.dropped),
        overlap=_overlap(cohort, learned),
        warnings=(
            *_warnings(cohort, learned, evaluation, verdict, shares),
            *routine_warnings(balanced, routine, WORDING["warnings"]),
        ),
        folds=study.validation.folds,
        repeats=study.validation.repeats or default_repeats(len(cohort.trial)),
        seed=study.validation.seed,
        fingerprint=cohort.fingerprint,
        harms=harm_findings(cohort, evaluation, best),
        missing=missing_findings(cohort, learned.plan, best, advised=evaluation.advised),
        sites=site_findings(cohort, evaluation, best),
        subgroups=subgroup_findings(cohort, forecaster.encoder, evaluation, best, WORDING["subgroups"]),
        shortest=shortest_findings(cohort, learned, forecaster, evaluation, WORDING),
        balance=balanced,
        routine=routine,
        versions={"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
    )


def _version(name: str) -> str:
    return metadata.version(name)


def _rule(cohort: Cohort, learned: Learned, forecaster: Forecaster, shares: Mapping[str, float]) -> RuleWords:
    """In words; one from routine care says so wherever it is quoted."""
    rule = describe(cohort, learned.chosen, forecaster, shares, WORDING["rule"])
    if cohort.study.treatment.assignment == "randomised":
        return rule
    return replace(rule, text=f"{rule.text} {WORDING['rule']['routine']}")


def _verdict(
    evaluation: Evaluation, arms: tuple[str, ...], best: int, chosen: str, scale: Scale
) -> tuple[Verdict, str]:
    contrasts = {arm: evaluation.contrasts[best][k] for k, arm in enumerate(arms) if k != best}
    gain = evaluation.gain_over_best
    unit = "percentage points" if scale.binary else scale.unit or "units"
    decimals = scale.decimals([gain, *contrasts.values()])

    def words(kind: str, other: str, estimate: Estimate) -> str:
        shown = scale.gain(estimate, decimals)
        text: str = WORDING["contrast"][kind]
        return text.format(
            best=arms[best], other=other, benefit=shown.size, unit=unit, low=shown.low, high=shown.high
        )

    verdict: Verdict = "equipoise"
    if gain.low > 0 and chosen != "none":
        verdict = "personalise"
    elif all(contrast.low > 0 for contrast in contrasts.values()):
        verdict = "one-for-all"
    kind = "text" if verdict == "one-for-all" else "unsure"
    shown = scale.gain(gain, decimals)
    reason: str = WORDING["verdict"][verdict].format(
        best=arms[best],
        others=" and ".join(contrasts),
        contrasts="; ".join(words(kind, other, estimate) for other, estimate in contrasts.items()),
        gain=shown.point,
        low=shown.low,
        high=shown.high,
        unit=unit,
    )
    return verdict, reason


def _strengths(choices: Choices) -> dict[str, float]:
    judged = [s for s, arm in zip(choices.strength, choices.arm, strict=True) if arm >= 0]
    return {name: judged.count(name) / max(len(judged), 1) for name in ("established", "leaning", "none")}


def _spread(choices: Choices) -> dict[str, Histogram]:
    judged = choices.arm >= 0
    benefit = choices.benefit[judged]
    if not len(benefit):
        return {}
    top = float(benefit.max())
    edges = np.linspace(0.0, top if top > 0 else 1.0, SPREAD_BINS + 1)
    strength = np.array(choices.strength)[judged]
    return {
        str(name): Histogram(tuple(map(float, edges)), _counts(benefit[strength == name], edges))
        for name in ("established", "leaning", "none")
        if (strength == name).any()
    }


def _counts(values: Floats, edges: Floats) -> tuple[int, ...]:
    clipped = np.clip(values, edges[0], edges[-1])
    return tuple(int(count) for count in np.histogram(clipped, bins=edges)[0])


def _moderators(cohort: Cohort, forecaster: Forecaster, best: int) -> tuple[Moderator, ...]:
    """Of the final ridge posterior, whatever learner was chosen; the strongest first."""
    columns = forecaster.encoder.columns
    kinds = {feature.name: feature.kind for feature in cohort.spec.features}
    result = []
    for k, other in enumerate(cohort.arms):
        if k == best:
            continue
        slopes, errors = forecaster.moderation.slopes(best, k)
        for column, slope, error in zip(columns, slopes, errors, strict=True):
            per, factor = _per(column, kinds[column.feature])
            change = Estimate.from_se(slope * factor, error * factor)
            label = cohort.study.labels.get(column.feature, column.feature)
            result.append(Moderator(column.feature, label, per, cohort.arms[best], other, change))
    return tuple(
        sorted(result, key=lambda m: -abs(m.change.estimate) / (m.change.high - m.change.low + 1e-12))
    )


def _per(column: EncodedColumn, kind: str) -> tuple[str, float]:
    """What the change is per, and the factor from a slope per SD."""
    if column.role == "level":
        return f"{column.level} rather than not", 1.0 / column.sd
    if column.role == "missing":
        return "not known rather than known", 1.0 / column.sd
    if kind == "boolean":
        return "yes rather than no", 1.0 / column.sd
    return f"1 SD ({column.sd:.3g}{' days' if kind == 'date' else ''})", 1.0


def columns(
    frame: pl.DataFrame, spec: FeatureSpec, members: Mapping[str, Bools], encoder: Encoder
) -> tuple[Column, ...]:
    """Who was in it: each feature of ``frame``, described for each group of ``members`` (n,).

    Of a category only levels that enough people share are named: rare ones may point at somebody.
    """
    result = []
    for feature in spec.features:
        column = frame[feature.name]
        parts = {name: column.filter(pl.Series(own)) for name, own in members.items()}
        missing = column.null_count()
        if feature.kind == "category":
            shared = [v for v in encoder.levels[feature.name] if v not in encoder.pooled[feature.name]]
            named = shared[:MOST_LEVELS]
            for level in named:
                shares = {name: _share(part == level) for name, part in parts.items()}
                result.append(Column(feature.name, f"{feature.words}: {level}", "category", missing, shares))
            others = column.drop_nulls().n_unique() - len(named)
            if others:
                rest = {name: _share(~part.is_in(named)) for name, part in parts.items()}
                label = f"{feature.words}: {others} other level{'s' if others > 1 else ''}"
                result.append(Column(feature.name, label, "category", missing, rest))
        elif feature.kind == "boolean":
            shares = {name: _share(part) for name, part in parts.items()}
            result.append(Column(feature.name, feature.words, "boolean", missing, shares))
        else:
            show = _mean_date if feature.kind == "date" else _mean
            means = {name: show(part) for name, part in parts.items()}
            result.append(Column(feature.name, feature.words, feature.kind, missing, means))
    return tuple(result)


def _share(flags: pl.Series) -> str:
    known = flags.drop_nulls()
    return f"{known.sum()} ({known.sum() / len(known):.0%})" if len(known) else "–"


def _mean_date(days: pl.Series) -> str:
    """Of days since 1970-01-01, which is how models take dates."""
    known = days.drop_nulls().to_numpy()
    return f"{date(1970, 1, 1) + timedelta(round(known.mean()))}" if len(known) else "–"


def _mean(values: pl.Series) -> str:
    known = values.drop_nulls().to_numpy()
    if not len(known):
        return "–"
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    decimals = decimals_for([spread / 10])  # three digits of the spread
    return f"{number(float(known.mean()), decimals)} ({number(spread, decimals)})"


def _overlap(cohort: Cohort, learned: Learned) -> Overlap:
    n = len(cohort.trial)
    known = cohort.trial.probability is not None
    chances = learned.probability
    bound = 0.0 if known else truncation_bound(n)
    touched = int((stay_in_reach(chances, n, known) != chances).any(axis=1).sum())
    edges = np.array(OVERLAP_EDGES)
    return Overlap(
        source="known" if known else "estimated",
        rule="" if known else "raised to 5 / (√n · ln n) where lower (Gruber et al. 2022)",
        bound=bound,
        truncated=touched,
        by_arm={
            arm: Histogram(OVERLAP_EDGES, _counts(chances[:, k], edges)) for k, arm in enumerate(cohort.arms)
        },
    )


def _warnings(
    cohort: Cohort, learned: Learned, evaluation: Evaluation, verdict: str, shares: Mapping[str, float]
) -> tuple[str, ...]:
    words = WORDING["warnings"]
    result = list(cohort.warnings)
    study, trial = cohort.study, cohort.trial
    gone = cohort.missing_outcome
    given = {arm: int((trial.arm == k).sum()) + cohort.left_out[arm] for k, arm in enumerate(cohort.arms)}
    sizes = {arm: given[arm] - gone[arm] for arm in cohort.arms}
    if study.treatment.assignment == "observational":
        result.append(words["observational"])
    if min(sizes.values()) < WELL_SIZED:
        result.append(words["small"].format(n=min(sizes.values())))
    lost = {arm: gone[arm] / given[arm] for arm in cohort.arms}
    overall = sum(gone.values()) / sum(given.values())
    if overall > MUCH_MISSING:
        kept = "weighted" if study.outcome.missing == "weight" else "missing"
        result.append(words[kept].format(share=f"{overall:.0%}"))
    most, least = max(lost, key=lambda arm: lost[arm]), min(lost, key=lambda arm: lost[arm])
    if lost[most] - lost[least] > UNEVEN:
        shown = {"most_share": f"{lost[most]:.0%}", "least_share": f"{lost[least]:.0%}"}
        result.append(words["uneven"].format(most=most, least=least, **shown))
    overlap = _overlap(cohort, learned)
    if overlap.truncated:
        result.append(words["truncated"].format(n=overlap.truncated, bound=f"{overlap.bound:.3f}"))
    used = sum(share > 0 for share in shares.values())
    if learned.chosen != "none" and evaluation.chosen[learned.chosen] < STABLE:
        result.append(words["unstable"].format(share=f"{evaluation.chosen[learned.chosen]:.0%}"))
    if used > 1 and verdict != "personalise":
        result.append(words["differs"].format(learner=RULES[learned.chosen].description))
    if cohort.usual is None:
        result.append(words["no_usual"])
    if cohort.sites is None:
        result.append(words["single_site"])
    elif len(set(cohort.sites)) < FEW_SITES:
        result.append(words["few_sites"].format(n=len(set(cohort.sites))))
    return tuple(result)

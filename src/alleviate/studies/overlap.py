"""People without a counterpart in some arm are left out before anything is learned."""

from dataclasses import replace

import numpy as np

from alleviate.intake.tables.table import quoted
from alleviate.models.censoring import known_outcome
from alleviate.models.encoding import Encoder
from alleviate.models.propensities import crossfit_propensity
from alleviate.models.scores import balanced_folds, strata
from alleviate.models.trimming import Reach, Trimmed, cut_by_rule, cut_by_share
from alleviate.studies.cohort import FEWEST, Cohort
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["within_overlap"]

FOLDS = 5


def within_overlap(cohort: Cohort) -> Cohort:
    """The people who might have got each arm; everybody in a randomised study that names no ``trim``.

    Only where chances are estimated. Raises ``NotEnoughDataError`` where an arm is left with too few.
    """
    trial, treatment = cohort.trial, cohort.study.treatment
    asked = treatment.trim is not None or treatment.assignment == "observational"
    if trial.probability is not None or not asked:
        return cohort
    encoder = Encoder.fit(trial.features)
    x = encoder.transform(trial.features).x
    rng = np.random.default_rng(cohort.study.validation.seed)
    chances, final = crossfit_propensity(x, trial.arm, trial.arms, balanced_folds(strata(trial), FOLDS, rng))
    cut = cut_by_rule(chances) if treatment.trim is None else cut_by_share(treatment.trim)
    kept = cut.keeps(chances)
    outside = np.flatnonzero(~kept)
    inside = trial.rows(np.flatnonzero(kept))
    known = known_outcome(inside)
    for k, name in enumerate(cohort.arms):
        people = int((known & (inside.arm == k)).sum())
        if people < FEWEST:
            raise NotEnoughDataError(
                f"Only {people} people in the arm {quoted(name)} might have got each of the arms; "
                f"at least {FEWEST} are needed.",
                hint="Nothing was packaged. The arms were given to different people: leave one out, "
                "or name a smaller [treatment] trim.",
            )
    lost = cohort.missing_outcome
    if cohort.study.outcome.missing != "leave-out":
        lost = {name: int((~known & (inside.arm == k)).sum()) for k, name in enumerate(cohort.arms)}
    return replace(
        cohort,
        trial=inside if not known.all() else replace(inside, observed=None),
        sites=None
        if cohort.sites is None
        else tuple(s for s, own in zip(cohort.sites, kept, strict=True) if own),
        control=None if cohort.control is None else cohort.control[kept],
        missing_outcome=lost,
        trimmed=Trimmed(
            Reach(encoder, final, cut),
            trial.features[outside],
            trial.arm[outside],
            float(chances[kept].min()),
        ),
    )

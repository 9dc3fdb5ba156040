"""The shortest rule that does about as well as the best, in words."""

from collections.abc import Mapping
from dataclasses import replace

from alleviate.models.forecaster import Forecaster
from alleviate.packages.shortest_findings import ShortestFindings, ShortRule
from alleviate.policies.selection import Learned
from alleviate.policies.shortest import CHOSEN, SHORT, shortest
from alleviate.studies.cohort import Cohort
from alleviate.studies.evaluation import Evaluation
from alleviate.studies.rule_words import describe

__all__ = ["shortest_findings"]


def shortest_findings(
    cohort: Cohort,
    learned: Learned,
    forecaster: Forecaster,
    evaluation: Evaluation,
    words: Mapping[str, Mapping[str, str]],
) -> ShortestFindings | None:
    """``None`` where rules were not compared. ``forecaster``: the final one, with the evaluation's values."""
    if not evaluation.behind:
        return None
    name = shortest(evaluation.behind)
    taken = learned.chosen if name == CHOSEN else name
    rule = replace(learned.rivals[taken], value=forecaster.value)
    advised = rule.differences(rule.encoder.transform(cohort.trial.features).x).argmax(axis=1)
    shares = {arm: float((advised == k).mean()) for k, arm in enumerate(cohort.arms)}
    return ShortestFindings(
        name=name,
        words=describe(cohort, taken, rule, shares, words["rule"]),
        gain=evaluation.gain_over_best if name == CHOSEN else evaluation.gains[name],
        same=taken == learned.chosen,
        compared=tuple(
            ShortRule(rival, words["shortest"][rival], evaluation.behind[rival])
            for rival in (*SHORT, CHOSEN)
            if rival in evaluation.behind
        ),
    )

"""A rule in words, and as a tree that can be drawn."""

from collections.abc import Mapping
from typing import Any

from alleviate.models.encoding import EncodedColumn
from alleviate.models.forecaster import Forecaster
from alleviate.models.trial import Floats
from alleviate.packages.findings import RuleWords
from alleviate.policies.tree_effects import TreeModel
from alleviate.policies.trees import Split, Tree
from alleviate.studies.cohort import Cohort

__all__ = ["describe"]


def describe(
    cohort: Cohort, chosen: str, forecaster: Forecaster, shares: Mapping[str, float], words: Mapping[str, str]
) -> RuleWords:
    """``shares``: of the people studied, advised each arm."""
    best = cohort.arms[int(forecaster.value.argmax())]
    used = tuple(arm for arm in cohort.arms if shares[arm] > 0) or (best,)
    if chosen == "none" or forecaster.slope == 0.0:
        return RuleWords("one-arm", words["one-arm"].format(best=best), (best,))
    if isinstance(forecaster.effect, TreeModel):
        x = forecaster.encoder.transform(cohort.trial.features).x
        tree = _tree(forecaster.effect.tree, cohort, forecaster, x, x)
        text = _sentence(tree, words)
        return RuleWords("tree", text[:1].upper() + text[1:] + ".", used, tree)
    if len(used) == 1:
        return RuleWords("effects", words["effects_same"].format(best=best), used)
    shown = ", ".join(f"{arm} for {shares[arm]:.0%}" for arm in used)
    return RuleWords("effects", words["effects"].format(shares=shown), used)


def _tree(tree: Tree, cohort: Cohort, forecaster: Forecaster, x: Floats, here: Floats) -> dict[str, Any]:
    if not isinstance(tree, Split):
        # everybody in a leaf has the same differences between the arms
        difference = forecaster.differences(here[:1])[0]
        arm = int(difference.argmax())
        others = [value for k, value in enumerate(difference) if k != arm]
        return {"arm": cohort.arms[arm], "n": len(here), "benefit": float(difference[arm] - max(others))}
    column = forecaster.encoder.columns[tree.feature]
    low = here[:, tree.feature] <= tree.cut
    left = _tree(tree.left, cohort, forecaster, x, here[low])
    right = _tree(tree.right, cohort, forecaster, x, here[~low])
    if "arm" in left and "arm" in right and left["arm"] == right["arm"]:
        # after shrinkage both sides may get the same arm: then there is nothing to ask
        smaller = min(left["benefit"], right["benefit"])
        return {"arm": left["arm"], "n": len(here), "benefit": smaller}
    label = cohort.study.labels.get(column.feature, column.feature)
    test, turned = _test(column, tree.cut, x[:, tree.feature], cohort)
    yes, no = (right, left) if turned else (left, right)
    return {"feature": column.feature, "label": label, "test": test, "yes": yes, "no": no}


def _test(column: EncodedColumn, cut: float, values: Floats, cohort: Cohort) -> tuple[str, bool]:
    """The question in words, and whether "yes" is the upper side."""
    if column.role == "missing":
        return "is not known", True
    if column.role == "level":
        return f"is {column.level}", True
    kind = next(f.kind for f in cohort.spec.features if f.name == column.feature)
    if kind == "boolean":
        return "is yes", True
    below = values[values <= cut].max()
    above = values[values > cut].min()
    return f"is {_between(below, above)} or less", False


def _between(below: float, above: float) -> str:
    """The shortest number that separates the two."""
    for digits in range(1, 17):
        text = f"{(below + above) / 2:.{digits}g}"
        if below <= float(text) < above:
            return f"{float(text):g}" if digits <= 6 else text
    return repr(below)


def _sentence(tree: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if "arm" in tree:
        return words["tree_leaf"].format(arm=tree["arm"])
    test = f"{tree['label']} {tree['test']}"
    yes, no = _sentence(tree["yes"], words), _sentence(tree["no"], words)
    if "arm" not in tree["yes"]:
        yes = f"({yes})"
    if "arm" not in tree["no"]:
        no = f"({no})"
    return words["tree_split"].format(test=test, yes=yes, no=no)

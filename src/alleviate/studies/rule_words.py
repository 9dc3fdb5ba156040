"""A rule in words, and as a tree that can be drawn."""

from collections.abc import Mapping
from datetime import date, timedelta
from math import floor
from typing import Any

from alleviate.models.encoding import EncodedColumn, Encoder
from alleviate.models.forecaster import Forecaster
from alleviate.models.trial import Floats
from alleviate.packages.findings import RuleWords
from alleviate.policies.super_learner import BlendModel
from alleviate.policies.tree_effects import TreeModel
from alleviate.policies.trees import Split, Tree
from alleviate.studies.cohort import Cohort

__all__ = ["describe", "rounded"]


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
        if "arm" in tree:
            return RuleWords("tree", words["effects_same"].format(best=tree["arm"]), used, tree)
        text = _sentence(tree, words)
        return RuleWords("tree", text[:1].upper() + text[1:] + ".", used, tree)
    if len(used) == 1:
        return RuleWords("effects", words["effects_same"].format(best=used[0]), used)
    shown = ", ".join(f"{arm} for {shares[arm]:.0%}" for arm in used)
    text = words["effects"].format(shares=shown)
    if isinstance(forecaster.effect, BlendModel):
        parts = sorted(forecaster.effect.parts, key=lambda part: -part.weight)
        listed = ", ".join(f"{part.learner} {part.weight:.0%}" for part in parts)
        text += " " + words["blend"].format(parts=listed)
    return RuleWords("effects", text, used)


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
    feature = next(feature for feature in cohort.spec.features if feature.name == column.feature)
    test, turned = _test(column, feature.kind, tree.cut, x[:, tree.feature], forecaster.encoder)
    yes, no = (right, left) if turned else (left, right)
    return {"feature": feature.name, "label": feature.words, "test": test, "yes": yes, "no": no}


def _test(column: EncodedColumn, kind: str, cut: float, values: Floats, encoder: Encoder) -> tuple[str, bool]:
    """The question in words, and whether "yes" is the upper side."""
    if column.role == "missing":
        return "is not known", True
    if column.role == "level":
        level = str(column.level)
        pooled = [level] if level in encoder.levels[column.feature] else encoder.pooled[column.feature]
        return f"is {' or '.join(pooled)}", True
    if kind == "boolean":
        return "is yes", True
    if kind == "date":
        return f"is {date(1970, 1, 1) + timedelta(floor(cut))} or earlier", False
    gap = float(values[values > cut].min() - values[values <= cut].max())
    return f"is {rounded(cut, gap)} or less", False


def rounded(cut: float, gap: float) -> str:
    """The cut, as short as can be within a tenth of the gap around it, in which nobody studied lay."""
    texts = (f"{cut:.{decimals}f}" for decimals in range(17))
    return next((text for text in texts if abs(float(text) - cut) <= gap / 10), repr(cut))


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

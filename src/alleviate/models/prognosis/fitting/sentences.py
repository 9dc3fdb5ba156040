"""What more patients, or more features, would bring: a plain sentence each, in the words of a data file."""

from alleviate.models.prognosis.fitting.complexity_path import Path
from alleviate.models.prognosis.fitting.learning_curve import LearningCurve
from alleviate.models.prognosis.fitting.sample_size import Needed
from alleviate.models.prognosis.wording import WORDING

__all__ = ["more_features", "more_people"]

LITTLE = 0.01
"""Share of the error: what falls by less is next to nothing."""


def more_people(n: int, needed: Needed | None, curve: LearningCurve) -> str:
    """``needed`` is ``None`` where nothing was found to foretell, and so no number can be told."""
    words = WORDING["fitting"]["people"]
    kind = "no_rule" if needed is None else "enough" if n >= needed.people else "short"
    first = str(words[kind].format(n=n, needed=None if needed is None else needed.people))
    now = curve.points[-1].held_out
    if curve.twice is None or now <= 0.0:
        return first
    share, low, high = (fall / now for fall in curve.twice)
    kind = "flat" if high < LITTLE else "gain" if low > 0.0 and share >= LITTLE else "unclear"
    shown = {"share": _percent(share), "low": _percent(low), "high": _percent(high)}
    return f"{first} {WORDING['fitting']['more_people'][kind].format(**shown)}"


def more_features(path: Path) -> str:
    """From the path along the number of features."""
    words = WORDING["fitting"]["more_features"]
    k, p = path.points[path.simplest].complexity, path.points[-1].complexity
    kind = "none" if k == 0 else "all" if k == p else "few"
    return str(words[kind].format(k=f"{k:.0f}", p=f"{p:.0f}"))


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"

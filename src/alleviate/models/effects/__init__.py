"""Who gains more, and from which arm: one learner a file, found by itself, behind `EffectLearner`."""

from importlib import import_module
from pkgutil import iter_modules

from alleviate.models.effects.contract import EffectLearner, EffectModel

__all__ = ["LEARNERS", "EffectLearner", "EffectModel"]

_FOUND = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]

LEARNERS: dict[str, EffectLearner] = {
    learner.name: learner
    for learner in sorted(
        (module.LEARNER for module in _FOUND if hasattr(module, "LEARNER")),
        key=lambda found: found.complexity,
    )
}
"""Every learner by its name in a study file, from the simplest: each module here that has a ``LEARNER``."""

"""What an effect model is asked to explain."""

from dataclasses import dataclass

from alleviate.models.trial import Floats

__all__ = ["Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """How much does each column of ``x`` (n, p) add to Σ_k weights_k·effect_k(x), against the average person?

    ``weights`` (n, K), rows summing to 0: 1 for one arm and -1 for another asks for a benefit. ``mean`` (p,):
    the columns' averages over the people learned from. ``linear`` (n, p): what the ridge posterior answers,
    for models that cannot be taken apart exactly.
    """

    x: Floats
    mean: Floats
    weights: Floats
    linear: Floats

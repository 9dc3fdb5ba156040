"""What a study found that started from another population's prognosis."""

from dataclasses import dataclass

from alleviate.models.prognosis.transfer.curve import TransferPoint

__all__ = ["TransferFindings", "TransferWay"]


@dataclass(frozen=True, slots=True)
class TransferWay:
    """``loss`` on people held out (log loss or squared error); ``share`` of the way in the mean of ways."""

    name: str
    words: str
    loss: float
    share: float


@dataclass(frozen=True, slots=True)
class TransferFindings:
    """``source``: its study's name; ``fingerprint``: SHA-256 of its model. ``with_people``: whether those it
    was learned from were at hand.

    ``loss``, ``loss_afresh``: on people held out, of what was learned with the source and without; where it
    is ``refused``, the package holds what was learned without. ``reason``: why it was refused, or kept.
    ``kept``: share of the outer folds that kept it. ``curve``: by number of people learned from.
    """

    source: str
    title: str
    fingerprint: str
    with_people: bool
    ways: tuple[TransferWay, ...]
    loss: float
    loss_afresh: float
    refused: bool
    reason: str
    kept: float
    curve: tuple[TransferPoint, ...]

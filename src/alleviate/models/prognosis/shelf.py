"""The table of candidates, from the simplest."""

from alleviate.models.prognosis.candidates import (
    boosted,
    ebm,
    forest,
    network,
    none,
    ridge,
    selected,
    sequence,
    spline,
)
from alleviate.models.prognosis.contract import Candidate

__all__ = ["CANDIDATES"]

CANDIDATES: dict[str, Candidate] = {
    candidate.name: candidate
    for candidate in (
        none.CANDIDATE,
        ridge.CANDIDATE,
        selected.CANDIDATE,
        spline.CANDIDATE,
        forest.CANDIDATE,
        boosted.CANDIDATE,
        ebm.CANDIDATE,
        network.CANDIDATE,
        sequence.CANDIDATE,
    )
}

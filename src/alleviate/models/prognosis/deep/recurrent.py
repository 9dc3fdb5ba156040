"""A regression on columns, and what the course of events adds to it: time-aware recurrent networks, by numpy.

Of one network, with each event in turn, the oldest first: gates = A[code] + V[code]·value + D[code]·change +
numbers·R; a gated recurrent unit (Cho et al. 2014) takes them into its state, which then fades towards 0 with
the time to the next event, each unit at its own pace (as in GRU-D, Che et al. 2018). What remains at the
moment of the prognosis, times ``head``, is what the course says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.curves import Curves
from alleviate.models.prognosis.deep.sequences import EventSequences
from alleviate.models.prognosis.deep.tensors import packed, unpacked
from alleviate.models.trial import Floats

__all__ = ["PACE", "Course", "course_of"]

PACE = 7.0
"""Days in whose units the time between events is told: log(1 + days / PACE)."""

Layers = Mapping[str, Floats]
"""Of s networks of h units: code, value, change (s, C, 3h); numbers (s, 4, 3h); state (s, h, 3h); fade, head
(s, h); bias (s,); often (s,), which multiplies the log of how many events there are."""


def course_of(layers: Layers, events: EventSequences) -> Floats:
    """(n,) f, the mean over the networks."""
    code, numbers, there, gap = events.padded()
    passed = np.log1p(gap / PACE)
    often = np.log1p(there.sum(axis=1))
    total = np.zeros(len(events))
    for i in range(len(layers["bias"])):
        own = {name: values[i] for name, values in layers.items()}
        fade = np.logaddexp(0.0, own["fade"])
        h = len(fade)
        state = np.zeros((len(events), h))
        for at in range(code.shape[1]):
            event = numbers[:, at]
            gates = own["code"][code[:, at]] + event @ own["numbers"]
            gates += own["value"][code[:, at]] * event[:, :1] + own["change"][code[:, at]] * event[:, 2:3]
            said = state @ own["state"]
            reset, keep = (
                _logistic(gates[:, k * h : (k + 1) * h] + said[:, k * h : (k + 1) * h]) for k in (0, 1)
            )
            new = np.tanh(gates[:, 2 * h :] + reset * said[:, 2 * h :])
            after = (keep * state + (1.0 - keep) * new) * np.exp(-fade * passed[:, at : at + 1])
            state = np.where(there[:, at : at + 1], after, state)
        total += state @ own["head"] + own["bias"] + own["often"] * often
    return total / len(layers["bias"])


def _logistic(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), dtype=float)


@dataclass(frozen=True, slots=True)
class Course:
    """linear = the regression ``line`` on encoded columns + ``centre`` + the last column of x.

    That column is what ``score`` makes of the events: ``scale``·f less ``centre``, so 0 on average over the
    people learned from; 0 stands for a record that is not known.
    """

    line: Curves
    layers: Layers
    scale: float
    centre: float
    complexity: float

    def score(self, events: EventSequences) -> Floats:
        return self.scale * course_of(self.layers, events) - self.centre

    def linear(self, x: Floats) -> Floats:
        return self.line.linear(x) + self.centre + x[:, -1]

    def contributions(self, x: Floats) -> tuple[float, Floats]:
        """Exact: a sum of curves, the course of events as a whole among them."""
        level, added = self.line.contributions(x)
        added[:, -1] += x[:, -1]
        return level + self.centre, added

    def used(self) -> tuple[int, ...]:
        silent = not (np.any(self.layers["head"]) or np.any(self.layers["often"]))
        return self.line.used() if silent else (*self.line.used(), len(self.line.curves) - 1)

    def to_json(self) -> dict[str, Any]:
        return {
            "line": self.line.to_json(),
            "safetensors": packed(self.layers),
            "scale": self.scale,
            "centre": self.centre,
            "complexity": self.complexity,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Course":
        line, layers = Curves.from_json(data["line"]), unpacked(data["safetensors"])
        return cls(line, layers, *(float(data[name]) for name in ("scale", "centre", "complexity")))

"""How networks are learned: many at once, each from its own people, by torch.

Networks of all folds and starts are one stack of matrices, so that a step of all costs little more than one.
Steps are of a fixed number of people drawn anew, so that learning from many takes no longer than from few.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["EVERY", "Lesson", "Stack", "learned"]

RATE = 0.04
EVERY = 10
"""Steps from one look at people held out to the next."""

SMOOTH = 0.9
"""Of the running mean of the weights over steps, which is what is kept (Polyak & Juditsky 1992)."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """``y`` (n,) 0/1 or a standardised number; ``weight`` (n,); ``base`` (m, n): to which f is added, of each

    of m networks; ``people``: of each, the rows to learn from."""

    y: Floats
    weight: Floats
    base: Floats
    people: Sequence[Ints]
    loss: Loss


@dataclass(frozen=True, slots=True)
class Stack:
    """Of m networks at their start: ``matrices``, which are pulled towards 0, and ``shifts``, which are not.

    ``forward``: (layers, rows (m, b)) → f (m, b). ``own``: torch's generator of all random numbers.
    """

    matrices: Mapping[str, Any]
    shifts: Mapping[str, Any]
    forward: Callable[[Mapping[str, Any], Any], Any]
    own: Any


def learned(
    torch: Any, stack: Stack, lesson: Lesson, decay: float, batch: int, steps: int
) -> Iterator[tuple[int, dict[str, Floats]]]:
    """Before the first step, after every so many and after the last: their number, and the layers then."""
    layers = {**stack.matrices, **stack.shifts}
    mean = {name: values.detach().clone() for name, values in layers.items()}
    optimiser = torch.optim.AdamW(
        [
            {"params": list(stack.matrices.values()), "weight_decay": decay},
            {"params": list(stack.shifts.values()), "weight_decay": 0.0},
        ],
        lr=RATE,
    )
    y, weight, base = (
        torch.tensor(each, dtype=torch.float32)
        for each in (lesson.y, lesson.weight / lesson.weight.mean(), lesson.base)
    )
    sizes = torch.tensor([len(rows) for rows in lesson.people])
    most = max(map(len, lesson.people))
    rows = torch.tensor(np.array([np.resize(each, most) for each in lesson.people]))
    yield 0, _plain(mean)
    for step in range(1, steps + 1):
        some = rows.gather(1, (torch.rand(len(rows), batch, generator=stack.own) * sizes[:, None]).long())
        linear = base.gather(1, some) + stack.forward(layers, some)
        if lesson.loss == "numeric":
            apart = 0.5 * (y[some] - linear) ** 2
        else:
            apart = torch.nn.functional.softplus(linear) - y[some] * linear
        optimiser.zero_grad()
        (apart * weight[some]).mean(dim=1).sum().backward()
        optimiser.step()
        with torch.no_grad():
            for name, values in layers.items():
                mean[name].lerp_(values, 1.0 - SMOOTH)
        if step % EVERY == 0 or step == steps:
            yield step, _plain(mean)


def _plain(layers: Mapping[str, Any]) -> dict[str, Floats]:
    return {name: values.numpy().astype(float) for name, values in layers.items()}

"""How the networks over columns are learned: many at once, each from its own people, by torch.

Networks of all folds and starts are one stack of matrices, so that a step of all costs little more.
Steps are of a fixed number of people drawn anew, so that learning from many takes no longer than from few.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from alleviate.models.prognosis.people import Loss
from alleviate.models.trial import Floats, Ints

__all__ = ["EVERY", "Shape", "learned"]

BATCH = 256
RATE = 0.04
EVERY = 10
"""Steps from one look at people held out to the next."""

SMOOTH = 0.9
"""Of the running mean of the weights over steps, which is what is kept (Polyak)."""

Shape = Mapping[str, float]
"""hidden: units of a layer; dropout: share of them silenced at a step; decay: pull of weights towards 0."""


def learned(
    torch: Any,
    z: Floats,
    y: Floats,
    weight: Floats,
    level: Floats,
    people: Sequence[Ints],
    loss: Loss,
    shape: Shape,
    steps: int,
    seed: int,
) -> Iterator[tuple[int, dict[str, Floats]]]:
    """After every so many steps, and the last: their number, and the layers of the m networks then.

    ``z`` (n, p) standardised; ``y`` (n,) 0/1 or a standardised number; ``level`` (m,) to which f is added;
    ``people``: of each network, the rows to learn from.
    """
    own = torch.Generator().manual_seed(seed % 2**63)
    m, p, h = len(people), z.shape[1], int(shape["hidden"])
    inputs, outcome, weights, base = (
        torch.tensor(each, dtype=torch.float32) for each in (z, y, weight / weight.mean(), level[:, None])
    )
    sizes = torch.tensor([len(rows) for rows in people])
    rows = torch.tensor(np.array([np.resize(each, max(map(len, people))) for each in people]))

    def drawn(*size: int, spread: float) -> Any:
        return (torch.randn(*size, generator=own) * spread).requires_grad_()

    def zeros(*size: int) -> Any:
        return torch.zeros(*size, requires_grad=True)

    matrices = {
        "skip": zeros(m, p),
        "w1": drawn(m, p, h, spread=max(p, 1) ** -0.5),
        "w2": drawn(m, h, h, spread=h**-0.5),
        "head": zeros(m, h),
    }
    shifts = {"b1": zeros(m, h), "b2": zeros(m, h), "bias": zeros(m)}
    layers = matrices | shifts
    mean = {name: values.detach().clone() for name, values in layers.items()}
    optimiser = torch.optim.AdamW(
        [
            {"params": list(matrices.values()), "weight_decay": shape["decay"]},
            {"params": list(shifts.values()), "weight_decay": 0.0},
        ],
        lr=RATE,
        foreach=True,
    )
    rate = shape["dropout"]

    def silenced(units: Any) -> Any:
        return units * ((torch.rand(units.shape, generator=own) >= rate) / (1.0 - rate))

    yield 0, _plain(mean)
    for step in range(1, steps + 1):
        at = (torch.rand(m, BATCH, generator=own) * sizes[:, None]).long()
        some = rows.gather(1, at)
        x = inputs[some]
        first = torch.tanh(torch.bmm(x, layers["w1"]) + layers["b1"][:, None])
        first = silenced(first)
        second = first + torch.tanh(torch.bmm(first, layers["w2"]) + layers["b2"][:, None])
        second = silenced(second)
        f = torch.bmm(x, layers["skip"][..., None]) + torch.bmm(second, layers["head"][..., None])
        f = f[..., 0] + layers["bias"][:, None]
        apart = _losses(torch, base + f, outcome[some], loss)
        optimiser.zero_grad()
        (apart * weights[some]).mean(dim=1).sum().backward()
        optimiser.step()
        with torch.no_grad():
            for name, values in layers.items():
                mean[name].lerp_(values, 1.0 - SMOOTH)
        if step % EVERY == 0 or step == steps:
            yield step, _plain(mean)


def _losses(torch: Any, linear: Any, y: Any, loss: Loss) -> Any:
    if loss == "numeric":
        return 0.5 * (y - linear) ** 2
    return torch.nn.functional.softplus(linear) - y * linear


def _plain(layers: Mapping[str, Any]) -> dict[str, Floats]:
    return {name: values.numpy().astype(float) for name, values in layers.items()}

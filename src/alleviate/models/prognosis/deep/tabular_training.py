"""The networks over columns as torch learns them: as ``Network`` computes them, units silenced at random."""

from collections.abc import Mapping
from typing import Any

from alleviate.models.prognosis.deep.stacks import Stack
from alleviate.models.trial import Floats

__all__ = ["BATCH", "Shape", "tabular"]

BATCH = 256

Shape = Mapping[str, float]
"""hidden: units of a layer; dropout: share of them silenced at a step; decay: pull of weights towards 0."""


def tabular(torch: Any, z: Floats, networks: int, shape: Shape, seed: int) -> Stack:
    """Of people ``z`` (n, p), standardised. They start as the level alone."""
    own = torch.Generator().manual_seed(seed % 2**63)
    m, p, h, rate = networks, z.shape[1], int(shape["hidden"]), shape["dropout"]
    inputs = torch.tensor(z, dtype=torch.float32)

    def drawn(*size: int, spread: float) -> Any:
        return (torch.randn(*size, generator=own) * spread).requires_grad_()

    def zeros(*size: int) -> Any:
        return torch.zeros(*size, requires_grad=True)

    def silenced(units: Any) -> Any:
        return units * ((torch.rand(units.shape, generator=own) >= rate) / (1.0 - rate))

    def forward(layers: Mapping[str, Any], rows: Any) -> Any:
        x = inputs[rows]
        first = silenced(torch.tanh(torch.bmm(x, layers["w1"]) + layers["b1"][:, None]))
        added = torch.tanh(torch.bmm(first, layers["w2"]) + layers["b2"][:, None])
        second = silenced(first + added)
        f = torch.bmm(x, layers["skip"][..., None]) + torch.bmm(second, layers["head"][..., None])
        return f[..., 0] + layers["bias"][:, None]

    matrices = {
        "skip": zeros(m, p),
        "w1": drawn(m, p, h, spread=max(p, 1) ** -0.5),
        "w2": drawn(m, h, h, spread=h**-0.5),
        "head": zeros(m, h),
    }
    return Stack(matrices, {"b1": zeros(m, h), "b2": zeros(m, h), "bias": zeros(m)}, forward, own)

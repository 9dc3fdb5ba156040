"""The recurrent networks as torch learns them: as ``course_of`` computes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alleviate.models.prognosis.deep.recurrent import PACE
from alleviate.models.prognosis.deep.sequences import EventSequences
from alleviate.models.prognosis.deep.stacks import Stack

__all__ = ["BATCH", "UNITS", "recurrent"]

BATCH = 128
UNITS = 16


def recurrent(
    torch: Any, events: EventSequences, codes: int, networks: int, dropout: float, seed: int
) -> Stack:
    """They start as the level alone. ``dropout``: share of the last state's units silenced at a step."""
    own = torch.Generator().manual_seed(seed % 2**63)
    m, h = networks, UNITS
    code, numbers, there, gap = events.padded()
    code, there = torch.tensor(code), torch.tensor(there)
    numbers, passed, often = (
        torch.tensor(each, dtype=torch.float32)
        for each in (numbers, np.log1p(gap / PACE), np.log1p(there.sum(dim=1).numpy()))
    )
    networks_first = torch.arange(m)[:, None]

    def drawn(*size: int, spread: float) -> Any:
        return (torch.randn(*size, generator=own) * spread).requires_grad_()

    def zeros(*size: int) -> Any:
        return torch.zeros(*size, requires_grad=True)

    def forward(layers: Mapping[str, Any], rows: Any) -> Any:
        fade = torch.nn.functional.softplus(layers["fade"])[:, None]
        state = torch.zeros(*rows.shape, h)
        for at in range(code.shape[1]):
            here, event, known = code[rows, at], numbers[rows, at], there[rows, at][..., None]
            gates = layers["code"][networks_first, here] + torch.bmm(event, layers["numbers"])
            gates = gates + layers["value"][networks_first, here] * event[..., :1]
            gates = gates + layers["change"][networks_first, here] * event[..., 2:3]
            said = torch.bmm(state, layers["state"])
            reset = torch.sigmoid(gates[..., :h] + said[..., :h])
            keep = torch.sigmoid(gates[..., h : 2 * h] + said[..., h : 2 * h])
            new = torch.tanh(gates[..., 2 * h :] + reset * said[..., 2 * h :])
            after = (keep * state + (1.0 - keep) * new) * torch.exp(-fade * passed[rows, at][..., None])
            state = torch.where(known, after, state)
        state = state * ((torch.rand(state.shape, generator=own) >= dropout) / (1.0 - dropout))
        f = torch.bmm(state, layers["head"][..., None])[..., 0]
        return f + layers["bias"][:, None] + layers["often"][:, None] * often[rows]

    matrices = {
        "code": drawn(m, codes, 3 * h, spread=0.3),
        "value": drawn(m, codes, 3 * h, spread=0.3),
        "change": drawn(m, codes, 3 * h, spread=0.3),
        "numbers": drawn(m, 4, 3 * h, spread=0.3),
        "state": drawn(m, h, 3 * h, spread=h**-0.5),
        "head": zeros(m, h),
        "often": zeros(m),
    }
    paces = torch.linspace(-4.0, 0.0, h).repeat(m, 1).requires_grad_()
    return Stack(matrices, {"fade": paces, "bias": zeros(m)}, forward, own)

"""Torch, found only when asked for, made to give the same numbers always, and left as it was found."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from alleviate.terms.errors import InputError

__all__ = ["torch_alone"]


@contextmanager
def torch_alone(candidate: str) -> Iterator[Any]:
    """Torch on one thread and by deterministic algorithms only. Raises ``InputError`` where it is missing.

    Who draws random numbers does so from a generator of their own.
    """
    try:
        torch: Any = import_module("torch")
    except ImportError:
        raise InputError(
            f"The candidate '{candidate}' needs the package torch, which is not installed.",
            hint=f"Run: pip install 'alleviate[deep]', or leave '{candidate}' out of [learning] candidates.",
        ) from None
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield torch
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)

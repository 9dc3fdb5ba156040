"""How long to wait for a server, and how much to take from it."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """``total`` bounds everything, waiting included; a server's ``Retry-After`` counts up to
    ``longest_wait``. Where the server names no time, waits double from ``first_wait`` on; ``failures`` in a
    row end the attempt. All times in seconds; sizes in bytes, after decompression.
    """

    total: float = 24 * 3600
    first_wait: float = 1.0
    longest_wait: float = 300
    failures: int = 6
    silence: float = 60
    file_size: int = 100 * 10**9
    answer_size: int = 32 * 10**6

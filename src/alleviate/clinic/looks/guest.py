"""Who reads a page, as far as its looks must know."""

from typing import Protocol

from alleviate.clinic.who import Who

__all__ = ["Guest"]


class Guest(Protocol):
    """What of a visit the frame of a page needs: the gate's `Visit` is one."""

    @property
    def who(self) -> Who: ...

    @property
    def csrf(self) -> str: ...

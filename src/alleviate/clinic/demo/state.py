"""How far the making of a demonstration has come: a file beside its vault, so that a cut-off one goes on."""

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from alleviate import __version__
from alleviate.packages.durable import flush_folder
from alleviate.terms.errors import InputError

__all__ = ["Size", "State", "begin", "done", "read_state"]

_FILE = "demo.json"
_FORMAT = 1
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


class Size(msgspec.Struct, frozen=True):
    """How many people: in care now, of the last half year, and before that."""

    current: int = 300
    recent: int = 150
    past: int = 4000


class State(msgspec.Struct, frozen=True, kw_only=True):
    """``now``: the moment at which the clinic stands (UTC). ``password`` is that of all its accounts: nobody
    in it is or was. ``link``: one invitation's last part of the address. ``done``: the steps behind.
    ``lacking``: packages that could not be learned, and why.
    """

    format: int
    version: str
    now: datetime
    seed: int
    size: Size
    password: str
    link: str = ""
    done: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def read_state(folder: Path) -> State | None:
    """What stands; None where nothing was begun. Raises InputError for what this version did not make."""
    try:
        state = msgspec.json.decode((folder / _FILE).read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        raise _strange(folder) from None
    if state.format != _FORMAT or state.version != __version__:
        raise _strange(folder)
    return state


def begin(folder: Path, now: datetime, seed: int, size: Size) -> State:
    """A new one, on the disk."""
    signs = "".join(secrets.choice(_READABLE) for _ in range(16))
    password = "-".join(signs[start : start + 4] for start in range(0, 16, 4))
    state = State(format=_FORMAT, version=__version__, now=now, seed=seed, size=size, password=password)
    _write(folder, state)
    return state


def done(folder: Path, state: State, step: str, **found: Any) -> State:
    """The same with one step behind it, and what that has ``found``, on the disk."""
    after = msgspec.structs.replace(state, done=(*state.done, step), **found)
    _write(folder, after)
    return after


def _write(folder: Path, state: State) -> None:
    draft = folder / f".{_FILE}.draft"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _FILE)
    flush_folder(folder)


def _strange(folder: Path) -> InputError:
    return InputError(
        f"{folder} holds a demonstration of another version, or something else.",
        hint="Remove the folder, or name another with --demo-dir.",
    )

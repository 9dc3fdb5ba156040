"""On which line of a TOML text a key stands, which ``tomllib`` does not tell."""

import re
import tomllib
from collections import Counter

__all__ = ["line_of"]

_HEADER = re.compile(r"^\s*(\[[^\[].*\])\s*(?:#.*)?$")
_ONE_OF_MANY = re.compile(r"^\s*\[\[\s*([\w-]+)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_FENCE = re.compile(r'"""|\'\'\'')


def line_of(text: str, *path: str) -> int | None:
    """Line (from 1) of the deepest table or key that leads to ``path``; ``None`` where none of it is written.

    A plain scan: a key within an inline table is found at the line of that table's own key. The second
    table ``[[stage]]`` is called ``stage 2``.
    """
    met: Counter[str] = Counter()
    best: tuple[int, int | None] = (0, None)
    table: tuple[str, ...] = ()
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if not fenced:
            header, key, another = _HEADER.match(line), _KEY.match(line), _ONE_OF_MANY.match(line)
            found = table
            if another:
                met[another[1]] += 1
                found = table = (f"{another[1]} {met[another[1]]}",)
            elif header:
                found = table = _parts(header[1])
            elif key:
                found = table + _parts(f"{key[1]} = 0")
            if (header or key or another) and len(found) > best[0] and found == path[: len(found)]:
                best = (len(found), number)
        fenced ^= len(_FENCE.findall(line)) % 2 == 1
    return best[1]


def _parts(toml: str) -> tuple[str, ...]:
    """The dotted key of one line, read by the real parser, so that quotes and dots mean the same."""
    parts: list[str] = []
    node: object
    try:
        node = tomllib.loads(toml)
    except (ValueError, RecursionError):
        return ()
    while isinstance(node, dict) and node:
        (key, node), *_ = node.items()
        parts.append(key)
    return tuple(parts)

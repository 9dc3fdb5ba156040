"""On which line of a TOML text a key stands, which ``tomllib`` does not tell."""

import re
import tomllib

__all__ = ["line_of"]

_HEADER = re.compile(r"^\s*(\[[^\[].*\])\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_FENCE = re.compile(r'"""|\'\'\'')


def line_of(text: str, *path: str) -> int | None:
    """Line (from 1) of the deepest table or key that leads to ``path``; ``None`` where none of it is written.

    A plain scan: a key within an inline table is found at the line of that table's own key.
    """
    best: tuple[int, int | None] = (0, None)
    table: tuple[str, ...] = ()
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if not fenced:
            header, key = _HEADER.match(line), _KEY.match(line)
            found = table
            if header:
                found = table = _parts(header[1])
            elif key:
                found = table + _parts(f"{key[1]} = 0")
            if (header or key) and len(found) > best[0] and found == path[: len(found)]:
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

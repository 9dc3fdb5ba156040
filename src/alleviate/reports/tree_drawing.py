"""A decision tree as boxes and lines: from the top down on a page, indented like an outline on a phone."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alleviate.reports.numbers import Scale, Shown, count
from alleviate.terms.estimates import Estimate

__all__ = [
    "Box",
    "Drawing",
    "Leaf",
    "Line",
    "Node",
    "Split",
    "Step",
    "draw_down",
    "draw_indented",
    "leaves",
    "parse",
]

CHARACTER = 8.1
"""Width of a bold character of the 14-pixel lettering, in pixels, on the generous side."""
LEADING, PADDING, GAP, INDENT = 19, 11, 44, 34
WIDE, NARROW, WIDEST_BOX = 720, 340, 250
LEAF_NUMBERS = 2
"""Lines below a leaf's arm: how many people, how much they gain."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question on the way to a leaf, and its answer."""

    label: str
    test: str
    yes: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a path ends: the arm advised, the people studied who end there, and what they gain."""

    path: tuple[Step, ...]
    arm: str
    n: str
    benefit: Shown


@dataclass(frozen=True, slots=True)
class Split:
    label: str
    test: str
    yes: "Node"
    no: "Node"


Node = Split | Leaf


@dataclass(frozen=True, slots=True)
class Box:
    """A box in pixels. ``strong`` lines are bold, ``light`` ones follow; a leaf's numbers come below."""

    node: Node
    x: float
    y: float
    width: float
    strong: tuple[str, ...]
    light: tuple[str, ...]

    @property
    def leaf(self) -> Leaf | None:
        return self.node if isinstance(self.node, Leaf) else None

    @property
    def height(self) -> float:
        lines = len(self.strong) + len(self.light) + (LEAF_NUMBERS if self.leaf else 0)
        return 2 * PADDING + LEADING * lines

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def baseline(self, line: int) -> float:
        """Where the lettering of a line stands, counted from 0."""
        return self.y + PADDING + 14 + LEADING * line


@dataclass(frozen=True, slots=True)
class Line:
    """A line through ``points``, and the place of the answer beside it."""

    points: str
    x: float
    y: float
    yes: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def parse(tree: Mapping[str, object], scale: Scale, path: tuple[Step, ...] = ()) -> Node:
    """The tree of ``RuleWords`` as nodes. A leaf's benefit: a number, an ``Estimate``, or its mapping."""
    if "arm" in tree:
        return Leaf(path, str(tree["arm"]), count(_real(tree["n"])), _benefit(tree["benefit"], scale))
    label, test = str(tree.get("label") or tree["feature"]), str(tree["test"])
    yes, no = (
        parse(_mapping(tree[side]), scale, (*path, Step(label, test, side == "yes")))
        for side in ("yes", "no")
    )
    return Split(label, test, yes, no)


def leaves(node: Node) -> tuple[Leaf, ...]:
    """Every leaf, "yes" before "no"."""
    return (node,) if isinstance(node, Leaf) else leaves(node.yes) + leaves(node.no)


def draw_down(root: Node) -> Drawing:
    """The tree from the top down, ``WIDE`` pixels wide: leaves side by side, each depth in one row."""
    column = WIDE / len(leaves(root))
    tops = [1.0]
    for row in _rows(root):
        tops.append(tops[-1] + GAP + max(_box(node, 0, 0, _width(node, column)).height for node in row))
    boxes: list[Box] = []
    lines: list[Line] = []

    def place(node: Node, left: float, depth: int) -> Box:
        width = _width(node, column)
        box = _box(node, left + (column * len(leaves(node)) - width) / 2, tops[depth], width)
        boxes.append(box)
        if isinstance(node, Split):
            yes = place(node.yes, left, depth + 1)
            no = place(node.no, left + column * len(leaves(node.yes)), depth + 1)
            for child in (yes, no):
                elbow = child.y - GAP / 2
                points = _points(
                    (box.middle, box.bottom),
                    (box.middle, elbow),
                    (child.middle, elbow),
                    (child.middle, child.y),
                )
                lines.append(Line(points, child.middle + 9, child.y - 7, child is yes))
        return box

    place(root, 0, 0)
    return Drawing(WIDE, max(box.bottom for box in boxes) + 2, tuple(boxes), tuple(lines))


def draw_indented(root: Node) -> Drawing:
    """The tree as an outline, ``NARROW`` pixels wide: each answer below its question, a step further in."""
    boxes: list[Box] = []
    lines: list[Line] = []

    def place(node: Node, left: float, top: float) -> tuple[Box, float]:
        box = _box(node, left, top, NARROW - left - 1)
        boxes.append(box)
        bottom = box.bottom
        if isinstance(node, Split):
            trunk = left + INDENT / 2
            for child, is_yes in ((node.yes, True), (node.no, False)):
                below, end = place(child, left + INDENT, bottom + GAP * 0.7)
                lines.append(
                    Line(
                        _points((trunk, box.bottom), (trunk, below.y + 21), (below.x, below.y + 21)),
                        trunk + 9,
                        below.y - 8,
                        is_yes,
                    )
                )
                bottom = end
        return box, bottom

    _, bottom = place(root, 1, 1)
    return Drawing(NARROW, bottom + 2, tuple(boxes), tuple(lines))


def _rows(root: Node) -> Iterator[tuple[Node, ...]]:
    row: tuple[Node, ...] = (root,)
    while row:
        yield row
        row = tuple(child for node in row if isinstance(node, Split) for child in (node.yes, node.no))


def _width(node: Node, column: float) -> float:
    return min(column * len(leaves(node)) - 14, WIDEST_BOX)


def _box(node: Node, x: float, y: float, width: float) -> Box:
    if isinstance(node, Leaf):
        return Box(node, x, y, width, _wrap(node.arm, width), ())
    return Box(node, x, y, width, _wrap(node.label, width), _wrap(node.test, width))


def _wrap(text: str, width: float) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, max(6, int((width - 2 * PADDING) / CHARACTER))))


def _points(*corners: tuple[float, float]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _benefit(value: object, scale: Scale) -> Shown:
    if isinstance(value, Mapping):
        value = Estimate(*(_real(value[key]) for key in ("estimate", "low", "high")))
    if isinstance(value, Estimate):
        return scale.gain(value)
    x = _real(value)
    return scale.gain(Estimate(x, x, x))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a node of a tree, got {value!r}")
    return value


def _real(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError(f"expected a number in a leaf of a tree, got {value!r}")
    return float(value)

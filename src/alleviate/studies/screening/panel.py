"""Moments of people as columns of numbers: which are worth having, and their table."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from alleviate.instruments import INSTRUMENTS
from alleviate.models.screening.learning import Panel
from alleviate.models.screening.screen import Target
from alleviate.packages.screening import Variable
from alleviate.studies.screening.asking import default_asking
from alleviate.studies.screening.moments import Moment, oriented

__all__ = ["panel_of", "variables_of"]

LEAST_KNOWN = 20
"""What is known of fewer people is no variable."""

MOST_DIAGNOSES = 8

Seen = Sequence[tuple[int, Moment]]
"""Who was seen (a number for each person), and what was known then."""


def variables_of(seen: Seen) -> tuple[Variable, ...]:
    """What is known of enough people, and not the same of all."""
    short = {
        f"item {INSTRUMENTS[name].item(id).code}"  # type: ignore[union-attr]  # the file was checked
        for name, version in default_asking().instruments.items()
        for id in version.short
    }
    people: dict[str, set[int]] = {}
    values: dict[str, set[float]] = {}
    for person, moment in seen:
        for name, value in moment.known.values.items():
            people.setdefault(name, set()).add(person)
            values.setdefault(name, set()).add(value)
    enough = {name for name, of in people.items() if len(of) >= LEAST_KNOWN}
    diagnoses = Counter({name: len(people[name]) for name in enough if name.startswith("had ")})
    common = {name for name, _ in sorted(diagnoses.items(), key=lambda at: (-at[1], at[0]))[:MOST_DIAGNOSES]}
    found = [
        _variable(name) for name in sorted(enough) if name in common or _plain(name, values[name], short)
    ]
    order = ("total", "before", "item", "age", "female", "diagnosis")
    return tuple(sorted(found, key=lambda variable: (order.index(variable.kind), variable.name)))


def _plain(name: str, values: set[float], short: set[str]) -> bool:
    """Whether it is no diagnosis, differs among people, and is no answer beside those of a short form."""
    if name.startswith("had ") or len(values) < 2:
        return False
    return name in short or not name.startswith("item ")


def _variable(name: str) -> Variable:
    if name in ("age", "female"):
        return Variable(name, name)  # type: ignore[arg-type]
    first, _, rest = name.partition(" ")
    if first == "before":
        return Variable(name, "before", rest)
    if first == "item":
        return Variable(name, "item", rest)
    return Variable(name, "diagnosis", rest) if first == "had" else Variable(name, "total", name)


def panel_of(seen: Seen, variables: tuple[Variable, ...]) -> Panel:
    """Who has some diagnosis on record is known not to have the others; who has none, is not."""
    column = {variable.name: j for j, variable in enumerate(variables)}
    x = np.full((len(seen), len(variables)), np.nan)
    diagnoses = [j for j, variable in enumerate(variables) if variable.kind == "diagnosis"]
    for row, (_, moment) in enumerate(seen):
        if any(name.startswith("had ") for name in moment.known.values):
            x[row, diagnoses] = 0.0
        for name, value in moment.known.values.items():
            if name in column:
                x[row, column[name]] = value
    targets = tuple(_target(variable.of, column) for variable in variables if variable.kind == "total")
    targets = tuple(target for target in targets if INSTRUMENTS[target.name].caseness)
    asked = np.array([[target.name in moment.asked for target in targets] for _, moment in seen])
    return Panel(x, np.array([person for person, _ in seen]), asked.reshape(len(seen), -1), targets)


def _target(name: str, column: dict[str, int]) -> Target:
    instrument = INSTRUMENTS[name]
    caseness = instrument.caseness
    threshold = 0.0 if caseness is None else oriented(instrument, caseness.threshold)
    items = tuple(j for item in instrument.items if (j := column.get(f"item {item.code}")) is not None)
    by_sex = {} if caseness is None else caseness.by_sex
    female = column.get("female")
    return Target(
        name,
        column[name],
        threshold,
        items,
        female if by_sex else None,
        tuple((float(sex == "female"), oriented(instrument, cut)) for sex, cut in sorted(by_sex.items())),
    )

"""Many filled questionnaires at once: the fast twin of `Instrument.score`, held equal to it by a test."""

from functools import reduce

import polars as pl

from alleviate.instruments.instrument import Instrument

__all__ = ["score_frame"]

NOTHING = pl.lit(None, dtype=pl.String)


def score_frame(instrument: Instrument, frame: pl.DataFrame) -> pl.DataFrame:
    """Scores a form a row: columns by item id in, ``total, severity, case, flags`` out, in the same order.

    A column that is lacking is missing throughout; ``sex`` (``female``, ``male``) is used where it is there;
    other columns are left out. Raises DataError on an impossible answer.
    """
    answers = pl.DataFrame(
        {item.id: _answers(frame, item.id) for item in instrument.items} | {"sex": _sexes(frame)}
    )
    _check(instrument, answers)
    points = {item.id: _points(instrument, item.id) for item in instrument.items if item.scored}
    flags = [pl.when(pl.col(flag.item) >= flag.at_least).then(pl.lit(flag.name)) for flag in instrument.flags]
    total, severity = pl.lit(None, dtype=pl.Float64), NOTHING
    if instrument.total == "sum":
        total = _total(instrument, points)
        for band in instrument.bands:
            severity = pl.when(total >= band.low).then(pl.lit(band.name)).otherwise(severity)
    for tier in reversed(instrument.tiers):
        raised = [points[id].is_null() | (points[id] == 1) for id in tier.any] or [pl.lit(True)]
        severity = pl.when(pl.any_horizontal(raised)).then(pl.lit(tier.name)).otherwise(severity)
    flags += [
        pl.when(severity == tier.name).then(pl.lit(tier.flag)) for tier in instrument.tiers if tier.flag
    ]
    scored = answers.with_columns(
        total=total,
        severity=severity,
        case=_case(instrument, total),
        flags=pl.concat_list([NOTHING, *flags]).list.drop_nulls(),
    )
    return scored.select("total", "severity", "case", "flags")


def _answers(frame: pl.DataFrame, id: str) -> pl.Series:
    if id in frame.columns:
        return frame[id].cast(pl.Float64)
    return pl.repeat(None, frame.height, dtype=pl.Float64, eager=True)


def _sexes(frame: pl.DataFrame) -> pl.Series:
    if "sex" in frame.columns:
        return frame["sex"].cast(pl.String)
    return pl.repeat(None, frame.height, dtype=pl.String, eager=True)


def _check(instrument: Instrument, answers: pl.DataFrame) -> None:
    for item in instrument.items:
        value = pl.col(item.id)
        bad = ~value.is_between(item.low, item.high) | (value != value.floor()) | value.is_nan()
        for wrong in answers.filter(bad)[item.id].head(1):
            instrument.check(item, wrong)


def _points(instrument: Instrument, id: str) -> pl.Expr:
    (item,) = (item for item in instrument.items if item.id == id)
    value = pl.col(id)
    if item.skip:
        skipped = value.is_null() & (pl.col(item.skip.item) == item.skip.equals)
        value = pl.when(skipped).then(0.0).otherwise(value)
    return item.low + item.high - value if item.reverse else value


def _total(instrument: Instrument, points: dict[str, pl.Expr]) -> pl.Expr:
    rule, sums, known = instrument.missing, [], []
    for ids in instrument.parts:
        part = [points[id] for id in ids]
        answered = pl.sum_horizontal([value.is_not_null() for value in part])
        mean = pl.sum_horizontal(part) / answered
        mean = (mean + 0.5).floor() if rule.by_subscale else mean
        filled = pl.when(answered < len(ids)).then((len(ids) - answered) * mean).otherwise(0.0)
        sums.append(pl.sum_horizontal(part) + filled)
        known.append(answered)
    enough = pl.sum_horizontal(known) >= len(points) - rule.most
    present = [answered > 0 for answered in known] + [points[id].is_not_null() for id in rule.needs]
    total = reduce(pl.Expr.add, sums) * instrument.factor
    return pl.when(enough & pl.all_horizontal(present)).then(total)


def _case(instrument: Instrument, total: pl.Expr) -> pl.Expr:
    if instrument.caseness is None:
        return pl.lit(None, dtype=pl.Boolean)
    threshold = pl.lit(instrument.caseness.threshold)
    for sex, own in instrument.caseness.by_sex.items():
        threshold = pl.when(pl.col("sex") == sex).then(own).otherwise(threshold)
    return total >= threshold if instrument.direction == "higher is worse" else total <= threshold

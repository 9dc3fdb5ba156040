"""Cards of danger: alerts that stand in the clinic, and signs in what a client sent. None is held back."""

from collections.abc import Callable, Sequence
from datetime import datetime

from alleviate.clinic.cds.card import Card, Place, one_line, plain
from alleviate.clinic.cds.danger import Danger
from alleviate.instruments import INSTRUMENTS
from alleviate.progress.alerts import Alert, due
from alleviate.progress.safety import Sign

__all__ = ["danger_cards", "safety_cards"]

Translate = Callable[[str], str]


def safety_cards(
    alerts: Sequence[Alert], now: datetime, place: Place, _: Translate, *, withheld: int = 0
) -> list[Card]:
    """One critical card for the safety alerts that are not resolved; each is on it, none is held back.

    ``withheld``: how many more come from data that the person withholds; that there are some is no secret.
    """
    open_now = due(alerts, now)
    hidden, source = _hidden(withheld, _), place.rules(_)
    if not open_now:
        own = place.link(_("See the record"))
        return [Card(one_line(hidden), "warning", source, hidden, links=own)] if withheld else []
    first, more = open_now[0].alert, len(open_now) - 1
    sign = _("Safety alert: {sign}, answered {day}").format(sign=_sign(first), day=_day(first.sign.time))
    if more:
        sign += _(", and {n} more").format(n=more)
    lines = []
    for standing in open_now:
        alert = standing.alert
        state = _("nobody has taken it") if alert.state == "raised" else _("taken, not resolved")
        late = _(" **Overdue.**") if standing.overdue else ""
        lines.append(
            _("- **{sign}**, answered {day}: {state}; to be answered by {until} UTC.{late}").format(
                sign=plain(_sign(alert)),
                day=_day(alert.sign.time),
                state=state,
                until=f"{standing.deadline:%Y-%m-%d %H:%M}",
                late=late,
            )
        )
    if withheld:
        lines.append(f"- {hidden}")
    lines.append("")
    lines.append(_("An answer raised this by rule. That other answers were 0 is no proof of safety."))
    return [
        Card(
            summary=one_line(sign),
            indicator="critical",
            source=source,
            detail="\n".join(lines),
            links=place.link(_("Answer the alert")),
        )
    ]


def danger_cards(found: Danger, place: Place, _: Translate, *, unchecked: str = "") -> list[Card]:
    """One critical card for the signs in what the client sent; no alert stands behind them here.

    ``unchecked``: why nothing is said of the orders themselves.
    """
    hidden, source, own = _hidden(found.withheld, _), place.rules(_), place.link(_("See the record"))
    if not found.signs:
        return [Card(one_line(hidden), "warning", source, hidden, links=own)] if found.withheld else []
    first, more = found.signs[0], len(found.signs) - 1
    summary = _("Safety sign in what was sent: {sign}, answered {day}").format(
        sign=_called(first), day=_day(first.time)
    )
    if more:
        summary += _(", and {n} more").format(n=more)
    line = _("- **{sign}**, answered {day}")
    lines = [line.format(sign=plain(_called(sign)), day=_day(sign.time)) for sign in found.signs]
    lines += [
        "",
        _("{name} does not hold these answers: no alert stands there, and nobody was asked to act.").format(
            name=plain(place.name)
        ),
        _("Rules raised this from the answers. That other answers were 0 is no proof of safety."),
    ]
    if found.withheld:
        lines += ["", hidden]
    if unchecked:
        lines += ["", _("The orders could not be checked: {why}").format(why=plain(unchecked))]
    return [
        Card(
            summary=one_line(summary),
            indicator="critical",
            source=source,
            detail="\n".join(lines),
            links=own,
        )
    ]


def _hidden(withheld: int, _: Translate) -> str:
    return _("Safety alerts from data that the person withholds: {n}. Ask them.").format(n=withheld)


def _sign(alert: Alert) -> str:
    return _called(alert.sign)


def _called(sign: Sign) -> str:
    instrument = INSTRUMENTS.get(sign.instrument)
    return f"{instrument.abbreviation if instrument else sign.instrument} {sign.flag}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"

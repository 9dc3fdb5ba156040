"""From what the clinic knows of a person to cards: pure, and nothing where nothing is shown."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from alleviate.advice.safety import Concern
from alleviate.clinic.cds.advised import Verdict
from alleviate.clinic.cds.card import Action, Card, Coding, Place, Source, Suggestion, one_line, plain
from alleviate.clinic.patient.followed import Course
from alleviate.decisions import reasons_for
from alleviate.reports.numbers import decimals_for, number, share
from alleviate.terms.estimates import Estimate

__all__ = ["answered", "course_cards", "order_card", "overrides", "suggestion_id"]

Translate = Callable[[str], str]


def course_cards(courses: Sequence[Course], place: Place, _: Translate) -> list[Card]:
    """One card a measure whose course is off track now; the band and the chance are on it."""
    cards = []
    for course in courses:
        last = course.last
        if last.on_track is not False:
            continue
        measure = course.follower.instrument.abbreviation
        summary = _("Off track: {measure} {score}, chance of reliable improvement {chance}").format(
            measure=measure, score=f"{last.score:g}", chance=share(last.p_improve)
        )
        digits = decimals_for([last.end_high - last.end_low])
        lines = [
            _(
                "{measure} on {day}: **{score}**. Expected at the end of treatment: {end} ({low} to {high})."
            ).format(
                measure=measure,
                day=_day(last.at),
                score=f"{last.score:g}",
                end=number(last.end, digits),
                low=number(last.end_low, digits),
                high=number(last.end_high, digits),
            ),
            "",
            *(f"- {plain(reason)}" for reason in last.reasons),
        ]
        if last.stands_out:
            lines += ["", _("Stands out: {what}").format(what=plain("; ".join(last.stands_out)))]
        cards.append(
            Card(
                summary=one_line(summary),
                indicator="warning",
                source=Source(_("{name}: expected course").format(name=place.name), place.base),
                detail="\n".join(lines),
                links=place.link(_("See the course")),
            )
        )
    return cards


def order_card(verdict: Verdict, place: Place, _: Translate) -> Card:
    """That an order is against a hard rule, a limit, or an established advice: both sides, and how sure."""
    proposal, order = verdict.proposal, verdict.order
    other = proposal.option(proposal.first).title if verdict.arm else ""
    if verdict.vetoes:
        summary = _("Safety rule against {order}: {text}").format(
            order=order.name, text=verdict.vetoes[0].text
        )
    else:
        summary = _("{other} is expected to help more than {order}, by more than chance").format(
            other=other, order=order.name
        )
    lines = [_veto(concern) for concern in verdict.vetoes]
    if verdict.arm:
        lines += _contradiction(verdict, other, _)
    lines += ["", _("You decide, with the person. What is said here may be wrong for them.")]
    remove = Action(
        "delete",
        one_line(_("Take the draft order out: {order}").format(order=order.name), 200),
        None,
        order.ref,
    )
    take_out = Suggestion(_("Take this order out, and look at the options"), _UNANSWERED, (remove,))
    return Card(
        summary=one_line(summary),
        indicator="warning",
        source=_source(verdict, place, _),
        detail="\n".join(lines).strip(),
        uuid=_UNANSWERED,
        suggestions=(take_out,) if order.ref else (),
        selection="at-most-one" if order.ref else "",
        overrides=overrides(),
        links=place.link(_("See all options"), "advice"),
    )


def _source(verdict: Verdict, place: Place, _: Translate) -> Source:
    evidence = verdict.proposal.evidence
    if not verdict.arm or evidence is None:
        return place.rules(_)
    topic = Coding(verdict.proposal.versions.package, "urn:alleviate:package", evidence.title)
    return Source(one_line(f"{place.name}: {evidence.title}"), place.base, topic)


def _veto(concern: Concern) -> str:
    """The rule, what called it, and where it comes from."""
    source = f" ({plain(concern.source)})" if concern.source else ""
    because = f" {plain(concern.because)}" if concern.because else ""
    return f"- **{plain(concern.text)}**{because}{source}"


def _contradiction(verdict: Verdict, other: str, _: Translate) -> list[str]:
    proposal = verdict.proposal
    risk = proposal.aim is not None and proposal.aim.risk
    unit = "" if proposal.aim is None or risk else f" {proposal.aim.unit}".rstrip()
    ordered = proposal.option(verdict.arm)
    lines = [""]
    if ordered.behind is not None:
        said = _("**{other}** is expected to be better than {arm} by {by}{unit} (95 %: {ends}).")
        lines.append(
            said.format(
                other=plain(other), arm=plain(ordered.title), unit=unit, **_numbers(ordered.behind, risk)
            )
        )
    if proposal.aim is not None:
        lines += ["", _("Expected: {outcome}").format(outcome=plain(proposal.aim.label)), ""]
    for option in (proposal.option(proposal.first), ordered):
        if option.expected is not None:
            shown = _numbers(option.expected, risk)
            lines.append(f"- {plain(option.title)}: {shown['by']}{unit} ({shown['ends']})")
    lines += _section(_("Reasons for"), proposal.reasons_for)
    lines += _section(_("Reasons against"), proposal.reasons_against)
    lines += _section(_("What is not known"), proposal.unknown)
    if proposal.evidence is not None:
        people = _("{n} people in the study are like this one. Study: {title}.")
        lines += ["", people.format(n=proposal.comparable, title=plain(proposal.evidence.title))]
    return lines


def answered(card: Card, uuid: str) -> Card:
    """The card as it is sent: ``uuid`` is what feedback names it by."""
    named = tuple(replace(one, uuid=suggestion_id(uuid, n)) for n, one in enumerate(card.suggestions))
    return replace(card, uuid=uuid, suggestions=named)


def suggestion_id(card: str, number: int) -> str:
    """Of the suggestion of that number on the card."""
    return str(uuid5(NAMESPACE_URL, f"urn:alleviate:card:{card}:{number}"))


def overrides() -> tuple[Coding, ...]:
    """The reasons that a card offers: those of the clinic's own list that say enough without more words."""
    return tuple(
        Coding(one.code, "urn:alleviate:override", one.text)
        for one in reasons_for("override")
        if not one.needs_words
    )


_UNANSWERED = "00000000-0000-0000-0000-000000000000"
"""In place of the uuid until the card is stored."""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _numbers(estimate: Estimate, risk: bool) -> dict[str, str]:
    scale, mark = (100.0, " %") if risk else (1.0, "")
    digits = decimals_for([scale * (estimate.high - estimate.low)])
    low, middle, high = (number(scale * x, digits) for x in (estimate.low, estimate.estimate, estimate.high))
    return {"by": f"{middle}{mark}", "ends": f"{low} to {high}{mark}"}


def _section(title: str, reasons: Sequence[str]) -> list[str]:
    return ["", f"**{title}**", "", *(f"- {plain(reason)}" for reason in reasons)] if reasons else []

"""The shared decision aid: the same options, in words that people of 11 can read."""

from collections.abc import Callable
from dataclasses import dataclass

from alleviate.advice import safety
from alleviate.clinic.recommending.shown import Frequency, frequency
from alleviate.decisions import Proposal
from alleviate.decisions.parts import Option

__all__ = ["AidOption", "PatientAid", "patient_words"]

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class AidOption:
    """One choice. ``frequency``: so many of 100 people, where the outcome is a risk.

    ``mark``: "could" fit, "not" safe for this person as far as the record tells, or "ask" first.
    """

    arm: str
    title: str
    what: str
    mark: str
    sayings: tuple[str, ...]
    wishes: tuple[str, ...]
    frequency: Frequency | None


@dataclass(frozen=True, slots=True)
class PatientAid:
    """``sure``: how sure anybody can be. ``ask``: what to ask the care team. ``fewer_is_better``: of a
    risk, whether it is something bad. Nothing of it is final."""

    heading: str
    intro: tuple[str, ...]
    sure: tuple[str, ...]
    options: tuple[AidOption, ...]
    ask: tuple[str, ...]
    fewer_is_better: bool = True

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is said, for who measures how hard it is to read."""
        of_options = [
            text for option in self.options for text in (option.what, *option.sayings, *option.wishes)
        ]
        return (*self.intro, *self.sure, *of_options, *self.ask)


def patient_words(proposal: Proposal, translate: Translate = str) -> PatientAid:
    """The options of ``proposal`` for the person themselves, in the order that the care team sees."""
    _ = translate
    if not proposal.options:
        return PatientAid(
            _("Your options"),
            (
                _("We have no figures that fit you right now."),
                _("That says nothing about how well you will do."),
            ),
            (),
            (),
            _ask(_),
        )
    return PatientAid(
        _("Your options"),
        (
            _("Here are the choices your care team sees too."),
            _("You and your care team choose together."),
            _("You can change your mind later."),
            *_measured(proposal, _),
        ),
        _sure(proposal, _),
        tuple(_option(proposal, option, _) for option in proposal.options),
        _ask(_),
        proposal.aim is None or proposal.aim.better == "lower",
    )


def _measured(proposal: Proposal, _: Translate) -> tuple[str, ...]:
    """What the figures are of, and which end of a score is the good one; a risk says so itself."""
    aim = proposal.aim
    if aim is None:
        return ()
    told = (_("What we look at: %s.") % _(aim.label),)
    if aim.risk:
        return told
    return (*told, _("A low score is good.") if aim.better == "lower" else _("A high score is good."))


def _sure(proposal: Proposal, _: Translate) -> tuple[str, ...]:
    first = _(proposal.option(proposal.first).title) if proposal.first else ""
    told: tuple[str, ...]
    match proposal.standing:
        case "established":
            told = (
                _("People like you did better with this one: %s.") % first,
                _("We are quite sure of that. But no one can be sure for one person."),
            )
        case "leaning":
            told = (
                _("One may help a bit more: %s.") % first,
                _("But we are not sure. It could be chance. So what you want counts most."),
            )
        case "equal":
            told = (
                _("As far as we know, they help about the same."),
                _("So choose the one you like best."),
            )
        case "none-safe":
            told = (
                _("None of these seems safe for you right now."),
                _("Talk with your care team about what else there is."),
            )
        case _:
            told = (
                _("There are too few people like you in our figures."),
                _("So we cannot say which helps you most."),
            )
    moved = (_("We put what you wished for first."),) if proposal.reordered else ()
    return (*told, *moved)


def _option(proposal: Proposal, option: Option, _: Translate) -> AidOption:
    found = {each.id: each for each in safety.treatments()}
    known = [found[id] for id in option.treatments if id in found]
    plain = _(known[0].plain) if len(known) == 1 else _("Your care team can tell you what this is.")
    caution = any(concern.level == "caution" for concern in option.concerns)
    mark = "not" if option.barred else "ask" if caution else "could"
    risk = proposal.aim is not None and proposal.aim.risk and option.expected is not None
    shown = frequency(option.expected) if risk and option.expected else None
    return AidOption(
        option.arm,
        _(option.title),
        plain,
        mark,
        _sayings(proposal, option, shown, _),
        tuple(
            (_("This fits your wish: %s.") if wish.meets > 0 else _("This does not fit your wish: %s."))
            % _(wish.wish)
            for wish in option.wishes
            if wish.meets
        ),
        shown,
    )


def _sayings(proposal: Proposal, option: Option, shown: Frequency | None, _: Translate) -> tuple[str, ...]:
    told = []
    aim = proposal.aim
    if option.barred:
        told.append(_("This one does not seem safe for you. Ask your care team why."))
    elif any(concern.level == "caution" for concern in option.concerns):
        told.append(_("Ask your care team first. There is something to check."))
    if shown is not None and aim is not None:
        ends = {"middle": shown.middle, "low": shown.low, "high": shown.high}
        told += [
            _("Think of 100 people like you."),
            _("For about %(middle)s of them: %(what)s.") % {**ends, "what": _(aim.label)},
            _("It could be %(low)s to %(high)s.") % ends,
        ]
    elif option.expected is not None and aim is not None:
        found = {"middle": option.expected.estimate, "low": option.expected.low, "high": option.expected.high}
        scores = {name: f"{max(value, 0.0):.0f}" for name, value in found.items()}
        told += [
            _("People like you then score about %(middle)s on average.") % scores,
            _("It could be %(low)s to %(high)s.") % scores,
        ]
    return tuple(told)


def _ask(_: Translate) -> tuple[str, ...]:
    return (
        _("What would this be like for me?"),
        _("What could go wrong, and how often?"),
        _("When would I feel better?"),
        _("What if it does not help?"),
        _("What if I wait?"),
    )

"""What a proposal is made of: options, what holds them back, what would change them, what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alleviate.advice.safety import Concern
from alleviate.terms.errors import DataError
from alleviate.terms.estimates import Estimate

__all__ = [
    "Aim",
    "Begun",
    "Change",
    "Evidence",
    "Gap",
    "HarmShown",
    "Option",
    "OptionKind",
    "Passed",
    "Prospect",
    "Versions",
    "Wanted",
    "WishShown",
]

OptionKind = Literal["talking", "medicine", "other", "mixed", "unknown"]


@dataclass(frozen=True, slots=True)
class HarmShown:
    """A harm that the study weighed or limited: what is expected under one option. ``risk``: from 0 to 1."""

    words: str
    expected: Estimate
    unit: str
    risk: bool


@dataclass(frozen=True, slots=True)
class WishShown:
    """How an option meets one wish of the person: 1 meets it, -1 goes against it, 0 cannot be said."""

    about: str
    wish: str
    meets: int
    text: str


@dataclass(frozen=True, slots=True)
class Option:
    """One treatment as it is shown. ``treatments``: what it stands for, by our names, where we know them.

    ``expected`` outcome and ``behind`` (how much worse than the option that the figures put first, larger is
    worse) in outcome units; None where the study cannot say. ``shown_worse``: that is more than chance.
    ``comparable``: people like this one in the study who had it. ``advised``: among those to be accepted;
    ``barred``: by a hard rule, of every treatment that it stands for.
    """

    arm: str
    title: str
    kind: OptionKind
    treatments: tuple[str, ...]
    expected: Estimate | None
    behind: Estimate | None
    shown_worse: bool
    comparable: int
    advised: bool
    barred: bool = False
    harms: tuple[HarmShown, ...] = ()
    concerns: tuple[Concern, ...] = ()
    wishes: tuple[WishShown, ...] = ()

    def to_wishes(self) -> int:
        """By how many wishes it is nearer to what the person wants."""
        return sum(each.meets for each in self.wishes)


@dataclass(frozen=True, slots=True)
class Change:
    """The nearest other value of one feature at which the figures put ``arm`` first. It speaks of the model.

    ``steps``: how far that is, in standard deviations of the people studied; None for what has no distance.
    """

    feature: str
    label: str
    now: str
    then: str
    arm: str
    steps: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something not known of the person. ``flips``: share (0 to 1) of plausible values that change it.

    ``narrows``: by what share of its width the interval of the benefit gets narrower on average; ``opens``:
    whether any advice can be given once it is known, where none can now.
    """

    feature: str
    label: str
    flips: float
    narrows: float
    opens: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the study behind it found: ``value`` and ``gain`` as in its findings, with intervals."""

    study: str
    title: str
    question: str
    reference: str
    n: int
    randomised: bool
    verdict: str
    reason: str
    best_arm: str
    value: Mapping[str, Estimate]
    gain: Mapping[str, Estimate]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be better, and when it is looked at: ``opens`` to ``closes`` days after the start.

    ``feature``: how the record tells it, as a study file writes it. ``start``: code of the event that
    begins a treatment; ``arms``: the word (or code, ``by_code``) of that event → the option's arm; what is
    not in it is an arm itself. ``reliable``: points of change beyond the instrument's error, None: unknown.
    ``scale``: the least and the most that there can be, where there are such ends.
    """

    label: str
    unit: str
    better: Literal["lower", "higher"]
    important: float
    risk: bool
    feature: Mapping[str, Any]
    start: str
    by_code: bool
    arms: Mapping[str, str]
    opens: int
    closes: int
    reliable: float | None = None
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.opens <= self.closes:
            raise DataError(
                f"An outcome is looked at from {self.opens} to {self.closes} days after the start.",
                hint="It opens at 0 or later, and not after it closes.",
            )


@dataclass(frozen=True, slots=True)
class Begun:
    """A treatment that is running already: since when (ISO 8601 day)."""

    title: str
    since: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a prognosis foresees, whatever is done as a matter of course; ``reason`` where it cannot say.

    ``likely``: the levels that cannot be ruled out, of an outcome that has levels.
    """

    package: str
    seal: str
    title: str
    label: str
    unit: str
    risk: bool
    expected: Estimate | None
    reason: str = ""
    reasons: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """A package that has nothing to say of this person, and why."""

    name: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish as the record has it: ``choice`` is ours for it, "" where the words fit none of ours."""

    about: str
    choice: str
    words: str
    since: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What it was worked out by. ``seal``: SHA-256 of the package's manifest; ``signer``: of its key.

    ``record``: SHA-256 of the events that were read; ``revision``: of the person's record in the vault;
    ``rules``: SHA-256 of the hard rules; ``wording``: of the sentences it was first shown in, "" unknown.
    """

    alleviate: str
    package: str
    seal: str
    signer: str
    record: str
    revision: int
    rules: str
    wording: str = ""

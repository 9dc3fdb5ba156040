"""Notes in plain words, from a grammar, and what each of their sentences claims."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from alleviate.records.synthetic.course import Answers
from alleviate.records.synthetic.person import Person
from alleviate.records.synthetic.settings import NOTES, Treatment

__all__ = ["Claim", "Note", "Writer"]

_FACTS, _FRAMES = NOTES["facts"], NOTES["frames"]
_OF_PHQ9 = {
    "low_mood": 1,
    "loss_of_interest": 0,
    "insomnia": 2,
    "fatigue": 3,
    "poor_appetite": 4,
    "worthlessness": 5,
    "poor_concentration": 6,
}
_WORRY, _DEATH = 2, 8
_WINTER = {11, 12, 1, 2}
_CHANGED_MUCH = 6
_CHANGED = 3  # points of PHQ-9 that a note calls a change
_HAZARDOUS = {True: 3, False: 4}  # AUDIT-C, by whether a woman


@dataclass(frozen=True, slots=True)
class Claim:
    """What one sentence says: ``assertion`` is present, mild, absent, past or family."""

    concept: str
    assertion: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Note:
    """A text, and its claims in the order of the sentences."""

    text: str
    claims: tuple[Claim, ...]


@dataclass(slots=True)
class Writer:
    """Writes the notes of one person, and avoids the sentences that it used last."""

    person: Person
    treatment: Treatment
    random: np.random.Generator
    recent: list[str] = field(default_factory=list)
    slots: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What stays the same from note to note."""
        age = str(int(self.random.integers(15, 19)))
        relative = self._any(_FRAMES["relatives"])
        self.slots |= {
            "age": age,
            "hobby": self._any(_FRAMES["hobbies"]),
            "relative": relative,
            "Relative": relative.capitalize(),
            "protective": self._any(_FRAMES["protective"]),
            "self": _FRAMES["female" if self.person.female else "male"],
            "years": str(int(self.random.integers(2, 12))),
            "title": self.treatment.title[0].lower() + self.treatment.title[1:],
            "medicine": self.treatment.name,
        }

    def assessment(self, answers: Answers, month: int) -> Note:
        """The note of the first appointment: history as well as state."""
        person = self.person
        risky = int(answers["audit_c"].sum()) >= _HAZARDOUS[person.female]
        parts: list[Claim | str] = [
            self._frame("opening_assessment"),
            self._frame("first_score"),
            *self._symptoms(answers, most=4),
            *self._occupation(answers),
            self._claim("hazardous_drinking", "present" if risky else "absent"),
            self._claim("trauma", "past" if person.has("trauma") else "absent"),
            self._claim("depression_in_family", "family" if person.family_history else "absent"),
            *([self._claim("bipolar_in_family", "absent")] if self._luck(0.4) else []),
            *self._risk(answers),
            self._claim("suicide_attempt", "past" if person.attempt else "absent"),
            self._frame("closing_assessment"),
        ]
        return self._note(parts, answers, int(answers["phq9"].sum()), 1, month)

    def session(
        self, answers: Answers, first: int, number: int, month: int, *, scored: bool,
        dose: int | None = None, raised: int | None = None,
    ) -> Note:  # fmt: skip
        """The note of a contact; ``dose`` in mg is that of the medicine until now, ``raised`` from now on.

        Where the questionnaires were not ``scored`` the note tells no score.
        """
        self.slots |= {"dose": str(dose), "raised": str(raised)}
        parts: list[Claim | str] = [
            self._frame("opening_session" if dose is None else "opening_medicine"),
            *([self._change(answers, first)] if scored and number > 1 and self._luck(0.6) else []),
            *self._symptoms(answers, most=3),
            *(self._occupation(answers) if self._luck(0.4) else []),
            *([] if dose is None else self._side_effects(number)),
            self._any(_FRAMES["content"][self.treatment.name]),
            *([self._frame("winter")] if month in _WINTER and self._luck(0.12) else []),
            *self._risk(answers),
            *([] if raised is None else [self._frame("raised")]),
            self._frame("closing_session" if dose is None else "closing_medicine"),
        ]
        return self._note(parts, answers, first, number, month)

    def review(self, answers: Answers, first: int, month: int, *, scored: bool) -> Note:
        """The note of the appointment at the end."""
        parts: list[Claim | str] = [
            self._frame("opening_review"),
            *([self._change(answers, first)] if scored else []),
            *self._symptoms(answers, most=4),
            *self._occupation(answers),
            *self._risk(answers),
            self._frame("closing_review"),
        ]
        return self._note(parts, answers, first, 0, month)

    def _note(self, parts: list[Claim | str], answers: Answers, first: int, number: int, month: int) -> Note:
        slots = self.slots | {
            "from": str(first),
            "to": str(int(answers["phq9"].sum())),
            "anxiety": str(int(answers["gad7"].sum())),
            "number": str(number),
            "season": _FRAMES["seasons"][(month - 1) // 3],
            "hours": str(7 - int(answers["phq9"][2])),
        }
        sentences: list[str] = []
        claims: list[Claim] = []
        for part in parts:
            own = slots | {
                "weeks": str(int(self.random.integers(3, 13))),
                "count": str(int(self.random.integers(2, 6))),
            }
            words = part.sentence if isinstance(part, Claim) else part
            sentence = words.format_map(own)
            sentences.append(sentence)
            if isinstance(part, Claim):
                claims.append(Claim(part.concept, part.assertion, sentence))
        return Note(" ".join(sentences), tuple(claims))

    def _symptoms(self, answers: Answers, most: int) -> Iterator[Claim]:
        """Mood, sleep, and some others: an answer of 2 or 3 is present, 1 mild, 0 absent."""
        level = {name: int(answers["phq9"][item]) for name, item in _OF_PHQ9.items()}
        level["worry"] = int(answers["gad7"][_WORRY])
        others = [name for name in level if name not in {"low_mood", "insomnia"}]
        chosen = [str(name) for name in self.random.permutation(others)[: most - 2]]
        for concept in ["low_mood", "insomnia", *chosen]:
            yield self._claim(concept, ("absent", "mild", "present", "present")[level[concept]])

    def _occupation(self, answers: Answers) -> Iterator[Claim]:
        employment = self.person.employment
        if employment == "employed":
            sick = int(answers["wsas"][0]) >= 6
            yield self._claim("off_sick", "present") if sick else self._claim("working", "present")
            if not sick and self._luck(0.2):
                yield self._claim("off_sick", "absent")
        elif employment == "unemployed":
            yield self._claim("working", "absent")
        else:
            concept = {"student": "studying", "retired": "retired", "homemaker": "at_home"}[employment]
            yield self._claim(concept, "present")

    def _risk(self, answers: Answers) -> Iterator[Claim]:
        thoughts = int(answers["phq9"][_DEATH]) > 0
        yield self._claim("suicidal_thoughts", "present" if thoughts else "absent")
        if thoughts:
            yield self._claim("suicidal_plan", "absent")
        elif self._luck(0.4):
            yield self._claim("self_harm", "absent")

    def _side_effects(self, number: int) -> Iterator[Claim]:
        """More of them in the first weeks, and for poor metabolisers of sertraline."""
        sertraline = self.treatment.name == "sertraline"
        table = NOTES["side_effects"][self.treatment.name]
        factor = (2.5 if sertraline and self.person.has("poor") else 1.0) * (1.0 if number < 3 else 0.5)
        if number > 1:
            for concept in self.random.permutation(list(table))[:2]:
                there = self._luck(min(0.9, table[str(concept)] * factor))
                yield self._claim(str(concept), "present" if there else "absent")
            yield self._claim("taking_tablets", "present" if self._luck(0.9) else "absent")

    def _change(self, answers: Answers, first: int) -> str:
        change = int(answers["phq9"].sum()) - first
        if change <= -_CHANGED_MUCH:
            return self._frame("much_better")
        return self._frame("better" if change <= -_CHANGED else "worse" if change >= _CHANGED else "same")

    def _claim(self, concept: str, assertion: str) -> Claim:
        return Claim(concept, assertion, self._any(_FACTS[concept][assertion]))

    def _frame(self, name: str) -> str:
        return self._any(_FRAMES[name])

    def _luck(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def _any(self, sentences: list[str]) -> str:
        """One of them, by preference one that was not used lately."""
        fresh = [sentence for sentence in sentences if sentence not in self.recent] or sentences
        chosen = fresh[int(self.random.integers(len(fresh)))]
        self.recent = [*self.recent[-40:], chosen]
        return chosen

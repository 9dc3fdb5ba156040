"""Questionnaires as a person is asked them: lead-in, questions and answers in words, in their language."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from alleviate.instruments import INSTRUMENTS, Instrument, Item
from alleviate.terms.errors import DataError

__all__ = ["Answers", "Form", "Question", "Section", "form_of", "shown"]

Answers = Mapping[str, float]
"""Answers by the key of their question; a question without an answer is left out."""

_HOME = "en"  # the language in which the instruments' folders word their items


@dataclass(frozen=True, slots=True)
class Question:
    """One item in words. ``key`` ("phq9-9") is its name in forms; ``choices`` are (value, words)."""

    key: str
    item: Item
    words: str
    choices: tuple[tuple[int, str], ...]

    def takes(self, value: float | None) -> bool:
        return self.item.takes(value)

    def chosen(self, answers: Answers) -> str:
        """The words of the answer, or ""."""
        return dict(self.choices).get(int(answers[self.key]), "") if self.key in answers else ""


@dataclass(frozen=True, slots=True)
class Section:
    """One instrument: its questions and what stands above them. ``language`` is that of the words."""

    instrument: Instrument
    language: str
    title: str
    about: str
    stem: str
    source: str
    questions: tuple[Question, ...]

    def answers(self, answers: Answers) -> dict[str, float]:
        """Those of this instrument, by item id."""
        return {q.item.id: answers[q.key] for q in self.asked(answers) if q.key in answers}

    def asked(self, answers: Answers) -> tuple[Question, ...]:
        """Without the questions that an answer makes needless."""
        given = {question.item.id: answers.get(question.key) for question in self.questions}
        return tuple(
            question
            for question in self.questions
            if not ((skip := question.item.skip) and given.get(skip.item) == skip.equals)
        )


@dataclass(frozen=True, slots=True)
class Form:
    """Everything that one invitation asks, in order."""

    sections: tuple[Section, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for section in self.sections for question in section.questions)

    def asked(self, answers: Answers) -> tuple[Question, ...]:
        return tuple(question for section in self.sections for question in section.asked(answers))

    def unanswered(self, answers: Answers) -> tuple[Question, ...]:
        return tuple(question for question in self.asked(answers) if question.key not in answers)

    def section_of(self, key: str) -> Section:
        return next(each for each in self.sections if any(q.key == key for q in each.questions))

    def check(self, key: str, value: float | None) -> Question:
        """The question of this key. Raises DataError where it is not asked, or has no such answer."""
        question = next((each for each in self.questions if each.key == key), None)
        if question is None:
            raise DataError("This questionnaire has no such question.", hint="Open it again.")
        if value is not None and not question.takes(value):
            raise DataError("This question has no such answer.", hint="Choose one of the answers shown.")
        return question


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    about: str
    stem: str
    source: str
    labels: tuple[str, ...] = ()
    items: Mapping[str, str] = {}


@cache
def _wording() -> dict[str, dict[str, _Words]]:
    text = files("alleviate.clinic.mine").joinpath("wording.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, dict[str, _Words]])


def shown(id: str) -> bool:
    """Whether the instrument's wording may be shown, and is here; of others only the score is taken in."""
    instrument = INSTRUMENTS.get(id)
    return (
        instrument is not None
        and id in _wording()
        and all(item.text and item.labels for item in instrument.items)
    )


def form_of(ids: Iterable[str], language: str = _HOME) -> Form:
    """These instruments as one form, in ``language`` where they have it, else English. Raises DataError."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        raise DataError("An invitation asks at least one questionnaire, got none.", hint="Choose one.")
    for id in wanted:
        if not shown(id):
            raise DataError(
                f"The wording of {id!r} may not be shown here, or there is no such questionnaire.",
                hint=f"One of: {', '.join(each for each in INSTRUMENTS if shown(each))}.",
            )
    return Form(tuple(_section(INSTRUMENTS[id], language) for id in wanted))


def _section(instrument: Instrument, language: str) -> Section:
    worded = _wording()[instrument.id]
    language = language if language in worded else _HOME
    words = worded[language]
    questions = tuple(
        Question(
            f"{instrument.id}-{item.id}",
            item,
            words.items.get(item.id) or item.text or item.name,
            tuple((int(item.low) + place, label) for place, label in enumerate(words.labels or item.labels)),
        )
        for item in instrument.items
    )
    return Section(instrument, language, words.title, words.about, words.stem, words.source, questions)

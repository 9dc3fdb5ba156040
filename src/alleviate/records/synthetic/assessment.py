"""What the first appointment puts into the chart: who, history, measurements, wishes, consents, findings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from alleviate.records.synthetic.chart import Chart, Line
from alleviate.records.synthetic.course import Assessment
from alleviate.records.synthetic.person import Person
from alleviate.records.synthetic.settings import MODEL, PEOPLE, Treatment
from alleviate.terms.codes import code

__all__ = ["chart_assessment", "chart_person", "enter_measurement"]

_WORDS = PEOPLE["words"]
_YEAR = 365.25
_LENGTH = timedelta(minutes=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def chart_person(chart: Chart, person: Person, random: np.random.Generator) -> None:
    """Names that cannot be mistaken for anybody's, and the mark that the person is synthetic."""
    names = PEOPLE["names"]
    born, sex = person.born, "female" if person.female else "male"
    registered = person.referred
    chart.enter(
        "Patient", "person", born,
        Line("MEDS_BIRTH"),
        Line("PERSON//synthetic", None, _WORDS["synthetic"]),
        Line("PERSON//sex", None, sex),
        Line("PERSON//family", None, f"Synthetic-{random.choice(names['families'])}"),
        Line("PERSON//given", None, str(random.choice(names["given"]))),
        Line(code("PERSON", "identifier", _WORDS["identifier"]), None, chart.subject_id),
        Line("PERSON//language", None, _pick(random, names["languages"])),
        Line("PERSON//marital", None, _pick(random, names["marital"]), registered),
        Line("PERSON//site", None, person.site.name, registered),
        ref=f"Patient/{chart.subject_id}",
    )  # fmt: skip


def chart_assessment(
    chart: Chart, person: Person, assessment: Assessment, treatment: Treatment, random: np.random.Generator
) -> None:
    """The first appointment, apart from its questionnaires and note."""
    _history(chart, person, assessment, random)
    _illnesses(chart, person, random)
    _measurements(chart, person, random)
    _procedures(chart, person, treatment, random)
    _wishes(chart, person, random)
    _consents(chart, person, random)
    if random.random() < MODEL["people"]["genotyped"]:
        _genes(chart, person, random)


def _history(chart: Chart, person: Person, assessment: Assessment, random: np.random.Generator) -> None:
    comorbid, total = PEOPLE["comorbid"], int(assessment.answers["phq9"].sum())
    onset = _midnight(person.referred - timedelta(weeks=float(random.uniform(4, 60))))
    main = next(band for band in PEOPLE["diagnoses"] if total < band["below"])
    _condition(
        chart, person, main["recurrent" if person.earlier else "first"], onset, severity=main["severity"]
    )
    end = onset
    for _ in range(person.earlier):
        end -= timedelta(days=float(random.uniform(200, 1200)))
        begun = end - timedelta(days=float(random.uniform(*PEOPLE["earlier"]["months"])) * 30)
        _condition(chart, person, PEOPLE["earlier"]["condition"], _midnight(begun), end=_midnight(end))
        end = begun
    if person.has("trauma"):
        later = random.random() < comorbid["trauma_disorder_share"]
        years = float(random.uniform(2, 8) if later else random.uniform(0.6, 0.9) * _age(person))
        _condition(
            chart, person, comorbid["trauma_disorder" if later else "trauma_childhood"],
            _midnight(person.referred - timedelta(days=years * _YEAR)),
        )  # fmt: skip
    for name, there in (
        ("insomnia", person.has("insomnia")),
        ("pain", person.has("pain")),
        ("anxiety", int(assessment.answers["gad7"].sum()) >= comorbid["anxiety_from"]),
        ("panic", random.random() < comorbid["panic_share"]),
        ("adjustment", random.random() < comorbid["adjustment_share"]),
    ):
        if there:
            months = float(random.uniform(2, 40))
            _condition(
                chart, person, comorbid[name], _midnight(person.referred - timedelta(days=30 * months))
            )
    if random.random() < comorbid["refuted_share"]:
        name, title = comorbid["refuted"]
        refuted = (Line("CONDITION//refuted", None, title), Line(f"CODING//{name}"))
        chart.enter("Condition", "condition", person.assessed, *refuted)


def _condition(
    chart: Chart, person: Person, words: list[str], onset: datetime,
    *, end: datetime | None = None, severity: str = "",
) -> None:  # fmt: skip
    """Known from the assessment, however long ago it began."""
    name, title, *snomed = words
    lines = [Line(name, None, title), *(Line(f"CODING//SNOMED//{other}") for other in snomed)]
    if severity:
        lines.append(Line("CONDITION//severity", None, severity))
        lines.append(Line("CONDITION//verification", None, _WORDS["confirmed"]))
    if end:
        lines.append(Line(f"{name}//end", time=end))
    chart.enter("Condition", "condition", onset, *lines, known=person.assessed)


def _illnesses(chart: Chart, person: Person, random: np.random.Generator) -> None:
    for illness in PEOPLE["illnesses"]:
        likely = illness["share"] + illness["per_decade"] * max(0.0, _age(person) - 40) / 10
        if random.random() >= likely:
            continue
        onset = _midnight(person.referred - timedelta(days=float(random.uniform(0.3, 8)) * _YEAR))
        _condition(chart, person, illness["condition"], onset)
        if "medicine" in illness:
            name, title = illness["medicine"]
            chart.enter(
                "MedicationRequest", "medication", onset + timedelta(days=14),
                Line(name, None, title),
                Line("MEDICATION//dose", float(illness["dose"]), _WORDS["unit_dose"]),
                Line("MEDICATION//status", None, _WORDS["active"]),
                known=person.assessed,
            )  # fmt: skip


def _measurements(chart: Chart, person: Person, random: np.random.Generator) -> None:
    employment = Line(PEOPLE["assessment"]["employment_code"], None, person.employment)
    chart.enter("Observation", "measurement", person.assessed, employment)
    for test in PEOPLE["measurements"]:
        if random.random() < test["share"]:
            enter_measurement(chart, test, person.assessed, random)


def enter_measurement(
    chart: Chart, test: dict[str, Any], time: datetime, random: np.random.Generator
) -> None:
    """A measurement; a laboratory's result is known some days after the sample was taken."""
    value = round(max(0.1, float(random.normal(test["mean"], test["spread"]))), 1)
    days = int(random.integers(1, test["late"] + 1)) if test["late"] else 0
    known = time + timedelta(days=days, hours=3 if days else 0)
    chart.enter("Observation", "measurement", time, Line(test["code"], value, test["unit"]), known=known)


def _procedures(chart: Chart, person: Person, treatment: Treatment, random: np.random.Generator) -> None:
    words, ecg = PEOPLE["assessment"], PEOPLE["ecg"]
    chart.enter(
        "Procedure", "procedure", person.assessed, Line(words["screening"], None, words["screening_title"])
    )
    if treatment.medicine and random.random() < ecg["share"]:
        done = [Line(ecg["code"], None, ecg["title"])]
        if random.random() < ecg["not_done"]:
            done = [Line(f"CODING//{ecg['code']}"), Line("PROCEDURE//status", None, _WORDS["not_done"])]
        chart.enter("Procedure", "procedure", person.assessed + timedelta(days=3), *done)


def _wishes(chart: Chart, person: Person, random: np.random.Generator) -> None:
    words, at = PEOPLE["assessment"], person.assessed
    about = words["preferences"][("talk", "tablets", "either").index(person.preference)]
    chart.enter("Observation", "preference", at, Line("PREFERENCE//treatment", None, about))
    if random.random() < words["wish_share"]:
        wish = str(random.choice(words["wishes"]))
        chart.enter("Observation", "preference", at, Line("PREFERENCE//delivery", None, wish))
    for goal in random.choice(words["goals"], int(random.integers(1, 3)), replace=False):
        status = Line("GOAL//status", None, _WORDS["active"])
        chart.enter("Goal", "goal", at, Line("GOAL//set", None, str(goal)), status)


def _consents(chart: Chart, person: Person, random: np.random.Generator) -> None:
    """Each purpose apart; some deny, some leave a kind out, some withdraw later."""
    shares, at = PEOPLE["consent"], person.assessed
    for purpose, share, kind, without in (
        ("care", shares["care"], "", 0.0),
        ("research", shares["research"], "genetic", shares["no_genetic"]),
        ("model-training", shares["training"], "note", shares["no_notes"]),
    ):
        permit = bool(random.random() < share)
        lines = [Line(f"CONSENT//{purpose}", None, "permit" if permit else "deny")]
        if permit and random.random() < without:
            lines.append(Line(f"CONSENT//{purpose}//{kind}", None, "deny"))
        if permit and kind and random.random() < shares["limited"]:
            last = at + timedelta(days=shares["limited_years"] * _YEAR)
            lines.append(Line("CONSENT//until", float((last - _EPOCH).days)))
        chart.enter("Consent", "consent", at, *lines)
        if permit and kind and random.random() < shares["withdraw"]:
            later = at + timedelta(days=int(random.integers(10, 300)), hours=1)
            chart.enter("Consent", "consent", later, Line(f"CONSENT//{purpose}", None, "deny"))


def _genes(chart: Chart, person: Person, random: np.random.Generator) -> None:
    genes = PEOPLE["genes"]
    late = timedelta(days=int(random.integers(*genes["late_days"])), hours=2)
    diplotype = str(random.choice(genes["diplotypes"][person.metaboliser]))
    phenotype = genes["phenotypes"][person.metaboliser]
    for name, words in ((genes["diplotype"], diplotype), (genes["phenotype"], phenotype)):
        chart.enter(
            "Observation", "genetic", person.assessed, Line(name, None, words), known=person.assessed + late
        )


def _pick(random: np.random.Generator, shares: dict[str, float]) -> str:
    return str(random.choice(list(shares), p=list(shares.values())))


def _age(person: Person) -> float:
    return (person.referred - person.born).days / _YEAR


def _midnight(moment: datetime) -> datetime:
    """A history is told in days."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)

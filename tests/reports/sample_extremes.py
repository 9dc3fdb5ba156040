"""Findings at the edges of what a report must bear."""

from dataclasses import replace

from sample_jobs2 import Sample, bell, jobs2

from alleviate.packages.findings import Candidate, Column, Moderator, Overlap, RuleWords
from alleviate.terms.estimates import Estimate
from alleviate.terms.study import DataSource, Treatment

HOSTILE = "<script>alert(1)</script>"
HOSTILE_STYLE = "</style></title><img src=https://evil.example/x onerror=alert(2)>"
HOSTILE_QUOTES = "\"' onload=alert(3) x='"


def observational() -> Sample:
    """Routine care, probabilities estimated and some truncated, usual care a mixture without a name."""
    study, base = jobs2()
    study = replace(
        study,
        name="routine",
        title="Psychodynamic or cognitive therapy in routine care",
        treatment=Treatment(column="treat", usual=None, assignment="observational"),
    )
    tree = {
        "feature": "depress1",
        "label": "depression at the start",
        "test": "is 1.83 or less",
        "yes": {"arm": "booklet", "n": 439, "benefit": 0.05},
        "no": {"arm": "workshop", "n": 460, "benefit": {"estimate": 0.19, "low": 0.07, "high": 0.31}},
    }
    return study, replace(
        base,
        assignment="observational",
        usual=None,
        n_read=940,
        value={
            **{k: v for k, v in base.value.items() if k != "usual"},
            "usual": Estimate(1.744, 1.703, 1.785),
        },
        rule=RuleWords(
            "tree", "The workshop for those who start out more depressed.", ("booklet", "workshop"), tree
        ),
        overlap=Overlap(
            "estimated",
            "Probabilities below 5% are set to 5%.",
            0.05,
            37,
            {"booklet": bell(0.33, 0.14, 899, 0, 1, 40), "workshop": bell(0.67, 0.14, 899, 0, 1, 40)},
        ),
    )


def long_labels() -> Sample:
    """Four arms and columns with names such as a registry exports them."""
    study, base = jobs2()
    arms = {
        "Cognitive behavioural analysis system of psychotherapy (CBASP), 20 sessions": 240,
        "Interpersonal psychotherapy plus clinical management as usual": 231,
        "Escitalopram_10-20mg_with_therapeutic_drug_monitoring_and_weekly_review": 219,
        "Waiting list": 209,
    }
    names = list(arms)
    endless = "baseline_quick_inventory_of_depressive_symptomatology_self_report_total_score_imputed"
    tree = {
        "feature": endless,
        "label": endless,
        "test": "is 17.5 or less on the scale from 0 to 27",
        "yes": {
            "feature": "x",
            "label": "Childhood maltreatment before the age of fifteen, any kind, self-reported",
            "test": "is yes",
            "yes": {"arm": names[0], "n": 201, "benefit": 0.2},
            "no": {"arm": names[1], "n": 301, "benefit": 0.1},
        },
        "no": {
            "feature": "y",
            "label": "age",
            "test": "is 40 or less",
            "yes": {"arm": names[2], "n": 251, "benefit": 0.1},
            "no": {"arm": names[0], "n": 146, "benefit": 0.3},
        },
    }
    return study, replace(
        base,
        arms=arms,
        missing_outcome=dict.fromkeys(arms, 3),
        usual="Waiting list",
        best_arm=names[0],
        value={
            "rule": base.value["rule"],
            "best_arm": base.value["workshop"],
            "usual": Estimate(1.93, 1.85, 2.01),
            names[0]: base.value["workshop"],
            names[1]: Estimate(1.76, 1.69, 1.83),
            names[2]: Estimate(1.79, 1.71, 1.87),
            "Waiting list": Estimate(1.93, 1.85, 2.01),
        },
        contrasts={
            names[1]: Estimate(0.04, -0.05, 0.13),
            names[2]: Estimate(0.07, -0.03, 0.17),
            "Waiting list": Estimate(0.21, 0.11, 0.31),
        },
        share_per_arm=dict.fromkeys(arms, 0.245),
        rule=RuleWords("tree", "See the tree.", tuple(arms), tree),
        columns=tuple(
            Column(
                endless + str(i),
                endless,
                "number",
                1234 if i else 0,
                dict.fromkeys(arms, "12,345.6 (1,234.5)"),
            )
            for i in range(3)
        ),
        moderators=tuple(
            Moderator(
                endless,
                endless,
                "1 SD (4.3 points on the self-report scale)",
                names[0],
                other,
                Estimate(0.02 * i, -0.1, 0.2),
            )
            for i, other in enumerate(names[1:])
        ),
        overlap=Overlap(
            "known", "None was changed.", 0.0, 0, {arm: bell(0.25, 0.03, 899, 0, 1, 20) for arm in arms}
        ),
    )


def hostile() -> Sample:
    """Text that would break out of HTML, attributes and style sheets, wherever a name or a word can stand."""
    study, base = jobs2()
    arm, other = HOSTILE, HOSTILE_QUOTES
    study = replace(
        study,
        name=HOSTILE,
        title=HOSTILE_STYLE,
        question=HOSTILE,
        reference=HOSTILE_STYLE,
        data=DataSource(dataset=HOSTILE),
        treatment=Treatment(column="t", usual=other, assignment="observational"),
    )
    tree = {
        "feature": HOSTILE,
        "label": HOSTILE,
        "test": HOSTILE_QUOTES,
        "yes": {"arm": arm, "n": 10, "benefit": 0.1},
        "no": {"arm": other, "n": 10, "benefit": 0.1},
    }
    return study, replace(
        base,
        arms={arm: 600, other: 299},
        missing_outcome={arm: 1, other: 2},
        assignment="observational",
        usual=other,
        best_arm=arm,
        outcome={**base.outcome, "name": HOSTILE, "label": HOSTILE, "unit": HOSTILE_QUOTES},
        reason=HOSTILE_STYLE,
        rule=RuleWords("tree", HOSTILE, (arm, other), tree),
        value={
            "rule": base.value["rule"],
            "best_arm": base.value["workshop"],
            "usual": base.value["usual"],
            arm: base.value["workshop"],
            other: base.value["usual"],
        },
        contrasts={other: base.contrasts["booklet"]},
        share_per_arm={arm: 0.5, other: 0.5},
        candidates=(Candidate(HOSTILE, HOSTILE_STYLE, Estimate(0, 0, 0), 1.0),),
        moderators=(Moderator(HOSTILE, HOSTILE, HOSTILE_QUOTES, arm, other, Estimate(0.1, 0, 0.2)),),
        columns=(Column(HOSTILE, HOSTILE_QUOTES, "number", 1, {arm: HOSTILE, other: HOSTILE_STYLE}),),
        dropped={HOSTILE: HOSTILE_STYLE},
        warnings=(HOSTILE, HOSTILE_STYLE),
        fingerprint=HOSTILE,
        versions={HOSTILE: HOSTILE_QUOTES},
        overlap=Overlap(
            "estimated",
            HOSTILE,
            0.05,
            0,
            {arm: bell(0.6, 0.1, 899, 0, 1, 20), other: bell(0.4, 0.1, 899, 0, 1, 20)},
        ),
    )


def bare() -> Sample:
    """As little as findings may hold: no usual care, no unit, no label, one repeat, no pictures."""
    study, base = jobs2()
    return replace(study, reference=""), replace(
        base,
        n_read=899,
        missing_outcome={},
        usual=None,
        verdict="one-for-all",
        outcome={"name": "depress2", "better": "higher", "important": 0.13, "binary": False},
        value={k: v for k, v in base.value.items() if k != "usual"},
        gain={"over_best_arm": Estimate(0.01, -0.03, 0.05)},
        benefit={},
        heterogeneity={},
        moderators=(),
        dropped={},
        warnings=(),
        rule=RuleWords("effects", "The better expectation.", ("booklet", "workshop")),
        overlap=Overlap("known", "None was changed.", 0.0, 0, {}),
        repeats=1,
        versions={},
    )

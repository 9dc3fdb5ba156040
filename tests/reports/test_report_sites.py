"""The report's section on sites: each site, all together, another such site."""

from dataclasses import replace

import pytest
from report_page import page_of
from sample_jobs2 import Sample

from alleviate.packages import findings_from_json, findings_to_json
from alleviate.packages.site_findings import SiteComparison, SiteEffect, SiteFindings
from alleviate.terms.estimates import Estimate


def with_sites(sample: Sample, kind: str = "site", comparisons: int = 2) -> Sample:
    study, found = sample
    sites = (
        SiteEffect("Kiel", 40, Estimate(5.0, 1.0, 9.0), Estimate(4.1, 1.6, 6.6)),
        SiteEffect("Jena <1>", 29, Estimate(1.0, -4.0, 6.0), Estimate(2.8, -0.9, 6.5)),
    )
    mean, prediction = Estimate(3.4, 0.8, 6.0), Estimate(3.4, -1.7, 8.5)
    against = next(arm for arm in found.arms if arm != found.best_arm)
    every = (
        SiteComparison("contrast", against, sites, mean, prediction, 2.25, 0.38),
        SiteComparison("gain", found.best_arm, sites, mean, prediction, 0.0, 0.0),
    )
    by_arm = {"Kiel": dict.fromkeys(found.arms, 20), "Jena <1>": dict.fromkeys(found.arms, 9), "Ulm": {}}
    return study, replace(found, sites=SiteFindings(kind, by_arm, 5, every[:comparisons], ("Ulm",)))


def test_each_site_stands_with_both_estimates_and_all_together(samples: dict[str, Sample]) -> None:
    text = page_of(with_sites(samples["anorexia"])).prose
    assert "Does it hold elsewhere: sites and trials" in text
    for part in (
        "The people came from 3 sites of 0 to 60 people each.",
        "family therapy over control",
        "The rule over family therapy for everyone",
        "Kiel",
        "Jena <1>",
        "+5.0 (+1.0 to +9.0)",
        "All sites together",
        "+3.4 +0.8 to +6.0",
        "Another site prediction",
        "\N{MINUS SIGN}1.7 to +8.5",
        "standard deviation of 1.5 lb",
        "I ² = 38% of what is seen to differ",
        "Not shown alone, with fewer than 5 people in a treatment: Ulm.",
    ):
        assert part in text, part


def test_trials_are_called_trials(samples: dict[str, Sample]) -> None:
    assert "leaving out each trial in turn" in page_of(with_sites(samples["anorexia"], "trial")).text


def test_where_no_two_sites_can_be_compared_it_says_so(samples: dict[str, Sample]) -> None:
    text = page_of(with_sites(samples["anorexia"], comparisons=0)).text
    assert "Fewer than two sites have 5 people in every treatment" in text


def test_without_sites_there_is_no_such_section(samples: dict[str, Sample]) -> None:
    assert "Does it hold elsewhere" not in page_of(samples["anorexia"]).text


@pytest.mark.parametrize("kind", ["site", "trial"])
def test_what_was_found_of_sites_comes_back_from_the_package(samples: dict[str, Sample], kind: str) -> None:
    _, found = with_sites(samples["jobs2"], kind)
    assert findings_from_json(findings_to_json(found)).sites == found.sites

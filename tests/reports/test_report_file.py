"""The report as a file: closed in itself, harmless, accessible, always the same."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from report_page import Page, page_of
from sample_extremes import HOSTILE, HOSTILE_QUOTES, HOSTILE_STYLE
from sample_jobs2 import Sample

from alleviate.reports import study_report


def test_it_loads_nothing_and_runs_nothing(sample: Sample) -> None:
    page = page_of(sample)
    assert not {tag for tag, _, _ in page.tags} & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "image",
        "use",
    }
    for tag, attrs, _ in page.tags:
        assert not [
            name for name in attrs if name.startswith("on") or name in {"src", "srcset", "xlink:href"}
        ], tag
        assert attrs.get("href", "#").startswith("#") or attrs["href"] == "data:,"
    assert set(re.findall(r"url\([^)]*\)", page.style)) == {"url(#hatch)"}
    assert "@import" not in page.style
    assert "://" not in page.style
    policy = [
        attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_words_are_shown_and_do_nothing(samples: dict[str, Sample]) -> None:
    html = study_report(*samples["hostile"], package_name=HOSTILE_STYLE)
    page = Page(html)
    assert all(" ".join(words.split()) in page.text for words in (HOSTILE, HOSTILE_STYLE, HOSTILE_QUOTES))
    assert "<script" not in html
    assert "evil" not in {key for _, attrs, _ in page.tags for key in attrs}
    assert html.count("</style>") == 1
    assert all(
        set(content) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \\")
        for content in re.findall(r'content: "(.*)"; font', page.style)
    )


def test_headings_start_at_one_and_skip_no_level(sample: Sample) -> None:
    levels = [level for level, _ in page_of(sample).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_has_words_or_stands_beside_its_numbers(sample: Sample) -> None:
    for tag, attrs, above in page_of(sample).tags:
        if tag == "svg" and "svg" not in above:
            named = attrs.get("role") == "img" and attrs.get("aria-label")
            beside_numbers = attrs.get("aria-hidden") == "true" and {"tr", "li", "body"} & set(above)
            assert named or beside_numbers


def test_every_histogram_has_its_table(samples: dict[str, Sample]) -> None:
    text = page_of(samples["anorexia"]).text
    _, findings = samples["anorexia"]
    assert "People by expected benefit (lb)" in text
    established, leaning, none = (
        findings.benefit[name].counts[6] for name in ("established", "leaning", "none")
    )
    assert f"4.0 to 5.0 {established} {leaning} {none}" in text
    for arm in findings.arms:
        assert f"People by probability of {arm}" in text


def test_the_language_is_named_and_links_lead_somewhere(sample: Sample) -> None:
    page = page_of(sample)
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.all("html") == [{"lang": "en-GB"}]
    assert {attrs["href"][1:] for attrs in page.all("a")} <= set(ids)


def test_it_is_small(sample: Sample) -> None:
    assert len(study_report(*sample, package_name="runs/x").encode()) < 300_000


def test_the_same_findings_give_the_same_bytes_in_another_process(samples: dict[str, Sample]) -> None:
    here = sha256(study_report(*samples["jobs2"], package_name="x").encode()).hexdigest()
    program = (
        "from hashlib import sha256; from sample_jobs2 import jobs2; "
        "from alleviate.reports import study_report; "
        "print(sha256(study_report(*jobs2(), package_name='x').encode()).hexdigest())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    there = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
    )
    assert there.stdout.strip() == here


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_told_apart_as_wcag_asks(samples: dict[str, Sample], scheme: str) -> None:
    style = page_of(samples["jobs2"]).style
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[["light", "dark"].index(scheme)]))
    for ink, paper, least in (
        ("ink", "paper", 7),
        ("soft", "paper", 4.5),
        ("soft", "wash", 4.5),
        ("accent", "paper", 4.5),
        ("warn-ink", "warn-wash", 7),
        ("faint", "paper", 3),
        ("warn-line", "paper", 3),
    ):
        assert contrast(colours[ink], colours[paper]) >= least, (ink, paper)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

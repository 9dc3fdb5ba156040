"""The load test's figures for a reader."""

import os
from collections.abc import Sequence
from typing import Any

__all__ = ["soak_table", "table"]

_WORDS = {
    "caseload": "caseload",
    "patient": "patient page",
    "cds": "CDS Hooks patient-view",
    "note": "note written",
}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Of the phases under load."""
    first = rows[0]
    lines = [
        "# The clinic under load",
        "",
        f"{first['people']:,} synthetic people with whole records and {first['scores']:,} total scores, all "
        f"in the care of one of six clinicians (about {first['people'] // 6:,} each). The real server "
        "(`alleviate clinic`), with the courses of the PHQ-9 judged for everybody, in processes of its own; "
        "the requests from another process, at constant rates, each timed from when it was due. Sessions as "
        "after signing in; each CDS Hooks call signed (ES384) with a token of its own. SQLite with "
        "`synchronous=FULL`, PostgreSQL with `fsync` on; server, database and requests on "
        f"{os.cpu_count()} cores. Every read of a person is an event in the audit, on the disk and signed "
        "before the answer is sent. 5 caseloads and 20 patient pages a second are 300 clinicians at work who "
        "open their caseload once a minute and a patient every 15 seconds; that open pages ask by themselves "
        "whether something is new is not in it.",
        "",
        "| database | workers | phase | request | a second | answered | p50 | p95 | p99 | most "
        "| limit (p99) | kept |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name, phase in row["phases"].items():
            for kind, told in phase["kinds"].items():
                limit = f"{told['limit']:g} | {'yes' if told['kept'] else 'no'}" if told["limit"] else "| "
                figures = " | ".join(f"{told[each]:.0f}" for each in ("p50", "p95", "p99", "max"))
                lines.append(
                    f"| {row['database']} | {row['workers']} | {name} | {_WORDS[kind]} | {told['rate']:g} | "
                    f"{told['answered']:,} | {figures} | {limit} |"
                )
    lines += ["", "Milliseconds. What it took, and whether the audit holds what was served:", ""]
    lines += [
        "| database | workers | phase | errors | cores (server) | cores (sender) | sender late | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name, phase in row["phases"].items():
            lines.append(
                f"| {row['database']} | {row['workers']} | {name} | {phase['error_count']} | "
                f"{phase['server_cpu']:.2f} | {phase['sender_cpu']:.2f} | "
                f"{phase['sender_late_ms']:.0f} ms at most | "
                f"{phase['memory_before_mb']:.0f} → {phase['memory_after_mb']:.0f} MB |"
            )
    lines.append("")
    lines += [
        f"- {row['database']}, {row['workers']} worker{'s' if row['workers'] > 1 else ''}: "
        f"{row['audit_found']:,} more readings in the audit, {row['audit_expected']:,} expected, the chain "
        "verified; "
        f"the first requests after the start took {_most(row)}."
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _most(row: dict[str, Any]) -> str:
    """Of each kind the longest, before anything was warm."""
    told = row["opening_max_ms"].items()
    return ", ".join(f"{_WORDS[kind]} {most:,.0f} ms" for kind, most in told if most is not None) + " at most"


def _slope(told: dict[str, Any]) -> str:
    return f"{told['slope_mb_an_hour']:.0f} ({told['slope_low']:.0f} to {told['slope_high']:.0f})"


def soak_table(rows: Sequence[dict[str, Any]]) -> str:
    """Of the long run."""
    lines = [
        "# The clinic's memory over time",
        "",
        "The same clinic as in clinic-load.md, at steady rates. Memory of all the server's processes (Pss) "
        "each ten seconds; the slope by Theil and Sen with its 95 % interval, without the first fifth (the "
        "samples hang together, so the interval is narrower than it should be).",
        "",
        "| database | workers | minutes | answered | errors | from | to | most | MB an hour "
        "| in the last third |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        answered = sum(told["answered"] for told in row["kinds"].values())
        lines.append(
            f"| {row['database']} | {row['workers']} | {row['minutes']:g} | {answered:,} | {row['errors']} | "
            f"{row['memory_start_mb']:.0f} | {row['memory_end_mb']:.0f} | {row['memory_most_mb']:.0f} | "
            f"{_slope(row)} | {_slope(row['last_third'])} |"
        )
    lines.append("")
    lines += [
        f"- {row['database']}, {_WORDS[kind]}, {told['rate']:g} a second: p50 {told['p50']:.0f}, "
        f"p99 {told['p99']:.0f}, most {told['max']:.0f} ms."
        for row in rows
        for kind, told in row["kinds"].items()
    ]
    return "\n".join(lines) + "\n"

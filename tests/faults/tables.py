"""The tables of docs/reliability.md, from the outcomes of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.campaign import Outcome

RELIABILITY = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of some campaigns, a column each, and what was wrong."""
    rows = {
        "seed": [outcome.plan.seed for outcome in outcomes],
        "submissions sent": [outcome.sent for outcome in outcomes],
        "intakes promised": [outcome.verdict.intakes for outcome in outcomes],
        "– from strangers who mean harm": [outcome.verdict.hostile for outcome in outcomes],
        "recorded": [outcome.verdict.recorded for outcome in outcomes],
        "failed, each with the reason that it must have": [outcome.verdict.failed for outcome in outcomes],
        "rows in the Sheet": [outcome.verdict.rows for outcome in outcomes],
        "**duplicate rows**": [outcome.verdict.duplicates for outcome in outcomes],
        "**lost**": [outcome.verdict.lost for outcome in outcomes],
        "**stuck**": [outcome.verdict.stuck for outcome in outcomes],
        "files copied to Drive, each once and linked": [outcome.verdict.copied for outcome in outcomes],
        "**objects that belong to nothing**": [outcome.verdict.orphans for outcome in outcomes],
        "**anything else wrong**": [len(outcome.wrong) for outcome in outcomes],
        "pages recorded / answers of Vision": [
            f"{outcome.verdict.pages} / {outcome.verdict.answers}" for outcome in outcomes
        ],
        "looks at progress": [outcome.looks for outcome in outcomes],
        "boundaries of the stages struck / passed / in the code": [
            f"{outcome.passed - len(outcome.spared)} / {outcome.passed} / {outcome.boundaries}" for outcome in outcomes
        ],
        "boundaries on the wire struck / passed": [
            f"{outcome.calls_passed - len(outcome.spared_calls)} / {outcome.calls_passed}" for outcome in outcomes
        ],
        "faults": [sum(outcome.faults.values()) for outcome in outcomes],
        **{f"– {kind}": [outcome.faults[kind] for outcome in outcomes] for kind in _kinds(outcomes)},
        "seconds": [round(outcome.seconds) for outcome in outcomes],
    }
    lines = [f"| {name} | {' | '.join(str(value) for value in values)} |" for name, values in rows.items()]
    lines.insert(1, "|---|" + "--:|" * len(outcomes))
    lines += [f"\nseed {outcome.plan.seed}: {sentence}" for outcome in outcomes for sentence in outcome.wrong]
    lines += _boundaries("Passed and not struck", [[*outcome.spared, *outcome.spared_calls] for outcome in outcomes])
    lines += _boundaries("Passed by no run", [outcome.not_passed for outcome in outcomes])
    return "\n".join(lines)


def _boundaries(title: str, found: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines that name boundaries which are the same in all campaigns."""
    everywhere = sorted(set.intersection(*(set(boundaries) for boundaries in found)))
    return [f"\n{title}:\n", *(f"- {boundary}" for boundary in everywhere)] if everywhere else []


def _kinds(outcomes: Sequence[Outcome]) -> list[str]:
    total = sum((outcome.faults for outcome in outcomes), start=type(outcomes[0].faults)())
    return [kind for kind, _ in total.most_common()]


def write_section(name: str, text: str) -> None:
    """Replace what stands between the marks of a section of docs/reliability.md."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    document = RELIABILITY.read_text("utf-8")
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    RELIABILITY.write_text(f"{before}{begin}{text}\n{end}{after}", "utf-8")

"""The tables of docs/reliability.md, from the outcomes of campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.campaign import Outcome

RELIABILITY = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of some campaigns, a column each, and what was wrong."""
    figures = [*sum((outcome.figures for outcome in outcomes), Counter[str]())]
    kinds = [kind for kind, _ in sum((outcome.faults for outcome in outcomes), Counter[str]()).most_common()]
    rows: dict[str, list[Any]] = {
        "seed": [outcome.plan.seed for outcome in outcomes],
        **{name: [outcome.figures[name] for outcome in outcomes] for name in figures},
        "**broken promises**": [len(outcome.wrong) for outcome in outcomes],
        "faults": [sum(outcome.faults.values()) for outcome in outcomes],
        **{f"– {kind}": [outcome.faults[kind] for outcome in outcomes] for kind in kinds},
        "seconds": [round(outcome.seconds) for outcome in outcomes],
    }
    lines = [f"| {name} | {' | '.join(str(value) for value in values)} |" for name, values in rows.items()]
    lines.insert(1, "|---|" + "--:|" * len(outcomes))
    lines += [f"\nseed {outcome.plan.seed}: {sentence}" for outcome in outcomes for sentence in outcome.wrong]
    spared = set.intersection(*(set(outcome.spared) for outcome in outcomes))
    if spared:
        lines += ["\nPassed, and struck by no fault:\n", *(f"- {boundary}" for boundary in sorted(spared))]
    return "\n".join(lines)


def write_section(name: str, text: str) -> None:
    """Replace what stands between the marks of a section of docs/reliability.md."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    document = RELIABILITY.read_text("utf-8")
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    RELIABILITY.write_text(f"{before}{begin}{text}\n{end}{after}", "utf-8")

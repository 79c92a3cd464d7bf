"""Print scores as markdown tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tests.bench.reading.scoring import FIELDS, Outcome, Score

_BINS = ((0.0, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.98), (0.98, 1.01))


def by_field(scores: Sequence[Score]) -> str:
    """Return a table of outcomes, one row a field."""
    return _table(scores, "field", lambda score: score.field, list(FIELDS))


def by_utility(scores: Sequence[Score], fields: Sequence[str]) -> str:
    """Return a table of outcomes, one row for each field and utility."""
    rows = sorted({f"{score.field} · {score.utility}" for score in scores if score.field in fields})
    return _table(scores, "field · utility", lambda score: f"{score.field} · {score.utility}", rows)


def calibration(scores: Sequence[Score]) -> str:
    """Return how often reported values are right, by the confidence they were reported with."""
    lines = ["| confidence | reported | right | WRONG |", "|---|--:|--:|--:|"]
    for low, high in _BINS:
        reported = [s for s in scores if s.confidence and low <= s.confidence < high]
        right = sum(s.outcome is Outcome.RIGHT for s in reported)
        if reported:
            lines.append(f"| {low:.2f} – {min(high, 1):.2f} | {len(reported)} | {right} | {len(reported) - right} |")
    return "\n".join(lines)


def _table(scores: Sequence[Score], head: str, key: Callable[[Score], str], rows: Sequence[str]) -> str:
    counts: dict[str, Counter[Outcome]] = {}
    for score in scores:
        counts.setdefault(key(score), Counter())[score.outcome] += 1
    lines = [f"| {head} | {' | '.join(Outcome)} |", "|---|" + "--:|" * len(Outcome)]
    lines += [
        f"| {row} | {' | '.join(str(counts[row][outcome]) for outcome in Outcome)} |" for row in rows if row in counts
    ]
    return "\n".join(lines)

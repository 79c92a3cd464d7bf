"""Checks the agent's answers against the fields of contract.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intake import contract
from intake.errors import Problem
from intake.folding import fold

UTILITIES = contract.utilities()
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000-\uf8ff]")


@dataclass(frozen=True)
class Field:
    """One field of the form; contract.toml explains the entries.

    Attributes:
        name: Name in the request.
        kind: "text", "choice" or "tick". What is typed is folded; what is chosen stays as the list spells it.
        missing: Sentence when it is empty; None for an optional one.
        wrong: Sentence when a rule of the field is broken.
        pattern: What all of it must match.
        digits: What its digits alone must match.
        choices: What may be chosen; None for anything.
        max_length: Most characters.
    """

    name: str
    kind: str
    missing: str | None
    wrong: str
    pattern: re.Pattern[str] | None
    digits: re.Pattern[str] | None
    choices: Sequence[str] | None
    max_length: int

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Field:
        """Make a field of its entry in the contract."""
        pattern, digits = (re.compile(entry[key]) if key in entry else None for key in ("pattern", "digits"))
        choices = entry.get("choices")
        if entry.get("kind") == "tick":  # a box that must be ticked, or one that may be
            choices = ("yes",) if "missing" in entry else ("yes", "no")
        return cls(
            name=entry["name"],
            kind=entry.get("kind", "text"),
            missing=entry.get("missing"),
            wrong=entry.get("wrong", ""),
            pattern=pattern,
            digits=digits,
            choices=None if isinstance(choices, str) else choices,  # a name of a list that the caller has
            max_length=entry.get("max_length", contract.limit("answer_length")),
        )

    def problem(self, value: str, choices: Sequence[str] | None) -> Problem | None:
        """Return what is wrong with a trimmed answer.

        Args:
            value: The answer.
            choices: What may be chosen; None for anything.
        """
        if not value:
            return Problem("missing_field", self.name, self.missing) if self.missing else None
        if len(value) > self.max_length:
            return Problem("field_too_long", self.name, f"Shorten this answer to at most {self.max_length} characters.")
        if _CONTROL.search(value):
            return Problem("malformed_field", self.name, "Enter this answer on one line, without control characters.")
        if choices is not None and value not in choices:
            said = f"{self.wrong}: {', '.join(choices)}." if self.kind == "choice" else self.wrong
            return Problem("malformed_field", self.name, said)
        digits = re.sub("[^0-9]", "", value)
        if (self.pattern and not self.pattern.fullmatch(value)) or (self.digits and not self.digits.fullmatch(digits)):
            return Problem("malformed_field", self.name, self.wrong)
        return None


FIELDS = tuple(map(Field.of, contract.fields()))
ACCOUNT_TYPES = next(tuple(field.choices or ()) for field in FIELDS if field.name == "account_type")
_ORDER = {field.name: place for place, field in enumerate(FIELDS)}


def check(
    answers: Mapping[str, str], utilities: Sequence[str] | None = UTILITIES
) -> tuple[dict[str, str], list[Problem]]:
    """Check all answers and report every problem at once.

    Args:
        answers: Values by field name as they came; unknown names are ignored.
        utilities: The utilities that may be chosen; None for any.

    Returns:
        The answers, folded, trimmed and with every field present ("" when an optional one is empty), and the problems in the
        order of the form.
    """
    clean = dict(_cleaned(answers))
    found = (
        field.problem(clean[field.name], utilities if field.name == "utility" else field.choices) for field in FIELDS
    )
    return clean, [problem for problem in found if problem]


def _cleaned(answers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for field in FIELDS:
        value = answers.get(field.name, "")
        yield field.name, (fold(value) if field.kind == "text" else value).strip()


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems in the order of the form's fields; those of the files come last."""
    return sorted(problems, key=lambda each: _ORDER.get(each.field, len(FIELDS)))

"""The agent's answers: which fields there are, and the rules each must meet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from intake.errors import Problem
from intake.folding import fold

UTILITIES = (
    "NYSEG",
    "RG&E",
    "National Grid",
    "Central Hudson",
    "Con Edison",
    "Orange & Rockland",
    "PSEG Long Island",
)
ACCOUNT_TYPES = ("Small Demand <25 kW", "Large Demand >25 kW", "Mass Market")

MAX_LENGTH = 200
"""Most characters of one answer; the longest business names and mail addresses (254 by RFC 5321, in practice under 100) fit."""

# One @, no blanks, a dot in the domain: what the HTML standard's email input also insists on, plus the dot.
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000-\uf8ff]")


def _email_problem(value: str) -> str | None:
    if _EMAIL.fullmatch(value):
        return None
    return "Enter an email address in the correct format, like name@example.com."


def _phone_problem(value: str) -> str | None:
    digits = re.sub(r"[^0-9]", "", value)
    number = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
    # North American numbers: ten digits, area code and exchange do not begin with 0 or 1 (https://www.nanpa.com).
    if re.fullmatch(r"[2-9][0-9]{2}[2-9][0-9]{6}", number) and re.fullmatch(r"[0-9\s().+/-]+", value):
        return None
    return "Enter a US phone number with area code, like 607-555-0123."


def _one_of(options: Sequence[str], what: str) -> Callable[[str], str | None]:
    def problem(value: str) -> str | None:
        return None if value in options else f"Choose {what} from the list: {', '.join(options)}."

    return problem


def _consent_problem(value: str) -> str | None:
    return None if value == "yes" else "The customer must agree to the terms and the power of attorney."


def _yes_or_no_problem(value: str) -> str | None:
    return None if value in ("yes", "no") else "Answer yes or no."


@dataclass(frozen=True)
class Field:
    """One field of the form.

    Attributes:
        name: Name in the request.
        missing: Sentence when a required field is empty; None for an optional one.
        problem: Returns the sentence when a non-empty value breaks the field's rule.
        typed: Whether somebody typed or pasted it, with whatever characters; the others were chosen and stay as they are.
    """

    name: str
    missing: str | None
    problem: Callable[[str], str | None] | None = None
    typed: bool = False


FIELDS = (
    Field("agent_id", "Enter your agent ID.", typed=True),
    Field("business_entity", None, typed=True),
    Field("account_name", "Enter the account name as it is on the bill.", typed=True),
    Field("contact_name", "Enter the name of the person to contact.", typed=True),
    Field("title", "Enter the contact's title, such as Owner.", typed=True),
    Field("phone", "Enter a phone number.", _phone_problem, typed=True),
    Field("email", "Enter an email address.", _email_problem, typed=True),
    Field("utility", "Choose the utility."),
    Field("account_type", "Choose the account type.", _one_of(ACCOUNT_TYPES, "the account type")),
    Field("developer", "Choose the developer."),
    Field("consent", "The customer must agree to the terms and the power of attorney.", _consent_problem),
    Field("sms_consent", None, _yes_or_no_problem),
)
FIELD_NAMES = frozenset(field.name for field in FIELDS)


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
    rules = {field.name: field.problem for field in FIELDS}
    if utilities is not None:
        rules["utility"] = _one_of(utilities, "the utility")
    clean: dict[str, str] = {}
    problems: list[Problem] = []
    for field in FIELDS:
        value = answers.get(field.name, "")
        value = (fold(value) if field.typed else value).strip()
        clean[field.name] = value
        if not value:
            if field.missing:
                problems.append(Problem("missing_field", field.name, field.missing))
        elif len(value) > MAX_LENGTH:
            problems.append(
                Problem("field_too_long", field.name, f"Shorten this answer to at most {MAX_LENGTH} characters.")
            )
        elif _CONTROL.search(value):
            problems.append(
                Problem("malformed_field", field.name, "Enter this answer on one line, without control characters.")
            )
        elif (rule := rules[field.name]) and (message := rule(value)):
            problems.append(Problem("malformed_field", field.name, message))
    return clean, problems


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems in the order of the form's fields; those of the files come last."""
    order = [field.name for field in FIELDS]
    return sorted(problems, key=lambda each: order.index(each.field) if each.field in order else len(order))

"""The agent's answers: what is accepted, and what is said about what is not."""

from __future__ import annotations

import pytest
from intake import form

from tests.support.fakes import ANSWERS


def problems_of(**changes: str) -> list[tuple[str, str, str]]:
    """Return (code, field, message) of what is wrong with otherwise good answers."""
    _, problems = form.check({**ANSWERS, **changes})
    return [(problem.code, problem.field, problem.message) for problem in problems]


def test_answers_are_trimmed() -> None:
    """Blanks around an answer are not part of it."""
    clean, problems = form.check({**ANSWERS, "agent_id": "  AG-17 \t", "email": " robin@example.com\n"})
    assert (clean["agent_id"], clean["email"], problems) == ("AG-17", "robin@example.com", [])


def test_unknown_fields_are_dropped() -> None:
    """Only the form's own fields are kept, so nobody stores what we did not ask for."""
    clean, problems = form.check({**ANSWERS, "is_admin": "yes"})
    assert (set(clean), problems) == (set(ANSWERS), [])


def test_everything_missing_is_reported_at_once() -> None:
    """An empty form lists every required field, in the order of the form."""
    _, problems = form.check({})
    assert [(problem.field, problem.code, problem.message) for problem in problems] == [
        ("agent_id", "missing_field", "Enter your agent ID."),
        ("account_name", "missing_field", "Enter the account name as it is on the bill."),
        ("contact_name", "missing_field", "Enter the name of the person to contact."),
        ("title", "missing_field", "Enter the contact's title, such as Owner."),
        ("phone", "missing_field", "Enter a phone number."),
        ("email", "missing_field", "Enter an email address."),
        ("utility", "missing_field", "Choose the utility."),
        ("account_type", "missing_field", "Choose the account type."),
        ("developer", "missing_field", "Choose the developer."),
        ("consent", "missing_field", "The customer must agree to the terms and the power of attorney."),
    ]


@pytest.mark.parametrize(
    "email",
    [
        "robin@example.com",
        "first.last+bills@sub.example.co",
        "o'hara@example.com",
        "j@x.io",
        "münze@example.com",
    ],
)
def test_email_addresses_that_pass(email: str) -> None:
    """Ordinary mail addresses pass."""
    assert problems_of(email=email) == []


@pytest.mark.parametrize(
    "email",
    [
        "robin",
        "robin@",
        "@example.com",
        "robin@example",
        "robin@@example.com",
        "robin@example..com",
        "robin@.com",
        "robin example@example.com",
        "Robin <robin@example.com>",
        "a@example.com,b@example.com",
    ],
)
def test_email_addresses_that_do_not(email: str) -> None:
    """What no mail server would take is refused with an example of what it would."""
    message = "Enter an email address in the correct format, like name@example.com."
    assert problems_of(email=email) == [("malformed_field", "email", message)]


@pytest.mark.parametrize(
    "phone", ["6075550123", "607-555-0123", "(607) 555-0123", "607.555.0123", "+1 607 555 0123", "1-607-555-0123"]
)
def test_phone_numbers_that_pass(phone: str) -> None:
    """A US number passes however it is written."""
    assert problems_of(phone=phone) == []


@pytest.mark.parametrize(
    "phone",
    [
        "555-0123",  # no area code
        "607-555-01234",  # one digit over
        "607-555-012",  # one digit short
        "2-607-555-0123",  # eleven digits that do not begin with 1
        "107-555-0123",  # area codes begin with 2 to 9
        "607-155-0123",  # so do exchanges
        "607-555-0123 ext 4",
        "call me",
        "607-555-012³",  # a raised digit is none
    ],
)
def test_phone_numbers_that_do_not(phone: str) -> None:
    """What cannot be dialled in the US is refused with an example of what can."""
    message = "Enter a US phone number with area code, like 607-555-0123."
    assert problems_of(phone=phone) == [("malformed_field", "phone", message)]


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("\u202a(607)\u00a0555\u20110123\u202c", "(607) 555-0123"),
        ("\u2066+1\u202f607\u2010555\u20100123\u2069", "+1607-555-0123"),
        ("607\u2212555\u22120123\ufeff", "607-555-0123"),
        ("６０７－５５５－０１２３", "607-555-0123"),
        ("٦٠٧-٥٥٥-٠١٢٣", "607-555-0123"),
        ("607\u200b\u00ad555\u200e\u00ad0123", "607-555-0123"),
    ],
)
def test_numbers_pasted_from_contacts_pass(pasted: str, kept: str) -> None:
    """Dashes, blanks, digits and marks of direction that no keyboard types are folded before the rules are asked."""
    clean, problems = form.check({**ANSWERS, "phone": pasted})
    assert (clean["phone"], problems) == (kept, [])


def test_typed_answers_are_folded_and_chosen_ones_are_not() -> None:
    """A choice must stay what the office's list says, letter by letter."""
    odd = "Joe\u2019s\u00a0Solar \u2013 \ufb01ne\u200b"
    clean, _ = form.check({**ANSWERS, "account_name": odd, "agent_id": "AG\u201117", "developer": odd})
    assert (clean["account_name"], clean["agent_id"], clean["developer"]) == ("Joe's Solar - fine", "AG-17", odd)


def test_lists_name_their_options() -> None:
    """A choice that is not on the list is answered with the list."""
    assert problems_of(utility="Nyseg", account_type="Tiny") == [
        (
            "malformed_field",
            "utility",
            f"Choose the utility from the list: {', '.join(form.UTILITIES)}.",
        ),
        (
            "malformed_field",
            "account_type",
            "Choose the account type from the list: Small Demand <25 kW, Large Demand >25 kW, Mass Market.",
        ),
    ]


def test_consent_is_yes_and_nothing_else() -> None:
    """No other word gives the customer's consent."""
    message = "The customer must agree to the terms and the power of attorney."
    assert problems_of(consent="no") == [("malformed_field", "consent", message)]
    assert problems_of(consent="Yes") == [("malformed_field", "consent", message)]


def test_text_message_consent_is_yes_or_no() -> None:
    """The optional consent is one of two words."""
    assert problems_of(sms_consent="maybe") == [("malformed_field", "sms_consent", "Answer yes or no.")]


def test_longest_answer() -> None:
    """200 characters are accepted, 201 are not; characters count, not bytes."""
    assert problems_of(account_name="é" * 200) == []
    assert problems_of(account_name="é" * 201) == [
        ("field_too_long", "account_name", "Shorten this answer to at most 200 characters."),
    ]


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\ue000", "\ud800"])
def test_control_characters(character: str) -> None:
    """An answer stands on one line of the Sheet and holds nothing invisible."""
    assert problems_of(title=f"Ow{character}ner") == [
        ("malformed_field", "title", "Enter this answer on one line, without control characters."),
    ]

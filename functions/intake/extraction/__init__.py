"""Extracts the fields of a bill: words with places in, fields with evidence out. Pure: no network, clock or environment.

combs             characters printed in boxes → words
stacked           which of two bills in a photo is on top
geometry          words → upright text planes of phrases and rows
utility_profiles  what is known of each utility, from utilities/*.toml
utility_choice    which utility's profile applies: names before numbers
labels            labels among phrases, tolerating OCR errors
printed, postal, streets, gazetteer
                  numbers, dates and addresses as text, tolerating OCR errors
numbers (of digit_runs), period, usage (of usage_lines, usage_wording and meter_table), history, addresses, names, details
                  candidates for the fields
headings          the heading above a line: whose figures, and for which time
candidates        resolving them: a value seen twice is more certain, conflicting values are not reported
reader            all of it in order
attention         what the agent or the office should check
"""

from intake.extraction.attention import Attention, EarlierIntake, attention
from intake.extraction.reader import read_bill
from intake.extraction.result import FIELDS, Diagnostics, Found, Reading

__all__ = ["FIELDS", "Attention", "Diagnostics", "EarlierIntake", "Found", "Reading", "attention", "read_bill"]

"""Read a bill: words with places in, fields with evidence out. Pure: no network, no clock, no environment.

combs             characters in boxes of their own → words
stacked           which of two sheets of paper in a picture lies on top
geometry          words → upright text planes of phrases and rows
utility_profiles  what is known of each utility, from utilities/*.toml
utility_choice    which utility's profile applies: names before numbers
labels            labels among phrases, in spite of slips
printed, postal, streets, gazetteer
                  numbers, dates and addresses as text, with the slips that OCR makes
numbers (of digit_runs), period, usage (of usage_lines, usage_wording and meter_table), history, addresses, names, details
                  candidates for the fields
headings          the heading above a line: whose figures, and for which time
candidates        resolving them: a value seen twice is surer, conflicting values are not reported
reader            all of it in order
attention         what the agent should know at once
"""

from intake.extraction.attention import Attention, EarlierIntake, attention
from intake.extraction.reader import read_bill
from intake.extraction.result import FIELDS, Diagnostics, Found, Reading

__all__ = ["FIELDS", "Attention", "Diagnostics", "EarlierIntake", "Found", "Reading", "attention", "read_bill"]

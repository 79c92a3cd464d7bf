"""Read a bill: words with places in, fields with evidence out. Pure: no network, no clock, no environment.

combs         signs in boxes of their own → words
stacked       which of two sheets in a picture lies on top
geometry      words → upright sheets of phrases and rows
knowledge     what is known of each utility, from utilities/*.toml
labels        labels among phrases, in spite of slips
printed, postal, streets, gazetteer
              numbers, dates and addresses as text, with the slips that OCR makes
utility_choice
              which utility's knowledge applies: names before numbers
numbers (of digit_runs), period, usage (of usage_lines, usage_wording and meter_table), history, addresses, names, details
              sightings of the fields
headings      what stands over a line and says whose figures, and of which time, they are
sightings     weighing them: what is seen twice is surer, what competes is not reported
reader        all of it in order
attention     what the agent should know at once
"""

from intake.reading.attention import Attention, EarlierIntake, attention
from intake.reading.reader import read_bill
from intake.reading.result import FIELDS, Found, Reading, Signs

__all__ = ["FIELDS", "Attention", "EarlierIntake", "Found", "Reading", "Signs", "attention", "read_bill"]

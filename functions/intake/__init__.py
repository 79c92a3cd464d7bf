"""Bill intake: an uploaded utility bill becomes one row of the office's Google Sheet.

`main.py` beside this package holds the entry points. Here live the stages (submission, ocr, table, sweeping), the pure
code they share (records, form, filetypes, errors) and, in `cloud`, everything that talks to Google.
"""

"""Bill intake: an uploaded utility bill becomes one row of the office's Google Sheet.

`main.py` beside this package holds the entry points. Here are the stages (submit, ocr, extract, record, archive, sweep,
progress), the pure code they share (model, form, filetypes, errors) and, in `cloud`, everything that talks to Google.
"""

"""A short campaign on the real components: `python -m tests.faults` runs long ones."""

from __future__ import annotations

from tests.faults import tables
from tests.faults.campaign import Plan, run
from tests.faults.invariants import Rates
from tests.faults.places import places


def test_every_call_to_google_is_on_the_list() -> None:
    """The list of places is read from the code: it has the calls that matter most, and no receiver is overlooked."""
    found = {(place.module, place.method) for place in places()}
    assert {
        ("intake/stages/submit.py", "Store.accept"),
        ("intake/stages/submit.py", "ObjectWriter.close"),
        ("intake/stages/ocr.py", "Vision.words"),
        ("intake/stages/ocr.py", "Bucket.write_json"),
        ("intake/stages/extract.py", "Store.finish_reading"),
        ("intake/stages/record.py", "SheetTable.append"),
        ("intake/stages/record.py", "Store.mark_recorded"),
        ("intake/stages/sweep.py", "Store.fail"),
    } <= found


def test_short_campaign() -> None:
    """Submissions of every kind go through while everything fails: none is lost, doubled, stuck or ends wrongly."""
    rates = Rates(fresh=0.15, fresh_call=0.02, each_kind=False)
    outcome = run(Plan(seed=20261125, submissions=24, rates=rates, outage_s=8, coverage_s=45))
    print(f"\n{tables.table([outcome])}")
    assert outcome.wrong == []
    assert outcome.verdict.recorded == outcome.verdict.rows > 0

"""The `record` stage of one process, as `intake.services` puts it together."""

from __future__ import annotations

from collections.abc import Sequence

from intake.ports import Clock, Sheet, Store
from intake.stages.deliver import Deliveries
from intake.stages.record import Record
from intake.stages.sheet_access import SheetAccess
from intake.stages.sheet_rows import SheetRows

INTERVAL_S = 1.1


def a_process(
    store: Store,
    table: Sheet,
    clock: Clock,
    *,
    copies: bool = False,
    then: Sequence[str] = (),
    deliveries: Sequence[Deliveries] = (),
) -> Record:
    """Start a process: it knows nothing of what others did.

    Args:
        store: The intakes.
        table: The Sheet.
        clock: The time.
        copies: Whether rows have a column for copies.
        then: Names of the destinations that follow.
        deliveries: The deliveries to them.
    """
    sheet = SheetAccess(table=table, store=store, interval_s=INTERVAL_S, clock=clock)
    rows = SheetRows(
        store=store,
        sheet=sheet,
        bill_link_base="https://storage.example.com/",
        bucket="bills",
        then=then,
        copies=copies,
    )
    return Record(
        store=store,
        sheet=sheet,
        rows=Deliveries(queue=rows, destination=rows, clock=clock),
        deliveries=deliveries,
    )

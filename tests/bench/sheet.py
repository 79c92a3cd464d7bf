"""What a flush costs in a Sheet of many rows: calls, and the memory of the process that makes them.

    .venv/bin/python -m tests.bench.sheet 0 200000

The Sheet is the stand-in, in a process of its own; the real client runs here. A flush is that of a new process, which has to
look for its rows first.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from intake import log  # noqa: E402
from intake.cloud.sheets.client import Book, client_for, new_tab_id  # noqa: E402
from intake.cloud.sheets.table import SheetTable  # noqa: E402
from intake.rows import columns, row_of  # noqa: E402
from intake.settings import Settings  # noqa: E402

from infra.local.sheets.book import Spreadsheet  # noqa: E402
from infra.local.sheets.grid import Tab  # noqa: E402
from infra.local.sheets.store import save  # noqa: E402
from tests.support.fakes import an_intake  # noqa: E402

SHEET_ID = "greenwatt-local-sheet"
LIMIT_MB = 128


def state_of(path: Path, rows: int) -> None:
    """Write the state file of a Sheet with that many rows, as the product makes them."""
    ours = columns(copies=True)
    book = Spreadsheet(SHEET_ID)
    tab = Tab(new_tab_id("Intakes"), "Intakes", max(rows + 1, 100), len(ours))
    model = [cell if cell != "" else None for cell in row_of(an_intake(), "https://bills/", "b", copies=True).values()]
    tab.rows = [tuple(column.name for column in ours), *((f"{n:032x}", *model[1:]) for n in range(1, rows + 1))]
    book.tabs.append(tab)
    save(path, book)


def flush(url: str) -> tuple[int, int, int]:
    """Write one row as a new process does; return reads, writes and the most memory in MiB."""
    book = Book(client_for(Settings("p", "b", "o", "s", sheets_endpoint=url)), SHEET_ID)
    table = SheetTable(book, "Intakes", columns(copies=True))
    key = "f" * 32
    row = row_of(an_intake(key), "https://bills/", "b", copies=True)
    calls = {"read": 0, "write": 0}
    request = book.client.request

    def counted(method: str, endpoint: str, *args: object, **kwargs: object) -> object:
        calls["write" if endpoint.endswith(":batchUpdate") else "read"] += 1
        return request(method, endpoint, *args, **kwargs)  # type: ignore[arg-type]

    book.client.request = counted  # type: ignore[assignment,method-assign]
    if table.find_rows({key: row}) or table.append([row]) != {key}:
        raise SystemExit("the row was not written once")
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return calls["read"], calls["write"], int(peak.split()[1]) // 1024


def measure(rows: int) -> None:
    """Print the cost of a flush in a Sheet of that many rows."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "sheet.json"
        # In a process of its own, so that what is measured here never held the rows.
        subprocess.run(
            [sys.executable, "-m", "tests.bench.sheet", "--state", str(state), str(rows)], check=True, cwd=_ROOT
        )
        command = [
            sys.executable,
            "-m",
            "infra.local.sheets",
            "--port",
            "0",
            "--state",
            str(state),
            "--reads-per-minute",
            "0",
        ]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as stand_in:
            try:
                lines = iter(stand_in.stdout or ())
                url = next(line for line in lines if "listening on" in line).split()[-1]
                before = log.rss_mb()
                reads, writes, peak = flush(url)
            finally:
                stand_in.terminate()
    print(f"{rows:>9,} rows: {reads} reads, {writes} writes, {before} MiB before, {peak} MiB at most (of {LIMIT_MB})")


if __name__ == "__main__":
    if sys.argv[1] == "--state":
        state_of(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        for text in sys.argv[1:]:
            measure(int(text))

"""`python -m infra.contract`: hand contract.toml on to the page; `--table NAME` prints a part of it for the docs.

The page's modules are generated, and committed so that the page works unbuilt. A build writes them again.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "functions") not in sys.path:
    sys.path.append(str(ROOT / "functions"))

from intake import contract, filetypes  # noqa: E402 - functions/ must be found first

_HEAD = "// Written by `python -m infra.contract` from functions/intake/{source}: change that, not this.\n"
_FOR_THE_PAGE = ("name", "kind", "missing", "wrong", "pattern", "digits", "agents_own")


def examples() -> dict[str, str]:
    """Return an invented person's answers by field name."""
    return {field["name"]: field["example"] for field in contract.fields()}


def modules() -> dict[str, str]:
    """Return the generated modules of frontend/site by name."""
    account_types = next(field["choices"] for field in contract.fields() if field["name"] == "account_type")
    values = {
        "FIELDS": [_for_the_page(field) for field in contract.fields()],
        "UTILITIES": contract.utilities(),
        "ACCOUNT_TYPES": account_types,
        "MAX_FILES": contract.limit("files"),
        "MAX_UPLOAD_BYTES": contract.limit("upload_bytes"),
        "SNIFF_BYTES": filetypes.SNIFF_BYTES,
        "HEIC_BRANDS": sorted(brand.decode() for brand in filetypes.HEIC_BRANDS),
        "AVIF": _source(filetypes.AVIF),
        "RAW": _source(filetypes.RAW),
    }
    foreign = [(_source(kind.pattern), _flags(kind.pattern), kind.name, kind.advice) for kind in filetypes.FOREIGN]
    return {
        "contract.js": _HEAD.format(source="contract.toml")
        + "".join(f"export const {name} = {_js(value)};\n" for name, value in values.items()),
        "foreign.js": _HEAD.format(source="filetypes.py") + f"export const FOREIGN = {_js(foreign)};\n",
    }


def write(site: Path = ROOT / "frontend" / "site") -> None:
    """Write the generated modules that are not up to date."""
    for name, text in modules().items():
        if not (site / name).is_file() or (site / name).read_text("utf-8") != text:
            (site / name).write_text(text, "utf-8")


def _for_the_page(field: Any) -> dict[str, Any]:
    entry = {key: field[key] for key in _FOR_THE_PAGE if key in field}
    return {**entry, "max_length": field.get("max_length", contract.limit("answer_length"))}


def _source(pattern: re.Pattern[bytes]) -> str:
    return pattern.pattern.decode("latin-1")


def _flags(pattern: re.Pattern[bytes]) -> str:
    return "i" if pattern.flags & re.IGNORECASE else ""


def _js(value: object) -> str:
    """Return a value as JavaScript, a list of lists or of objects with one on each line."""
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return "[\n" + "".join(f"  {json.dumps(item)},\n" for item in value) + "]"
    return json.dumps(value)


def _limits() -> Iterator[tuple[str, ...]]:
    yield "what", "limit", "why"
    for limit in contract.limits().values():
        yield limit["what"], _amount(limit["value"], limit.get("unit", "")), limit.get("why", "")


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 2**20:g} MB" if value % 2**20 == 0 else f"{value / 1e6:g} MB"
    if unit in ("pixels", "samples") and value >= 1_000_000:
        return f"{value / 1e6:g} mega{unit}"
    return f"{value:,g} {unit}".strip()


def _fields() -> Iterator[tuple[str, ...]]:
    yield "field", "name in the request", "required", "column of the row"
    for field in contract.fields():
        column = field.get("column", {}).get("name", "")
        yield field["label"], f"`{field['name']}`", "yes" if "missing" in field else "", column


def _columns() -> Iterator[tuple[str, ...]]:
    yield "column", "holds", "from", "corrected by the office"
    for column in contract.columns():
        source = (
            f"form: `{column['form']}`" if "form" in column else f"bill: `{column['read']}`" if "read" in column else ""
        )
        yield column["name"], column["kind"].replace("_", " or "), source, "yes" if column.get("office") else ""


def _utilities() -> Iterator[tuple[str, ...]]:
    yield ("utility",)
    yield from ((name,) for name in contract.utilities())


TABLES = {"limits": _limits, "fields": _fields, "columns": _columns, "utilities": _utilities}


def table(name: str) -> str:
    """Return a part of the contract as a Markdown table."""
    head, *rows = TABLES[name]()
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page's modules, or print a table."""
    parser = argparse.ArgumentParser(prog="python -m infra.contract", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--table", choices=TABLES, help="print this part as a Markdown table and write nothing")
    if name := parser.parse_args(argv).table:
        print(table(name), end="")
    else:
        write()


if __name__ == "__main__":
    main()

"""One list drives all: what is generated from it is up to date, and the page shows what it says."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from intake import contract, form
from intake.extraction.utility_profiles import utilities
from intake.rows import OFFICE_COLUMNS, columns

from infra.contract import ROOT, TABLES, examples, main, modules, table, write

SITE = ROOT / "frontend" / "site"
PAGE = (SITE / "index.html").read_text("utf-8")


@pytest.mark.parametrize("name", modules())
def test_the_pages_modules_are_up_to_date(name: str) -> None:
    """The page works unbuilt, from what is committed."""
    assert (SITE / name).read_text("utf-8") == modules()[name], "Run `python -m infra.contract`."


def test_writing_touches_only_what_changed(tmp_path: Path) -> None:
    """A build that changes nothing leaves the built page current."""
    write(tmp_path)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "contract.js").write_text("old", "utf-8")
    write(tmp_path)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == modules()
    assert (tmp_path / "foreign.js").stat().st_mtime_ns == first[tmp_path / "foreign.js"]


@pytest.mark.parametrize("field", contract.fields(), ids=lambda field: field["name"])
def test_the_page_asks_for_every_field(field: dict[str, Any]) -> None:
    """Each field has its control, its label, which says when it is optional, and its hint."""
    name = field["name"]
    label = field["label"] if "missing" in field else f"{field['label']} (optional)"
    assert re.search(rf'<(input|select|fieldset)[^>]* id="{name}"', PAGE)
    labels = re.findall(rf'<label for="{name}">(.*?)</label>|id="{name}">\s*<legend>(.*?)</legend>', PAGE)
    assert [unescape("".join(found)) for found in labels] == [label]
    hints = re.findall(rf'<p class="hint" id="{name}-hint">(.*?)</p>', PAGE)
    assert list(map(unescape, hints)) == ([field["hint"]] if "hint" in field else [])


def test_the_page_names_the_limit_of_files() -> None:
    """The hint at the bill says how many files may be sent."""
    assert f"Up to {contract.limit('files')} photos" in PAGE


def test_the_examples_can_be_sent() -> None:
    """What the command line sends, unless told otherwise, is accepted."""
    assert form.check(examples()) == (examples(), [])


def test_every_profile_is_a_utility_of_the_form() -> None:
    """One file for each utility; the form offers all, in the order of their ranks."""
    assert sorted(contract.utilities()) == sorted(profile.name for profile in utilities())
    assert contract.utilities()[:2] == ("NYSEG", "RG&E")


def test_the_office_corrects_columns_of_what_was_read() -> None:
    """Answers and ids are nobody's to correct in the Sheet."""
    assert {column.name for column in columns(copies=True) if column.read} > set(OFFICE_COLUMNS) > {"kWh"}


@pytest.mark.parametrize("name", TABLES)
def test_tables_for_the_docs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each table has a line for each entry, and as many cells in all."""
    main(["--table", name])
    lines = capsys.readouterr().out.splitlines()
    assert "\n".join(lines) + "\n" == table(name)
    assert len({line.count("|") for line in lines}) == 1
    sizes = {
        "limits": len(contract.limits()),
        "fields": len(form.FIELDS),
        "columns": len(columns(copies=True)),
        "utilities": len(utilities()),
    }
    assert len(lines) == sizes[name] + 2


def test_the_docs_have_the_limits_as_they_are() -> None:
    """The table in the docs is the one that the command prints."""
    said = "Paste the output of `python -m infra.contract --table limits`."
    assert table("limits") in (ROOT / "docs" / "architecture.md").read_text("utf-8"), said

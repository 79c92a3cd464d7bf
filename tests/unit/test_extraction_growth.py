"""What words come decides nothing of how long reading takes: work grows as the words do, and patterns as their text."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from intake import extraction, folding
from intake.extraction import read_bill, utility_profiles
from intake.extraction.geometry import planes
from intake.extraction.line_grouping import LINE
from intake.pages import textlayer

from tests.bench.reading.length import CONTEXTS, FILLS, LAYOUTS, bill
from tests.support.regex_steps import Steps, attacks
from tests.unit.test_extraction_properties import calls_of

MODULES = [
    *(
        importlib.import_module(f"intake.extraction.{found.name}")
        for found in pkgutil.iter_modules(extraction.__path__)
    ),
    textlayer,
    folding,
]
SOURCES = {module: Path(str(module.__file__)).read_text(encoding="utf-8") for module in MODULES}
SEARCHES = "search|finditer|findall|sub|split"


def _patterns() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Yield all patterns that meet foreign words, and whether they are looked for or must begin the text.

    Those of modules, of calls with a text of their own, and of the utilities.
    """
    for module, source in SOURCES.items():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{module.__name__}.{name}", value, _is_searched(name)
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) == "re"
            ):
                text = node.args[0] if node.args else None
                if node.func.attr != "compile" and isinstance(text, ast.Constant) and isinstance(text.value, str):
                    flags = re.IGNORECASE if "IGNORECASE" in ast.unparse(node) else re.NOFLAG
                    place = f"{module.__name__}:{node.lineno}:{node.col_offset}"
                    yield place, re.compile(text.value, flags), bool(re.fullmatch(SEARCHES, node.func.attr))
    for utility in (*utility_profiles.utilities(), utility_profiles.unknown()):
        for part in (utility, utility.account, utility.pod):
            for one in fields(part):
                if isinstance(value := getattr(part, one.name), re.Pattern):
                    yield f"{utility.name or 'unknown'} {one.name}", value, _is_searched(one.name)
        for kind in ("part", "other"):
            yield f"{utility.name or 'unknown'} {kind}", re.compile("|".join(utility.usage[kind]), re.IGNORECASE), True


def _is_searched(name: str) -> bool:
    return any(re.search(rf"\b{name}\.({SEARCHES})\b", source) for source in SOURCES.values())


PATTERNS = {pattern: (name, searched) for name, pattern, searched in _patterns()}
SHORT, LONG = 24, 96
STEPS_A_SIGN = 400
"""Most steps for each sign of a text of the longest line."""


@pytest.mark.parametrize("pattern", PATTERNS, ids=[name for name, _ in PATTERNS.values()])
def test_a_pattern_takes_steps_as_its_text_is_long(pattern: re.Pattern[str]) -> None:
    """Four times the text may cost four times the steps, a fifth more for what comes once; not sixteen times."""
    steps, searched = Steps(pattern), PATTERNS[pattern][1]
    for short, long in zip(attacks(pattern, SHORT), attacks(pattern, LONG), strict=True):
        few, many = steps.work(short, searched=searched), steps.work(long, searched=searched)
        assert many <= 1.2 * LONG / SHORT * few + 50, f"{short[:30]!r}: {few} steps for {SHORT}, {many} for {LONG}"
        assert many <= STEPS_A_SIGN * len(long), f"{short[:30]!r}: {many} steps for {LONG}"


@pytest.mark.parametrize("text", [r"(a+)+b", r"\d+ kwh", r"[A-Z]+?[\s,.A-Z]*NY$"])
def test_a_pattern_that_grows_faster_would_be_found(text: str) -> None:
    """The counter counts what backtracks."""
    pattern = re.compile(text)
    steps = Steps(pattern)
    grown = [
        steps.work(long, searched=True) / steps.work(short, searched=True)
        for short, long in zip(attacks(pattern, 6), attacks(pattern, 12), strict=True)
    ]
    assert max(grown) > 3


@pytest.mark.parametrize(
    "text", ["12 kwh 1,234", "N01 000012345678", "May 2, 2025 to June 3, 2025", "ITHACA NY 14850", ""]
)
def test_steps_find_what_the_engine_finds(text: str) -> None:
    """The matcher that counts agrees with `re`, or its count would mean nothing."""
    for pattern in PATTERNS:
        if "^" not in pattern.pattern.replace("[^", ""):  # `match` from a place is not at the beginning
            found = [pattern.match(text, at) for at in range(len(text) + 1)]
            ends = [Steps(pattern).match(text, at) for at in range(len(text) + 1)]
            assert ends == [match.end() if match else None for match in found], pattern.pattern


def work(context: str, fill: str, layout: str, words: int) -> int:
    """Count the calls of reading a page."""
    page = bill(context, fill, layout, words)
    return calls_of(lambda: read_bill(page))


@pytest.mark.parametrize(
    ("context", "fill", "layout"),
    [
        (list(CONTEXTS)[index % len(CONTEXTS)], fill, layout)
        for index, (fill, layout) in enumerate(itertools.product(FILLS, LAYOUTS))
    ],
)
def test_work_grows_as_the_words_do(context: str, fill: str, layout: str) -> None:
    """Calls are counted, not seconds: four times the words are hardly more than four times the work."""
    assert work(context, fill, layout, 600) < 1.3 * 4 * work(context, fill, layout, 150)


def test_no_line_is_longer_than_is_read() -> None:
    """Whatever stands beside one another, phrases and rows end; no word is lost by that."""
    for fill in FILLS:
        [page] = bill("nothing", fill, "line", 300)
        [sheet] = planes(page)
        assert all(len(phrase.text) <= LINE for phrase in sheet.phrases)
        assert all(sum(len(phrase.text) + 2 for phrase in row) <= LINE + 2 for row in sheet.rows)


def test_long_words_share_what_a_page_holds() -> None:
    """A page of words as long as lines is read as far as its share of characters goes; print is not cut."""
    longest, printed = bill("nothing", "letters", "lines", 1_500), bill("nothing", "names", "lines", 1_500)
    assert (
        sum(len(token.text) for sheet in planes(longest[0]) for p in sheet.phrases for token in p.tokens) <= 12 * 1_500
    )
    assert sum(len(p.tokens) for sheet in planes(printed[0]) for p in sheet.phrases) == 1_500

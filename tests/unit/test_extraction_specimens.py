"""Bills with a text layer are read without a fault, whatever the utility and layout."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from intake.extraction import Reading, read_bill

from tests.bench.reading.degrade import Damage, damaged, text_pages
from tests.bench.reading.scoring import Outcome, score
from tests.specimens.catalogue import VARIANTS, make

EVERY = [(utility, variant) for utility, variants in VARIANTS.items() for variant in variants]
WHOLE = Damage(turn=0, skew=0, bend=0, jitter=0, slips=0, split=0, joined=0, lost=0)


@pytest.mark.parametrize(("utility", "variant"), EVERY)
def test_every_layout_is_read_whole(utility: str, variant: str) -> None:
    """All pages of a bill give every field that is printed, and no other."""
    specimen = make(31, utility, variant)
    everything = frozenset().union(*(specimen.readable_on(page) for page in range(1, specimen.page_count + 1)))
    reading = read_bill(text_pages(specimen))
    outcomes = {one.field: one for one in score(reading, specimen.truth.as_json(), everything, utility, variant)}
    assert {name: one.detail for name, one in outcomes.items() if one.outcome is not Outcome.RIGHT} == {}
    assert reading.fields["account_number_printed"].value == specimen.truth.account_number


@pytest.mark.parametrize(("utility", "variant"), EVERY)
def test_a_damaged_page_gives_nothing_wrong(utility: str, variant: str) -> None:
    """Turned, skewed and bent pages with slips and cut words may lose values; those that stay are right."""
    for seed in (41, 42):
        specimen = make(seed, utility, variant)
        rng = Random(f"{seed}/{utility}/{variant}")
        damage = replace(Damage.invent(rng), slips=0.03, split=0.02, joined=0.02, lost=0)
        for page in text_pages(specimen):
            reading = read_bill([damaged(page, damage, rng)])
            scores = list(score(reading, specimen.truth.as_json(), specimen.readable_on(page.page), utility, variant))
            assert [one.detail for one in scores if one.outcome is Outcome.WRONG] == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("skew", [-15.0, 15.0])
def test_turn_and_skew_change_nothing(quarters: int, skew: float) -> None:
    """Any quarter turn together with 15 degrees of skew gives the values of the upright page."""
    page = text_pages(make(31, "nyseg", "time_of_use"))[2]
    upright = read_bill([damaged(page, WHOLE, Random(1))])
    turned = read_bill([damaged(page, replace(WHOLE, turn=quarters, skew=skew), Random(1))])
    assert {name: found.value for name, found in turned.fields.items()} == {
        name: found.value for name, found in upright.fields.items()
    }
    assert {"account_number", "pod_id", "kwh", "service_address", "customer_name"} <= turned.fields.keys()


def test_the_document_is_small_and_comes_back_whole() -> None:
    """What is stored of a reading is under 20 kB and gives the same reading again."""
    import json

    reading = read_bill(text_pages(make(31, "national_grid", "gas_electric")))
    document = json.loads(json.dumps(reading.to_document()))
    assert len(json.dumps(document)) < 20_000
    again = Reading.from_document(document)
    assert again.to_document() == document
    assert again.diagnostics == reading.diagnostics
    assert {name: found.value for name, found in again.fields.items()} == {
        name: found.value for name, found in reading.fields.items()
    }


def test_evidence_stands_where_the_value_is() -> None:
    """Page and quad of a field lie on the printed value."""
    specimen = make(31, "nyseg", "residential")
    found = read_bill(text_pages(specimen)).fields["pod_id"]
    place = next(place for place in specimen.places if place.field == "pod_id")
    assert found.page == place.page == 3
    x0, y0, x1, y1 = place.box
    assert x0 - 0.01 < found.quad.x0 < found.quad.x1 < x1 + 0.01
    assert y0 - 0.01 < found.quad.y0 < found.quad.y2 < y1 + 0.01

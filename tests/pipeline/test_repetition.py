"""Requests and messages that come twice, together, late and in any order change nothing in the end."""

from __future__ import annotations

import http.client
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests

from tests.support import documents
from tests.support.deliverer import Deliverer
from tests.support.submitter import ANSWERS, Submitter

BURST = 60


def test_a_lost_reply_does_not_double_a_submission(submitter: Submitter) -> None:
    """The phone sends all of it, loses the network before the answer, and sends it again."""
    key = str(uuid.uuid4())
    bill = documents.text_pdf(2)
    prepared = requests.Request("POST", "http://x/", data=ANSWERS, files={"bill": bill}).prepare()
    address = urlsplit(submitter.stack.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    headers = {"Idempotency-Key": key, "Content-Type": str(prepared.headers["Content-Type"])}
    connection.request("POST", "/submit", prepared.body, headers)
    connection.close()
    answer = submitter.post([bill], key=key)
    assert answer.status_code == 202
    intake_id = answer.json()["intake_id"]
    assert submitter.ended(intake_id)["stage"] == "done"
    assert submitter.rows({intake_id}) == [intake_id]


def test_the_same_submission_many_times_at_once_is_one_intake(submitter: Submitter) -> None:
    """A double tap, or two devices: all get the same id and one of the uploads is kept."""
    key = str(uuid.uuid4())
    bill = documents.text_pdf(1)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: submitter.post([bill], key=key), range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["intake_id"] for answer in answers}) == 1
    intake_id = answers[0].json()["intake_id"]
    assert submitter.ended(intake_id)["stage"] == "done"
    assert submitter.post([bill], key=key).json()["intake_id"] == intake_id  # and long after it was recorded
    assert submitter.rows({intake_id}) == [intake_id]
    assert len(submitter.objects(f"bills/{intake_id}/")) == 1
    assert submitter.uploads(intake_id) == []


def submit_burst(submitter: Submitter) -> set[str]:
    """Submit many bills at once and return their ids."""
    bill = documents.text_pdf(1)
    with ThreadPoolExecutor(32) as pool:
        ids = set(pool.map(lambda _: submitter.submit(bill), range(BURST)))
    assert len(ids) == BURST
    return ids


def test_a_burst_with_every_message_twice_and_in_any_order_is_one_row_each(submitter: Submitter) -> None:
    """All messages of many bills at once are delivered twice, shuffled and several at a time."""
    with Deliverer(submitter.stack, copies=2, shuffle=20261123, parallel=8) as deliverer:
        ids = submit_burst(submitter)
        for intake_id in ids:
            assert submitter.ended(intake_id)["stage"] == "done"
    assert sorted(submitter.rows(ids)) == sorted(ids)
    assert deliverer.delivered >= 2 * 2 * BURST  # ocr and record, both twice


def test_chunks_may_come_in_any_order_and_twice(submitter: Submitter) -> None:
    """The chunks of one long bill are read by whoever gets them; each page is there once at the end."""
    with Deliverer(submitter.stack, copies=2, shuffle=7, parallel=8):
        intake_id = submitter.submit(documents.text_pdf(100))
        assert submitter.ended(intake_id)["stage"] == "done"
    assert len(submitter.objects(f"words/{intake_id}/")) == 100
    assert submitter.rows({intake_id}) == [intake_id]

"""The `submit` stage: one good submission is one intake, and a refused one leaves nothing behind."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from intake.errors import (
    BadIdempotencyKey,
    BadRequest,
    IdempotencyKeyReused,
    MalformedUpload,
    NotMultipart,
    TemporaryError,
    UploadAbandoned,
)
from intake.model import Status
from intake.office.lists import Agent
from intake.settings import MIB, Limits
from intake.stages.submit import Accepted, intake_id_for
from werkzeug.exceptions import ClientDisconnected

from tests.support.fakes import ANSWERS, some_office_lists
from tests.support.submission import KEY, OTHER_KEY, Service
from tests.support.uploads import JPEG, PDF, CutStream, body_of, field_part, file_part, form_body


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_good_submission(service: Service) -> None:
    """Files are stored by ids only, the intake knows them by kind, size and digest, and `ocr` is woken."""
    accepted = service.send(form_body(ANSWERS, [PDF, JPEG]))
    assert not accepted.repeated
    intake = service.store.intakes[accepted.intake_id]
    assert (intake.status, intake.form) == (Status.WAITING, ANSWERS)
    assert [(file.kind, file.size, file.sha256) for file in intake.files] == [
        ("pdf", len(PDF), hashlib.sha256(PDF).hexdigest()),
        ("jpeg", len(JPEG), hashlib.sha256(JPEG).hexdigest()),
    ]
    prefix = f"bills/{intake.id}/{intake.upload_id}/"
    assert service.bucket.objects == {f"{prefix}01": PDF, f"{prefix}02": JPEG}
    assert service.store.uploads == {}
    assert service.tasks.to_ocr == [(intake.id, 0)]


def test_any_cut_of_the_body_is_the_same_submission(service: Service) -> None:
    """Pieces of one byte give the same files and the same fingerprint as one large piece."""
    body = form_body(ANSWERS, [PDF, JPEG])
    first = service.send(body)
    again = service.send(CutStream(body, [1]))
    assert again == Accepted(first.intake_id, repeated=True)


def test_file_type_is_sniffed_over_small_pieces(service: Service) -> None:
    """A PDF whose header comes late and in pieces is still a PDF."""
    late = b"\n" * 1000 + PDF
    accepted = service.send(CutStream(form_body(ANSWERS, [late]), [3]))
    assert service.store.intakes[accepted.intake_id].files[0].kind == "pdf"
    assert list(service.bucket.objects.values()) == [late]


# --- repeating ----------------------------------------------------------------------------------------------------------


def test_repeating_gives_the_same_intake(service: Service) -> None:
    """The same key and content give the same intake, store nothing and wake nobody."""
    body = form_body(ANSWERS, [PDF])
    first = service.send(body)
    objects = dict(service.bucket.objects)
    assert service.send(body) == Accepted(first.intake_id, repeated=True)
    assert service.bucket.objects == objects
    assert service.bucket.faults.calls["write"] == len(objects)
    assert len(service.tasks.to_ocr) == 1


@pytest.mark.parametrize(
    ("answers", "files"),
    [({**ANSWERS, "title": "Manager"}, [PDF]), (ANSWERS, [PDF + b"."]), (ANSWERS, [PDF, PDF])],
    ids=["other answer", "other file", "more files"],
)
def test_key_with_other_content(service: Service, answers: dict[str, str], files: list[bytes]) -> None:
    """A key that belongs to other content is refused, and the first submission stays as it is."""
    first = service.send(form_body(ANSWERS, [PDF]))
    objects = dict(service.bucket.objects)
    with pytest.raises(IdempotencyKeyReused):
        service.send(form_body(answers, files))
    assert service.bucket.objects == objects
    assert list(service.store.intakes) == [first.intake_id]


def test_two_requests_with_one_key_at_the_same_time(service: Service) -> None:
    """The request that comes second to the commit gets the first one's intake and takes its own files away."""
    body = form_body(ANSWERS, [PDF])
    overtaken = Overtaken(body, lambda: service.send(body))
    accepted = service.send(overtaken)
    assert accepted.repeated
    intake = service.store.intakes[accepted.intake_id]
    assert list(service.bucket.objects) == [intake.files[0].object]
    assert service.store.uploads == {}


def test_two_requests_with_one_key_and_different_content(service: Service) -> None:
    """The one that comes second to the commit is refused when its content is another."""
    overtaken = Overtaken(form_body(ANSWERS, [PDF + b"."]), lambda: service.send(form_body(ANSWERS, [PDF])))
    with pytest.raises(IdempotencyKeyReused):
        service.send(overtaken)
    assert list(service.bucket.objects.values()) == [PDF]
    assert service.store.uploads == {}


class Overtaken(CutStream):
    """A slow connection: before its last byte comes, something else happens."""

    def __init__(self, body: bytes, meanwhile: object) -> None:
        super().__init__(body, [len(body) - 1, 1])
        self._meanwhile = meanwhile

    def read(self, size: int = -1) -> bytes:
        piece = super().read(size)
        if len(piece) == 1 and self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()  # type: ignore[operator]
        return piece


def test_the_intake_knows_its_agent(service: Service) -> None:
    """Whatever the agent typed, the intake has the id as the office spells it, and the name."""
    service.office_lists = some_office_lists(Agent("ag-17", "Sam Example", "", True))
    service.send(form_body({**ANSWERS, "agent_id": " AG - 17"}, [PDF]))
    (intake,) = service.store.intakes.values()
    assert intake.agent == {"id": "ag-17", "name": "Sam Example"}
    assert intake.form["agent_id"] == "AG - 17"


def test_agents_and_utilities_off_the_list_are_refused(service: Service) -> None:
    """Both are said at once, in the order of the form, and nothing is kept."""
    service.office_lists = some_office_lists(Agent("AG-18", "Kim Example", "", True), utilities=("RG&E",))
    error = service.refused(form_body(ANSWERS, [b""]))
    assert isinstance(error, BadRequest)
    assert [(each.code, each.field) for each in error.problems] == [
        ("unknown_agent", "agent_id"),
        ("malformed_field", "utility"),
        ("empty_file", "bill"),
    ]
    assert error.problems[1].message == "Choose the utility from the list: RG&E."


def test_a_missing_agent_id_is_one_problem(service: Service) -> None:
    """Nobody is told that an id that was not typed is unknown."""
    service.office_lists = some_office_lists(Agent("AG-18", "Kim Example", "", True))
    error = service.refused(form_body({**ANSWERS, "agent_id": ""}, [PDF]))
    assert error.message == "Enter your agent ID."


def test_what_was_accepted_stays_accepted(service: Service) -> None:
    """A repetition is answered like the first time, though the agent has been taken off the list since."""
    first = service.send(form_body(ANSWERS, [PDF]))
    service.office_lists = some_office_lists(Agent("AG-18", "Kim Example", "", True), utilities=("RG&E",))
    assert service.send(form_body(ANSWERS, [PDF])) == Accepted(first.intake_id, repeated=True)


def test_without_a_key_every_request_is_a_submission(service: Service) -> None:
    """A client that sends no key gets an intake each time, with an id that cannot be guessed."""
    first, second = (service.send(form_body(ANSWERS, [PDF]), key=None) for _ in range(2))
    assert first.intake_id != second.intake_id
    assert len(first.intake_id) == 32


def test_intake_id_is_a_digest_of_the_key() -> None:
    """The id follows from the key, so that two requests meet, but does not show it."""
    assert intake_id_for(KEY) == intake_id_for(KEY) != intake_id_for(OTHER_KEY)
    assert KEY.replace("-", "") not in intake_id_for(KEY)


@pytest.mark.parametrize("key", ["", "a" * 31, "a" * 65, "é" * 32, "a" * 31 + "\n", "a" * 31 + "_"])
def test_keys_that_do_not(service: Service, key: str) -> None:
    """Shorter, longer or other keys are refused before a byte is stored."""
    assert isinstance(service.refused(form_body(ANSWERS, [PDF]), key=key), BadIdempotencyKey)


# --- refusals -----------------------------------------------------------------------------------------------------------


def test_not_a_form(service: Service) -> None:
    """JSON is no form."""
    assert isinstance(service.refused(b"{}", content_type="application/json"), NotMultipart)


def test_everything_wrong_is_reported_at_once(service: Service) -> None:
    """Answers and files are checked together; answers come first, in the order of the form."""
    answers = {**ANSWERS, "phone": "no", "title": ""}
    error = service.refused(form_body(answers, [b"GIF89a", PDF, b""]))
    assert isinstance(error, BadRequest)
    assert [(problem.code, problem.field) for problem in error.problems] == [
        ("missing_field", "title"),
        ("malformed_field", "phone"),
        ("unsupported_file_type", "bill"),
        ("empty_file", "bill"),
    ]


def test_no_file(service: Service) -> None:
    """A form without any file says what to add."""
    assert service.problems([]) == [("no_file", "bill", "Add the utility bill: at least one photo or PDF.")]


def test_most_files(service: Service) -> None:
    """Ten files are taken, eleven are not."""
    assert len(service.store.intakes[service.send(form_body(ANSWERS, [PDF] * 10)).intake_id].files) == 10
    assert Service().problems([PDF] * 11) == [
        ("too_many_files", "bill", "You added 11 files; the limit is 10. Remove some."),
    ]


def test_most_bytes() -> None:
    """Exactly as many bytes as are allowed are taken, one more is not; the files count together."""
    limits = Limits(upload_bytes=MIB)
    half = PDF + bytes(MIB // 2 - len(PDF))
    service = Service(limits=limits)
    service.send(form_body(ANSWERS, [half, half]))
    assert sum(map(len, service.bucket.objects.values())) == MIB
    message = "The files are 1.1 MB together; the limit is 1 MB. Remove some, or take the photos at a smaller size."
    assert Service(limits=limits).problems([half, half + b"."]) == [("upload_too_large", "bill", message)]


def test_nothing_is_stored_once_it_is_too_much() -> None:
    """The bytes over the limit are counted for the sentence, but not sent to Storage."""
    service = Service(limits=Limits(upload_bytes=MIB))
    problems = service.problems([PDF + bytes(10 * MIB - len(PDF))])
    assert problems[0][2].startswith("The files are 10.0 MB together; the limit is 1 MB.")
    assert service.bucket.faults.calls["write"] <= MIB // (64 * 1024) + 2
    assert service.bucket.faults.calls["close"] == 0


def test_file_in_another_field(service: Service) -> None:
    """A file that came in another field is not silently dropped."""
    error = service.refused(
        body_of([*(field_part(*answer) for answer in ANSWERS.items()), file_part(PDF), file_part(PDF, name="title")])
    )
    assert isinstance(error, BadRequest)
    assert [(problem.code, problem.field, problem.message) for problem in error.problems] == [
        (
            "unexpected_file",
            "title",
            "Files belong in the field for the utility bill. Remove the file from this field.",
        )
    ]


@pytest.mark.parametrize("error", [None, ClientDisconnected(), ConnectionResetError()], ids=repr)
def test_client_disconnects(service: Service, error: Exception | None) -> None:
    """An upload that breaks off within its second file leaves nothing, the first file included."""
    body = form_body(ANSWERS, [PDF, JPEG + bytes(500_000)])
    assert isinstance(service.refused(CutStream(body[:-100_000], [50_000], error)), MalformedUpload)


def test_crash_while_receiving(service: Service) -> None:
    """Also an error that nobody foresaw leaves nothing behind."""
    body = form_body(ANSWERS, [PDF, JPEG])
    with pytest.raises(ZeroDivisionError):
        service.send(CutStream(body[:-10], breaks=ZeroDivisionError()))
    service.bucket.collect_garbage()
    assert service.bucket.objects == {}
    assert service.store.uploads == {}


# --- trouble with what we depend on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["intake", "begin_upload"])
def test_firestore_down_before_anything(service: Service, call: str) -> None:
    """Without Firestore nothing is stored."""
    service.store.faults.refuse(call)
    assert isinstance(service.refused(form_body(ANSWERS, [PDF])), TemporaryError)


@pytest.mark.parametrize("call", ["write", "close"])
def test_storage_fails(service: Service, call: str) -> None:
    """A file that Storage did not take ends the submission, and no half-written object comes up later."""
    service.bucket.faults.refuse(call)
    assert isinstance(service.refused(form_body(ANSWERS, [PDF, JPEG])), TemporaryError)


def test_storage_loses_the_answer_to_the_last_bytes(service: Service) -> None:
    """An object that came to be although its answer was lost is deleted."""
    service.bucket.faults.lose_answer("close")
    assert isinstance(service.refused(form_body(ANSWERS, [PDF])), TemporaryError)


def test_accept_refused(service: Service) -> None:
    """When Firestore did not make the intake, the upload stays written down for the sweeper, who deletes its files."""
    service.store.faults.refuse("accept")
    with pytest.raises(TemporaryError):
        service.send(form_body(ANSWERS, [PDF]))
    (upload,) = service.store.uploads.values()
    assert all(name.startswith(f"bills/{upload.intake_id}/{upload.id}/") for name in service.bucket.objects)
    assert service.store.intakes == {}


def test_accept_loses_the_answer(service: Service) -> None:
    """When Firestore made the intake but its answer was lost, the files stay, and the repetition finds the intake."""
    service.store.faults.lose_answer("accept")
    body = form_body(ANSWERS, [PDF])
    with pytest.raises(TemporaryError):
        service.send(body)
    (intake,) = service.store.intakes.values()
    assert service.bucket.objects == {intake.files[0].object: PDF}
    assert service.send(body) == Accepted(intake.id, repeated=True)
    assert service.bucket.objects == {intake.files[0].object: PDF}


def test_upload_swept_while_the_request_slept(service: Service) -> None:
    """An upload that the sweeper took for abandoned becomes no intake: it would be one without its files."""
    accept = service.store.accept

    def accept_late(*args: Any) -> bool:
        (upload,) = service.store.uploads.values()
        assert service.store.abandon_upload(upload)
        service.bucket.delete_all(f"bills/{upload.intake_id}/")
        return accept(*args)

    setattr(service.store, "accept", accept_late)  # noqa: B010
    assert isinstance(service.refused(form_body(ANSWERS, [PDF])), UploadAbandoned)
    assert service.store.intakes == {}


@pytest.mark.parametrize("call", ["delete_all", "abandon"])
def test_discard_fails(service: Service, call: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be deleted now stays written down for the sweeper; the caller still learns what was wrong."""
    service.bucket.faults.refuse(call)
    body = form_body(ANSWERS, [PDF + bytes(500_000)])
    with pytest.raises(MalformedUpload):
        service.send(body[:-1000])
    assert len(service.store.uploads) == 1
    assert "refused upload not deleted; the sweeper will delete it" in capsys.readouterr().out


def test_nudge_fails(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """A promise is kept without Pub/Sub: the sweeper wakes `ocr`."""
    service.tasks.faults.refuse("ocr")
    accepted = service.send(form_body(ANSWERS, [PDF]))
    assert service.store.intakes[accepted.intake_id].status is Status.WAITING
    assert "message to ocr not published; the sweeper will publish it" in capsys.readouterr().out

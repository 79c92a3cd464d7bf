"""Cloud Vision: a picture in, words with places out."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
from google.api_core import exceptions as google_exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.vision_v1 import ImageAnnotatorClient
from google.cloud.vision_v1 import types as vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport

from intake.errors import IntakeError, OcrUnavailable
from intake.folding import folded
from intake.records import Quad, Word

CALL_TIMEOUT_S = 60.0
RETRY_TIMEOUT_S = 60.0
"""How long a page is tried within one run, less than the lease of a chunk; after that Pub/Sub delivers again."""

MAX_PICTURE_BYTES = 20 * 1000 * 1000
MAX_PICTURE_PIXELS = 75_000_000
"""Vision's limits for one picture: https://cloud.google.com/vision/quotas#content."""

_TRANSIENT = (
    google_exceptions.ResourceExhausted,
    google_exceptions.ServiceUnavailable,
    google_exceptions.DeadlineExceeded,
    google_exceptions.InternalServerError,
    google_exceptions.Aborted,
)
_INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT.value[0]
_BREAK = vision.TextAnnotation.DetectedBreak.BreakType
_NO_SPACE = (_BREAK.UNKNOWN, _BREAK.HYPHEN)


class PictureRefused(IntakeError):
    """Vision cannot decode this picture, however often it is asked."""

    code = "picture_refused"
    status = 422
    message = "The text recognition service could not open this picture."


class Vision:
    """Reads pictures; one per process, safe to call from several threads.

    Args:
        endpoint: host:port of a stand-in without TLS, or "" for Google's.
    """

    def __init__(self, endpoint: str = "") -> None:
        transport = ImageAnnotatorGrpcTransport(channel=_channel(endpoint)) if endpoint else None
        self._client = ImageAnnotatorClient(transport=transport)
        self._retry = Retry(
            predicate=if_exception_type(*_TRANSIENT), initial=1.0, maximum=20.0, multiplier=2.0, timeout=RETRY_TIMEOUT_S
        )

    def words(self, picture: bytes) -> list[Word]:
        """Return the words of a picture, with places in fractions of the picture.

        Args:
            picture: JPEG or PNG bytes within Vision's limits.

        Returns:
            Words in Vision's order; parts that it splits without a blank between them (`N01-234` comes as three) are
            joined, so that a word is what stands between blanks, as in every other source.

        Raises:
            PictureRefused: The bytes are no picture to Vision.
            OcrUnavailable: Vision did not answer in spite of retries.
        """
        request = vision.AnnotateImageRequest(
            image=vision.Image(content=picture),
            features=[vision.Feature(type_=vision.Feature.Type.DOCUMENT_TEXT_DETECTION)],
            image_context=vision.ImageContext(language_hints=["en"]),
        )
        try:
            response = self._client.batch_annotate_images(
                requests=[request], retry=self._retry, timeout=CALL_TIMEOUT_S
            ).responses[0]
        except (google_exceptions.GoogleAPICallError, google_exceptions.RetryError) as exc:
            raise OcrUnavailable from exc
        if response.error.code == _INVALID_ARGUMENT:
            raise PictureRefused
        if response.error.code:
            raise OcrUnavailable
        return list(_words(response.full_text_annotation))


def _channel(endpoint: str) -> grpc.Channel:
    # The generated client lifts gRPC's limit of 4 MB a message by itself; a channel made by hand must do it too.
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return grpc.insecure_channel(endpoint, options=unlimited)


def _words(annotation: vision.TextAnnotation) -> Iterator[Word]:
    # The plain protobuf messages are read: the proto-plus wrappers cost ten times the time on a full page.
    for page in vision.TextAnnotation.pb(annotation).pages:
        for block in page.blocks:
            for paragraph in block.paragraphs:
                parts: list[Word] = []
                for word in paragraph.words:
                    text = "".join(symbol.text for symbol in word.symbols)
                    quad = _quad(word.bounding_box, page.width, page.height)
                    parts.append(Word(text, quad, _certainty(word)))
                    if word.symbols and word.symbols[-1].property.detected_break.type_ not in _NO_SPACE:
                        yield from folded(_joined(parts))
                        parts = []
                if parts:
                    yield from folded(_joined(parts))


def _certainty(word: object) -> float:
    """Return how sure the letters and digits of a word are.

    Marks do not count, engines doubt them all the time; and among fifteen letters the doubt about one hardly shows in their
    mean, so a third of what the least sure one is doubted counts in any case. What Vision says of the whole word is taken where
    it says nothing of its symbols, or where there are marks only.
    """
    said: float = word.confidence  # type: ignore[attr-defined]
    signs = [s.confidence for s in word.symbols if s.text.isalnum() and s.confidence]  # type: ignore[attr-defined]
    return min(sum(signs) / len(signs), (2 + min(signs)) / 3) if signs else said


def _quad(box: object, width: int, height: int) -> Quad:
    # Coordinates that are zero are left out of the message and read as zero here.
    corners = [(vertex.x / width, vertex.y / height) for vertex in box.vertices]  # type: ignore[attr-defined]
    return Quad(*(coordinate for corner in corners for coordinate in corner))


def _joined(parts: list[Word]) -> Word:
    if len(parts) == 1:
        return parts[0]
    first, last = parts[0].quad, parts[-1].quad
    quad = Quad(first.x0, first.y0, last.x1, last.y1, last.x2, last.y2, first.x3, first.y3)
    return Word("".join(part.text for part in parts), quad, min(part.confidence for part in parts))

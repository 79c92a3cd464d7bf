"""Cloud Vision: a picture in, words with places out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc
from google.api_core import exceptions as google_exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.vision_v1 import ImageAnnotatorClient
from google.cloud.vision_v1 import types as vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport

from intake.errors import OcrUnavailable
from intake.folding import folded
from intake.model import Quad, Word, certainty
from intake.ports import PictureRefused

CALL_TIMEOUT_S = 60.0
RETRY_TIMEOUT_S = 60.0
"""How long a page is tried within one run, less than the lease of a chunk; after that Pub/Sub delivers again."""

_TRANSIENT = (
    google_exceptions.ResourceExhausted,
    google_exceptions.ServiceUnavailable,
    google_exceptions.DeadlineExceeded,
    google_exceptions.InternalServerError,
    google_exceptions.Aborted,
)
_INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT.value[0]
_NO_BREAK = vision.TextAnnotation.DetectedBreak.BreakType.UNKNOWN
_CORNERS = 4
# Without being asked Vision gives confidences for this feature only, not for TEXT_DETECTION:
# https://cloud.google.com/python/docs/reference/vision/latest/google.cloud.vision_v1.types.TextDetectionParams
_CONTEXT = vision.ImageContext(
    language_hints=["en"],
    text_detection_params=vision.TextDetectionParams(enable_text_detection_confidence_score=True),
)

_Part = tuple[str, float, Quad | None]


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
            Words in Vision's order, clipped to the picture; what lies outside of it, or nowhere, is left out. Parts that
            Vision splits without a blank between them (`N01-234` comes as three) are joined, so that a word is what stands
            between blanks, as in every other source.

        Raises:
            PictureRefused: The bytes are no picture to Vision.
            OcrUnavailable: Vision did not answer after retries.
        """
        request = vision.AnnotateImageRequest(
            image=vision.Image(content=picture),
            features=[vision.Feature(type_=vision.Feature.Type.DOCUMENT_TEXT_DETECTION)],
            image_context=_CONTEXT,
        )
        try:
            response = self._client.batch_annotate_images(
                requests=[request], retry=self._retry, timeout=CALL_TIMEOUT_S
            ).responses[0]
        except (google_exceptions.GoogleAPICallError, google_exceptions.RetryError, GoogleAuthError) as exc:
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
                parts: list[_Part] = []
                for word in paragraph.words:
                    text = "".join(symbol.text for symbol in word.symbols)
                    parts.append((text, _certainty(word), _quad(word.bounding_box, page.width, page.height)))
                    # A hyphen at the end of a line parts too: what it joins stands on two lines.
                    if word.symbols and word.symbols[-1].property.detected_break.type_ != _NO_BREAK:
                        yield from _joined(parts)
                        parts = []
                yield from _joined(parts)


def _certainty(word: object) -> float:
    """Return how sure the letters and digits of a word are.

    Among fifteen letters the doubt about one hardly shows in their mean, so a third of what the least sure one is doubted
    counts in any case. What Vision says of the whole word is taken where it says nothing of its symbols, or where there are
    marks only.
    """
    said: float = word.confidence  # type: ignore[attr-defined]
    signs = [s.confidence for s in word.symbols if s.text.isalnum() and s.confidence]  # type: ignore[attr-defined]
    return min(sum(signs) / len(signs), (2 + min(signs)) / 3) if signs else said


def _quad(box: object, width: int, height: int) -> Quad | None:
    """Return a box in fractions of the picture, clipped to it; None if nothing of it lies inside.

    Coordinates that are zero are left out of the message and read as zero here; others may be negative or lie beyond the
    picture, as in recorded answers.
    """
    corners = [(vertex.x, vertex.y) for vertex in box.vertices]  # type: ignore[attr-defined]
    if len(corners) != _CORNERS or width <= 0 or height <= 0:
        return None
    xs, ys = zip(*corners, strict=True)
    if not (min(xs) < width and max(xs) > 0 and min(ys) < height and max(ys) > 0):
        return None
    return Quad(*(c for x, y in corners for c in (min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0))))


def _joined(parts: Sequence[_Part]) -> Iterator[Word]:
    """Yield what stands between two blanks as one word, if its place is known at least for a part."""
    placed = [quad for _, _, quad in parts if quad is not None]
    if placed:
        first, last = placed[0], placed[-1]
        quad = Quad(first.x0, first.y0, last.x1, last.y1, last.x2, last.y2, first.x3, first.y3)
        sure = certainty((text, sure) for text, sure, _ in parts)
        yield from folded(Word("".join(text for text, _, _ in parts), quad, sure))

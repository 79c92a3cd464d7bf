"""A function in the style of Google's OCR tutorial: every client imported and made at the top, whatever a request needs.

After https://cloud.google.com/functions/docs/tutorials/ocr (main.py: `from google.cloud import pubsub_v1, storage, vision`
and the clients beneath), without its translation. Here it answers HTTP, so that its first answer can be timed as the others'.
"""

from __future__ import annotations

import os

import flask
import functions_framework
import grpc
from google.cloud import pubsub_v1, storage, vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport

# The tutorial's clients find Google's own endpoints; the only difference here is where this one leads.
vision_client = vision.ImageAnnotatorClient(
    transport=ImageAnnotatorGrpcTransport(channel=grpc.insecure_channel(os.environ["VISION_EMULATOR_HOST"]))
)
publisher = pubsub_v1.PublisherClient()
storage_client = storage.Client(project=os.environ["GOOGLE_CLOUD_PROJECT"])


@functions_framework.http
def tutorial(request: flask.Request) -> tuple[str, int]:
    """GET answers 405; POST reads the text of an object in the bucket and publishes its length, as the tutorial does."""
    if request.method != "POST":
        return "", 405
    name = request.get_json()["object"]
    content = storage_client.bucket(os.environ["BILLS_BUCKET"]).blob(name).download_as_bytes()
    answer = vision_client.text_detection(image=vision.Image(content=content))
    topic = publisher.topic_path(os.environ["GOOGLE_CLOUD_PROJECT"], "bench-results")
    publisher.publish(topic, str(len(answer.full_text_annotation.text)).encode()).result()
    return "", 200

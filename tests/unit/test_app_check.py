"""App Check's tokens, signed here with a key that is served as Google serves its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from intake.cloud.app_check import AppCheck
from intake.errors import NotFromThePage, TemporaryError

NUMBER = "123456789012"
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Keys(BaseHTTPRequestHandler):
    """Serves the public key (https://www.rfc-editor.org/rfc/rfc7517)."""

    served = 0

    def do_GET(self) -> None:
        Keys.served += 1
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OURS.public_key()))
        body = json.dumps({"keys": [{**key, "kid": "k1", "alg": "RS256", "use": "sig"}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def keys_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/jwks"
    server.shutdown()
    server.server_close()


def token(key: Any = OURS, kid: str = "k1", algorithm: str = "RS256", **claims: Any) -> str:
    """Return a token as App Check issues it, with some claims changed; None leaves one out."""
    now = int(time.time())
    usual = {
        "iss": f"https://firebaseappcheck.googleapis.com/{NUMBER}",
        "aud": [f"projects/{NUMBER}", "projects/my-project"],
        "sub": f"1:{NUMBER}:web:abc",
        "iat": now,
        "exp": now + 3600,
    }
    payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid, "typ": "JWT"})


def test_a_good_token_passes_and_the_keys_are_kept(keys_url: str) -> None:
    """The keys are fetched once for many tokens."""
    check = AppCheck(NUMBER, keys_url)
    before = Keys.served
    for _ in range(3):
        check.check(token())
    assert Keys.served == before + 1


BAD = {
    "none": None,
    "empty": "",
    "no token": "abc",
    "another key": token(OTHER),
    "unknown key": token(kid="k2"),
    "another project": token(aud=["projects/999"]),
    "another issuer": token(iss=f"https://example.com/{NUMBER}"),
    "too old": token(exp=int(time.time()) - 60),
    "without an end": token(exp=None),
    "of nobody": token(sub=None),
    "unsigned": token(key="", algorithm="none"),
    "signed with the public key as a secret": token(key="x" * 32, algorithm="HS256"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_anything_else_does_not(keys_url: str, name: str) -> None:
    """Each of these is refused with the same sentence."""
    with pytest.raises(NotFromThePage):
        AppCheck(NUMBER, keys_url).check(BAD[name])


def test_no_keys_is_our_trouble() -> None:
    """Where the keys cannot be fetched, the caller is told to try again, not that he is wrong."""
    with pytest.raises(TemporaryError):
        AppCheck(NUMBER, "http://127.0.0.1:1/v1/jwks").check(token())

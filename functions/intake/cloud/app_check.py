"""Firebase App Check: whether a request comes from our page in a real browser.

The token is a JWT that Google signs for the page (https://firebase.google.com/docs/app-check/custom-resource-backend). Checked
are the signature, by Google's published keys, the issuer, the audience and the time, as the Firebase Admin SDK does.
"""

from __future__ import annotations

import jwt

from intake.errors import NotFromThePage, UpstreamError

KEYS_URL = "https://firebaseappcheck.googleapis.com/v1/jwks"
KEYS_LIFE_S = 6 * 3600
"""Google asks for the keys not to be kept longer than six hours."""


class AppCheck:
    """Checks tokens; the keys are fetched when first needed and kept.

    Args:
        project_number: Number of the Firebase project, as the token names it.
        keys_url: Where the keys are.
    """

    def __init__(self, project_number: str, keys_url: str = KEYS_URL) -> None:
        self._audience = f"projects/{project_number}"
        self._issuer = f"https://firebaseappcheck.googleapis.com/{project_number}"
        self._keys = jwt.PyJWKClient(keys_url, lifespan=KEYS_LIFE_S)

    def check(self, token: str | None) -> None:
        """Let a token pass.

        Raises:
            NotFromThePage: There is none, or it is not Google's, not ours or too old.
            UpstreamError: The keys could not be fetched.
        """
        if not token:
            raise NotFromThePage
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as exc:
            raise UpstreamError from exc
        except jwt.PyJWTError as exc:
            raise NotFromThePage from exc

"""User tokens and service tokens: EdDSA JWTs (RFC 7519, RFC 8037)."""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from libs.contracts.errors import unauthenticated
from libs.contracts.identity import TokenClaims
from libs.security.keys import load_private_key, load_public_key

ISSUER = "footnote"
AUDIENCE = "footnote"
ALGORITHM = "EdDSA"
SERVICE_TOKEN_LIFE_S = 60
# Callers send the same token for half its life: so many that were verified are known again, until they expire.
VERIFIED_KEPT = 1_000
CLOCK_SKEW_S = 5

Clock = Callable[[], float]


class UserTokenSigner:
    """Issues access tokens; only auth holds one."""

    def __init__(self, key: Ed25519PrivateKey, life_s: int, clock: Clock = time.time) -> None:
        self._key = key
        self._key_id = key_id(key.public_key())
        self._clock = clock
        self.life_s = life_s

    def sign(self, claims: TokenClaims) -> str:
        now = int(self._clock())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "org": str(claims.organization_id),
            "sid": str(claims.session_id),
            "iat": now,
            "exp": now + self.life_s,
            "jti": str(uuid4()),
        }
        if claims.api_key_id:
            payload["key"] = str(claims.api_key_id)
        if claims.share_link_id:
            payload["link"] = str(claims.share_link_id)
        return jwt.encode(payload, self._key, ALGORITHM, headers={"kid": self._key_id})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public half as a JSON Web Key Set (RFC 7517)."""
        key: dict[str, str] = json.loads(OKPAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}


def key_id(key: Ed25519PublicKey) -> str:
    """A key's name: the start of the hash of its bytes."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()[:12]).decode()


def keys_of_jwks(jwks: Mapping[str, list[dict[str, str]]]) -> dict[str, Ed25519PublicKey]:
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in jwks["keys"]:
        key = OKPAlgorithm.from_jwk(json.dumps(entry))
        if isinstance(key, Ed25519PublicKey):
            keys[entry["kid"]] = key
    return keys


def token_key_id(token: str) -> str:
    """The `kid` that a token names, unverified; 401 where the token isn't one."""
    try:
        name = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError as error:
        raise unauthenticated("The access token is malformed. Sign in again.") from error
    return name if isinstance(name, str) else ""


def verify_user_token(token: str, keys: Mapping[str, Ed25519PublicKey]) -> TokenClaims:
    """The claims of a valid access token; 401 for one that is expired, altered or meant for another audience."""
    key = keys.get(token_key_id(token))
    if key is None:
        raise unauthenticated("The access token is signed with a key that isn't ours. Sign in again.")
    try:
        payload = jwt.decode(
            token,
            key,
            [ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=CLOCK_SKEW_S,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
        return TokenClaims(
            user_id=UUID(payload["sub"]),
            organization_id=UUID(payload["org"]),
            session_id=UUID(payload["sid"]),
            api_key_id=UUID(payload["key"]) if "key" in payload else None,
            share_link_id=UUID(payload["link"]) if "link" in payload else None,
        )
    except jwt.ExpiredSignatureError as error:
        raise unauthenticated("The access token has expired. Refresh it or sign in again.") from error
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise unauthenticated("The access token isn't valid. Sign in again.") from error


class ServiceTokens:
    """Signs this process's service tokens and verifies others', from the key files of one folder.

    A token names its caller (`iss`, also the key's name) and the one service it is for (`aud`), and lives for a minute.
    """

    def __init__(self, name: str, directory: Path, clock: Clock = time.time) -> None:
        self._name = name
        self._directory = directory
        self._clock = clock
        self._key = load_private_key(directory / f"{name}.key")
        self._public: dict[str, Ed25519PublicKey] = {}
        self._issued: dict[str, tuple[str, float]] = {}
        self._verified: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def sign(self, audience: str) -> str:
        now = self._clock()
        token, renew_at = self._issued.get(audience, ("", 0.0))
        if now >= renew_at:
            payload = {"iss": self._name, "aud": audience, "iat": int(now), "exp": int(now) + SERVICE_TOKEN_LIFE_S}
            token = jwt.encode(payload, self._key, ALGORITHM, headers={"kid": self._name})
            self._issued[audience] = (token, now + SERVICE_TOKEN_LIFE_S / 2)
        return token

    def verify(self, token: str) -> str:
        """The calling service's name; 401 for anything but a living token for this service."""
        caller, expires_at = self._verified.get(token, ("", 0.0))
        if self._clock() >= expires_at:
            caller, expires_at = self._verified_anew(token)
            self._verified[token] = (caller, expires_at)
            if len(self._verified) > VERIFIED_KEPT:
                self._verified.popitem(last=False)
        return caller

    def _verified_anew(self, token: str) -> tuple[str, float]:
        try:
            caller = token_key_id(token)
            claims = jwt.decode(
                token,
                self._public_key(caller),
                [ALGORITHM],
                audience=self._name,
                issuer=caller,
                leeway=CLOCK_SKEW_S,
                options={"require": ["exp", "aud", "iss"]},
            )
            return caller, float(claims["exp"])
        except (jwt.InvalidTokenError, OSError, ValueError, TypeError) as error:
            raise unauthenticated("This address is for Footnote's own services. Use the gateway.") from error

    def _public_key(self, caller: str) -> Ed25519PublicKey:
        if not caller.replace("-", "").isalnum():
            raise ValueError("not a service's name")
        if caller not in self._public:
            self._public[caller] = load_public_key(self._directory / f"{caller}.pub")
        return self._public[caller]

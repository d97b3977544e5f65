import time
from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.contracts.errors import FootnoteError
from libs.contracts.identity import TokenClaims
from libs.security.keys import ensure_key_pairs, load_private_key
from libs.security.tokens import ServiceTokens, UserTokenSigner, keys_of_jwks, verify_user_token

NOW = 1_790_000_000


def claims() -> TokenClaims:
    return TokenClaims(user_id=uuid4(), organization_id=uuid4(), session_id=uuid4())


def refused(token: str, keys: dict) -> str:
    with pytest.raises(FootnoteError) as caught:
        verify_user_token(token, keys)
    assert caught.value.status == 401
    return caught.value.message


def test_a_token_comes_back_as_its_claims() -> None:
    signer = UserTokenSigner(Ed25519PrivateKey.generate(), 1800)
    wanted = claims()
    assert verify_user_token(signer.sign(wanted), keys_of_jwks(signer.jwks())) == wanted


def test_an_expired_token_is_refused_and_says_so() -> None:
    signer = UserTokenSigner(Ed25519PrivateKey.generate(), 60, clock=lambda: NOW - 10_000_000)
    assert "expired" in refused(signer.sign(claims()), keys_of_jwks(signer.jwks()))


def test_an_altered_token_is_refused() -> None:
    signer = UserTokenSigner(Ed25519PrivateKey.generate(), 1800)
    head, body, signature = signer.sign(claims()).split(".")
    other = signer.sign(claims()).split(".")[1]
    assert other != body
    refused(f"{head}.{other}.{signature}", keys_of_jwks(signer.jwks()))


def test_a_token_for_another_audience_is_refused() -> None:
    key = Ed25519PrivateKey.generate()
    signer = UserTokenSigner(key, 1800)
    keys = keys_of_jwks(signer.jwks())
    payload = jwt.decode(signer.sign(claims()), options={"verify_signature": False})
    foreign = jwt.encode({**payload, "aud": "elsewhere"}, key, "EdDSA", headers={"kid": next(iter(keys))})
    refused(foreign, keys)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_chooses_a_weaker_algorithm_is_refused(algorithm: str) -> None:
    signer = UserTokenSigner(Ed25519PrivateKey.generate(), 1800)
    keys = keys_of_jwks(signer.jwks())
    payload = jwt.decode(signer.sign(claims()), options={"verify_signature": False})
    secret = None if algorithm == "none" else "the public key, or any other guess at a secret"
    refused(jwt.encode(payload, secret, algorithm, headers={"kid": next(iter(keys))}), keys)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "ä.ö.ü", "." * 5000, "eyJhbGciOiJFZERTQSJ9.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token, {})


def test_a_token_signed_with_another_key_is_refused() -> None:
    ours, theirs = (UserTokenSigner(Ed25519PrivateKey.generate(), 1800) for _ in range(2))
    refused(theirs.sign(claims()), keys_of_jwks(ours.jwks()))


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    ensure_key_pairs(tmp_path, ["chat", "billing", "gateway"])
    return tmp_path


def test_a_service_token_names_its_caller_to_its_audience_only(secrets: Path) -> None:
    token = ServiceTokens("chat", secrets).sign("billing")
    assert ServiceTokens("billing", secrets).verify(token) == "chat"
    with pytest.raises(FootnoteError):
        ServiceTokens("gateway", secrets).verify(token)


def test_a_service_token_ends_after_a_minute_and_is_renewed_before(secrets: Path) -> None:
    now = float(NOW)
    chat = ServiceTokens("chat", secrets, clock=lambda: now)
    first = chat.sign("billing")
    now += 31
    assert chat.sign("billing") != first
    with pytest.raises(FootnoteError):
        ServiceTokens("billing", secrets).verify(first)


def test_a_service_token_is_verified_once_and_again_when_it_has_ended(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    chat, billing = (ServiceTokens(name, secrets, clock=lambda: now) for name in ("chat", "billing"))
    token = chat.sign("billing")
    assert [billing.verify(token) for _ in range(2)] == ["chat", "chat"]

    def ended(*_arguments: object, **_options: object) -> None:
        raise jwt.ExpiredSignatureError

    monkeypatch.setattr("libs.security.tokens.jwt.decode", ended)
    assert billing.verify(token) == "chat"
    now += 60
    with pytest.raises(FootnoteError):
        billing.verify(token)


@pytest.mark.parametrize("kid", ["nobody", "../secrets/chat", "", "chat\x00"])
def test_a_service_token_of_an_unknown_caller_is_refused(secrets: Path, kid: str) -> None:
    key = load_private_key(secrets / "chat.key")
    token = jwt.encode({"iss": kid, "aud": "billing", "exp": 4_000_000_000}, key, "EdDSA", headers={"kid": kid})
    with pytest.raises(FootnoteError) as caught:
        ServiceTokens("billing", secrets).verify(token)
    assert caught.value.status == 401


def test_keys_are_kept_and_private_ones_are_readable_by_their_owner_only(secrets: Path) -> None:
    before = (secrets / "chat.key").read_bytes()
    ensure_key_pairs(secrets, ["chat"])
    assert (secrets / "chat.key").read_bytes() == before
    assert (secrets / "chat.key").stat().st_mode & 0o777 == 0o600

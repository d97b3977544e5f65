from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.auth.credentials import RefreshTokens, hash_of, new_api_key, shown_prefix


def test_a_refresh_token_has_one_successor_that_only_the_key_tells() -> None:
    key = Ed25519PrivateKey.generate()
    tokens, same, other = RefreshTokens(key), RefreshTokens(key), RefreshTokens(Ed25519PrivateKey.generate())
    first = tokens.first()
    assert tokens.after(first) == same.after(first)
    assert tokens.after(first) != other.after(first)
    assert len({first, tokens.after(first), tokens.after(tokens.after(first)), tokens.first()}) == 4


def test_an_api_key_shows_too_little_of_itself_to_be_guessed() -> None:
    key = new_api_key()
    assert key.startswith("fn_")
    assert key.startswith(shown_prefix(key))
    assert len(key) - len(shown_prefix(key)) >= 32
    assert len(hash_of(key)) == 32

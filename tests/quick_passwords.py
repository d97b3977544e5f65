"""Real password hashes that cost a thousandth, for tests that make hundreds of them."""

from passlib.context import CryptContext

from libs.security.passwords import PasswordHasher


def make_quick(hasher: PasswordHasher) -> None:
    """The hasher with Argon2's least memory and passes; all else of it stays."""
    hasher._context = CryptContext(
        schemes=["argon2"], argon2__type="ID", argon2__rounds=1, argon2__memory_cost=1024, argon2__parallelism=1
    )
    hasher._nobodys = hasher._context.hash("nobody")

"""Fields that are encrypted where they are stored: AES-256-GCM under a key file of the service's own."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.security.keys import write_new

KEY_BYTES = 32
NONCE_BYTES = 12


class FieldKeyError(Exception):
    """The field was encrypted under another key, or for another place."""


class FieldCipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, text: str, place: str) -> bytes:
        """The text, to be read at the same `place` only: moved to another row, it is worth nothing."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())

    def decrypt(self, field: bytes, place: str) -> str:
        """Raises FieldKeyError."""
        try:
            return self._cipher.decrypt(field[:NONCE_BYTES], field[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise FieldKeyError("It can't be decrypted with this installation's key. Enter it again.") from error


def load_field_cipher(directory: Path, name: str) -> FieldCipher:
    """The cipher of `<name>.aes` (mode 0600), which is made where there is none; of two that make it, one wins.

    Raises ValueError for a file that doesn't hold a key.
    """
    path = directory / f"{name}.aes"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(path, AESGCM.generate_key(KEY_BYTES * 8), 0o600)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{str(path)!r} doesn't hold a key of {KEY_BYTES} bytes. Put the one from your backup there.")
    return FieldCipher(key)

"""Ed25519 key files: auth's signs users' tokens, each service's own signs its service tokens."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

OPERATOR = "operator"
USER_TOKENS = "user-tokens"


def ensure_key_pairs(directory: Path, names: list[str]) -> None:
    """Makes the missing pairs `<name>.key` (mode 0600) and `<name>.pub`; existing ones stay."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in names:
        private = directory / f"{name}.key"
        if not private.exists():
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_new(private, pem, 0o600)
        public = directory / f"{name}.pub"
        if not public.exists():
            pem = load_private_key(private).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            write_new(public, pem, 0o644)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """A key file is complete or absent, also after a crash, and the first of two writers wins."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def load_private_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{str(path)!r} doesn't hold an Ed25519 private key; delete it to have a new one made.")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError(f"{str(path)!r} doesn't hold an Ed25519 public key; delete it to have it made again.")
    return key

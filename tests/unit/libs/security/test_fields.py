"""Encrypted fields."""

from pathlib import Path

import pytest

from libs.security.fields import FieldKeyError, load_field_cipher


def test_a_field_is_read_with_its_key_at_its_place_only(tmp_path: Path) -> None:
    cipher = load_field_cipher(tmp_path / "secrets", "fields")
    field = cipher.encrypt("a secret", "row 1")
    assert b"secret" not in field
    assert load_field_cipher(tmp_path / "secrets", "fields").decrypt(field, "row 1") == "a secret"
    assert cipher.encrypt("a secret", "row 1") != field
    for broken, place in ((field, "row 2"), (field[:-1], "row 1"), (b"", "row 1")):
        with pytest.raises(FieldKeyError):
            cipher.decrypt(broken, place)
    with pytest.raises(FieldKeyError):
        load_field_cipher(tmp_path / "others", "fields").decrypt(field, "row 1")


def test_the_key_file_is_the_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    load_field_cipher(tmp_path, "fields")
    path = tmp_path / "fields.aes"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="backup"):
        load_field_cipher(tmp_path, "fields")
    assert path.read_bytes() == b"short"

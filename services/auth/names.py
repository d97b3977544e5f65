"""The forms in which addresses and names are kept."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from libs.contracts.errors import ErrorCode, FootnoteError

CONTROL = ("Cc", "Cs", "Zl", "Zp")


def normal_email(address: str) -> str | None:
    """The one form of an address in which its user is found; None for text that isn't an address."""
    try:
        valid = validate_email(address.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return None
    return unicodedata.normalize("NFC", valid.lower())


def display_name(name: str, field: str) -> str:
    """A name as it is shown, without surrounding space; 422 where it can't be shown in a line."""
    shown = unicodedata.normalize("NFC", name).strip()
    categories = [unicodedata.category(character) for character in shown]
    if any(category in CONTROL for category in categories):
        raise invalid(field, "must not contain control characters or line breaks")
    if not any(category[0] not in "CZ" for category in categories):
        raise invalid(field, "must contain a visible character")
    return shown


def name_of_personal_organization(email: str) -> str:
    return email.partition("@")[0]


def invalid(field: str, message: str) -> FootnoteError:
    """422 for one field, as the app words what pydantic finds."""
    return FootnoteError(
        ErrorCode.VALIDATION_ERROR,
        f"The request isn't valid. {field}: {message}",
        422,
        {"fields": [{"field": field, "message": message}], "param": field},
    )

import pytest

from libs.contracts.errors import FootnoteError
from services.auth.names import display_name, normal_email


@pytest.mark.parametrize("typed", ["Ada@Example.com", " ada@EXAMPLE.COM ", "ADA@example.com"])
def test_an_address_has_one_form(typed: str) -> None:
    assert normal_email(typed) == "ada@example.com"


def test_an_international_domain_has_one_form() -> None:
    assert normal_email("ada@xn--bcher-kva.example.com") == normal_email("Ada@BÜCHER.example.com")


@pytest.mark.parametrize("typed", ["", "ada", "ada@", "a\0b@example.com", "' OR 1=1 --", "@" * 254])
def test_what_is_no_address_is_no_ones(typed: str) -> None:
    assert normal_email(typed) is None


@pytest.mark.parametrize("name", ["Acme & Söhne", "株式会社", "Ada 👩‍🔬", "نمونه‌ها"])
def test_names_of_any_language_stay(name: str) -> None:
    assert display_name(f"  {name} ", "name") == name


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "a\nb", "\u200b", "a\u2028b", "\x1b[31m"])
def test_names_that_do_not_fit_a_line_are_refused(name: str) -> None:
    with pytest.raises(FootnoteError) as refused:
        display_name(name, "organization_name")
    assert refused.value.status == 422
    assert refused.value.details["param"] == "organization_name"

import pytest

from scripts.api import ApiError
from scripts.search import filters_of


def test_filters_of_the_command_line_are_those_of_the_api():
    given = ["language=en", "tags=a", "tags=b=c", "metadata.year=2024", "metadata.place=", "colour=red"]
    assert filters_of(given) == {
        "language": "en",
        "tags": ["a", "b=c"],
        "metadata": {"year": "2024", "place": ""},
        "colour": "red",
    }


def test_a_filter_without_a_value_is_refused():
    with pytest.raises(ApiError, match="NAME=VALUE"):
        filters_of(["language"])

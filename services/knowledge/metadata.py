"""Free metadata as they are compared: by how a value is written, so that 2024, 2024.0 and "2024" are one."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from libs.contracts.values import INT_MAX, MetadataValue


def written(value: MetadataValue) -> str:
    """A whole number without a fraction, any other as JSON has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return str(int(exact)) if exact == exact.to_integral_value() else repr(value)
    return str(value)


def facts(metadata: Mapping[str, MetadataValue]) -> tuple[str, ...]:
    """One text for each value, under which index rows are found; a key has no `=` in it."""
    return tuple(sorted(f"{key}={written(value)}" for key, value in metadata.items()))


def same(value: MetadataValue) -> list[MetadataValue]:
    """Every JSON value that is written like this one."""
    text = written(value)
    numbers = [number for parse in (int, float) if (number := _number(parse, text)) is not None]
    return [text, *({"true": [True], "false": [False]}.get(text, numbers))]


def _number(parse: Callable[[str], int | float], text: str) -> int | float | None:
    try:
        number = parse(text)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= INT_MAX and written(number) == text else None

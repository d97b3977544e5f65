import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.safety.personal.finding import Kind, found_in
from services.chat.safety.personal.masking import MASK, StandIns, masked, masked_value

# Made up, with right checksums.
VALUES = [
    ("anna.meyer+hr@example.co.uk", Kind.EMAIL),
    ("4111 1111 1111 1111", Kind.CARD),
    ("378282246310005", Kind.CARD),
    ("DE89 3704 0044 0532 0130 00", Kind.IBAN),
    ("GB82WEST12345698765432", Kind.IBAN),
    ("536-90-4399", Kind.NATIONAL_ID),
    ("12345678Z", Kind.NATIONAL_ID),
    ("RSSMRA85T10A562S", Kind.NATIONAL_ID),
    ("131052-308T", Kind.NATIONAL_ID),
    ("756.9217.0769.85", Kind.NATIONAL_ID),
    ("390.533.447-05", Kind.NATIONAL_ID),
    ("+49 30 901820", Kind.PHONE),
    ("+1 212-555-2368", Kind.PHONE),
]


@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_each_kind_is_found_where_it_stands(value: str, kind: Kind):
    text = f"Please look up {value}, and say who that is."
    [found] = found_in(text)
    assert (found.kind, text[found.start : found.end]) == (kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111 1111 1111 1112 is late.",
        "DE89 3704 0044 0532 0130 01 isn't one.",
        "Ticket 12345678A and build 000-12-3456.",
        "Version 1.2.3 of 2024-05-17 12:30:00 at 10.0.0.1",
        "The id is 5f0c8b1e-1111-4111-8111-411111111111.",
        "Room 123 456 789 on floor 3, @home",
        "123456782",
    ],
)
def test_what_fails_its_checksum_or_has_another_shape_is_no_personal_data(text: str):
    assert found_in(text) == []


def test_a_weak_checksum_needs_its_name_beside_it():
    assert [one.kind for one in found_in("My BSN is 123456782.")] == [Kind.NATIONAL_ID]
    assert [one.kind for one in found_in("NHS number 943 476 5919")] == [Kind.NATIONAL_ID]
    assert found_in("Invoice 943 476 5919") == []


def test_national_phone_numbers_count_in_their_region_alone():
    assert found_in("Call (212) 555-2368 today.") == []
    assert [one.kind for one in found_in("Call (212) 555-2368 today.", ["US"])] == [Kind.PHONE]


@given(st.lists(st.sampled_from([value for value, _ in VALUES] + ["and", "Who is", "—", "é", "[1]", "\n"]), max_size=8))
def test_a_masked_text_is_as_long_and_holds_no_value(parts: list[str]):
    text = " ; ".join(parts)
    after = masked(text)
    assert len(after) == len(text)
    assert all(value not in after for value, _ in VALUES)
    assert masked(after) == after


@given(st.text(max_size=200))
def test_masking_keeps_every_place_of_any_text(text: str):
    after = masked(text)
    assert len(after) == len(text)
    assert all(new in (old, MASK) for old, new in zip(text, after, strict=True))


def test_identifiers_of_a_record_stay():
    record = {
        "chunk_id": "41111111-1111-4111-8111-111111111111",
        "n": 4,
        "texts": ["Write to a@example.com"],
        "none": None,
    }
    assert masked_value(record) == record | {"texts": ["Write to •••••••••••••"]}


async def test_a_generator_writes_names_and_the_reader_sees_values():
    stand_ins = StandIns()
    asked = stand_ins.hide("Is anna@example.com on 4111111111111111? And bob@example.com? anna@example.com!")
    assert asked == "Is MASKED_EMAIL_3 on MASKED_CARD_2? And MASKED_EMAIL_1? MASKED_EMAIL_3!" or "example" not in asked
    assert asked.count(asked.split()[1]) == 2

    async def pieces():
        for letter in f"Yes: {asked} M":
            yield letter

    said = [piece async for piece in stand_ins.shown_in(pieces())]
    assert "".join(said) == ("Yes: Is anna@example.com on 4111111111111111? And bob@example.com? anna@example.com! M")
    assert not any("MASKED" in piece for piece in said)

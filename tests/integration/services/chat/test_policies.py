import asyncio

import pytest

DEFAULTS = {
    "mode": "auto",
    "unsupported": "cut",
    "injected": "drop",
    "personal_data": "allow",
    "moderate_questions": False,
    "moderate_answers": False,
    "cache_answers": True,
    "caution": "normal",
    "instructions": "",
}


async def test_an_admin_changes_what_is_named_and_the_rest_stays(chat, person):
    admin = person(admin=True)
    assert (await chat.get("/admin/answers", headers=admin.headers)).json() == DEFAULTS
    for change in ({"mode": "extractive"}, {"instructions": "  Answer in French. "}):
        response = await chat.patch("/admin/answers", json=change, headers=admin.headers)
        assert response.status_code == 200
    expected = DEFAULTS | {"mode": "extractive", "instructions": "Answer in French."}
    assert response.json() == expected
    assert (await chat.get("/admin/answers", headers=admin.headers)).json() == expected
    other = person(admin=True)
    assert (await chat.get("/admin/answers", headers=other.headers)).json() == DEFAULTS


async def test_changes_of_two_admins_at_once_are_both_kept(chat, person):
    admin = person(admin=True)
    changes = [{"mode": "extractive"}, {"unsupported": "mark"}, {"personal_data": "mask"}, {"cache_answers": False}]
    await asyncio.gather(*(chat.patch("/admin/answers", json=one, headers=admin.headers) for one in changes))
    kept = (await chat.get("/admin/answers", headers=admin.headers)).json()
    assert kept == DEFAULTS | {key: value for one in changes for key, value in one.items()}


async def test_members_neither_read_nor_change_the_policy(chat, person):
    member = person()
    assert (await chat.get("/admin/answers", headers=member.headers)).status_code == 403
    assert (await chat.patch("/admin/answers", json={}, headers=member.headers)).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "inventive"}, "mode"),
        ({"cache_answers": "perhaps"}, "cache_answers"),
        ({"caution": "none"}, "caution"),
        ({"instructions": "x" * 1_001}, "instructions"),
        ({"instructions": "a\x00b"}, "instructions"),
        ({"temperature": 1}, "temperature"),
    ],
)
async def test_a_wrong_policy_is_refused_by_its_field(chat, person, change, field):
    admin = person(admin=True)
    response = await chat.patch("/admin/answers", json=change, headers=admin.headers)
    assert (response.status_code, response.json()["code"]) == (422, "VALIDATION_ERROR")
    assert field in str(response.json()["details"])
    assert (await chat.get("/admin/answers", headers=admin.headers)).json() == DEFAULTS


async def test_a_persons_instructions_are_theirs_alone(chat, person):
    someone = person()
    colleague = person(someone.organization_id)
    said = await chat.put("/chat/instructions", json={"instructions": "Be brief."}, headers=someone.headers)
    assert said.json() == {"instructions": "Be brief."}
    assert (await chat.get("/chat/instructions", headers=someone.headers)).json() == {"instructions": "Be brief."}
    assert (await chat.get("/chat/instructions", headers=colleague.headers)).json() == {"instructions": ""}
    await chat.put("/chat/instructions", json={"instructions": " "}, headers=someone.headers)
    assert (await chat.get("/chat/instructions", headers=someone.headers)).json() == {"instructions": ""}

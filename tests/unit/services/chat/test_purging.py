from services.chat import purging


async def test_it_goes_on_until_nothing_is_left_and_no_longer_than_a_turn(monkeypatch):
    monkeypatch.setattr(purging, "MOST_BATCHES", 4)
    left = 25

    async def purge() -> int:
        nonlocal left
        gone = min(10, left)
        left -= gone
        return gone

    assert (await purging.purged_in_batches(purge), left) == (25, 0)
    left = 100
    assert (await purging.purged_in_batches(purge), left) == (40, 60)

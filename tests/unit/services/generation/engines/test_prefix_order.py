from services.generation.engines.prefix_order import PrefixOrder

CONTEXT = list(range(300))


def test_a_prompt_waits_for_another_that_computes_its_beginning():
    order = PrefixOrder()
    assert order.start(1, [*CONTEXT, 1])
    assert not order.start(2, [*CONTEXT, 2])
    assert order.start(3, [7, *CONTEXT])  # another beginning
    order.computed(1)
    assert order.start(2, [*CONTEXT, 2])
    assert order.start(4, [*CONTEXT, 4])  # all that it shares with 2 is there


def test_a_short_beginning_is_not_waited_for():
    order = PrefixOrder()
    assert order.start(1, [*CONTEXT[:20], *range(1000, 1300)])
    assert order.start(2, [*CONTEXT[:20], *range(2000, 2300)])


def test_those_that_share_more_than_is_known_wait_again():
    order = PrefixOrder()
    order.start(1, CONTEXT[:100])
    order.computed(1)
    assert order.start(2, [*CONTEXT, 2])
    assert not order.start(3, [*CONTEXT, 3])


def test_nobody_waits_for_a_prompt_that_was_dropped():
    order = PrefixOrder()
    order.start(1, CONTEXT)
    order.dropped(1)
    order.computed(1)
    assert order.start(2, CONTEXT)

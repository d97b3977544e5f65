from services.generation.routing.breaker import CircuitBreaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    breaker = CircuitBreaker(clock, failures=2, open_s=10)
    for _ in range(2):
        assert breaker.admits()
        breaker.failed()
    return breaker, clock


def test_it_opens_after_failures_in_a_row():
    breaker = CircuitBreaker(Clock(), failures=2)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.state == "closed"
    breaker.failed()
    assert (breaker.state, breaker.admits()) == ("open", False)
    assert breaker.retry_after_s == 10


def test_one_at_a_time_tries_it_again():
    breaker, clock = opened()
    clock.now = 10
    assert breaker.state == "half-open"
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert (breaker.state, breaker.admits(), breaker.retry_after_s) == ("closed", True, 0)


def test_a_failed_try_opens_it_anew():
    breaker, clock = opened()
    clock.now = 10
    assert breaker.admits()
    breaker.failed()
    assert breaker.state == "open"
    clock.now = 19
    assert not breaker.admits()
    clock.now = 20
    assert breaker.admits()


def test_a_try_that_its_reader_left_makes_way_for_the_next():
    breaker, clock = opened()
    clock.now = 10
    assert breaker.admits()
    breaker.abandoned()
    assert breaker.state == "half-open"
    assert breaker.admits()

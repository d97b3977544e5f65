"""How long a service takes to end after SIGTERM, in seconds: whoever stops one waits for it at least so long."""

# For requests that are open; what answers them is cancelled then.
OPEN_REQUESTS_S = 10
# Then for what goes on without a request, such as answers that wait for a database that is away.
LONGEST_DRAIN_S = 20
# With the time to close what it uses.
ENDED_WITHIN_S = OPEN_REQUESTS_S + LONGEST_DRAIN_S + 5

"""The metrics that every service has; a service adds its own beside its code."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("footnote_http_requests_total", "Answered HTTP requests.", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "footnote_http_request_seconds", "Time from a request's head to its last byte.", ["service", "method", "route"]
)

"""W3C trace context in and out of every service; spans leave the process only where a collector is configured.

FastAPI traces requests itself once a tracer provider is set; outgoing calls are traced by httpx's instrumentation.
"""

import os

from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def setup_traces(service: str) -> None:
    """Continues the caller's trace; exports to OTEL_EXPORTER_OTLP_ENDPOINT where that is set."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: f"footnote-{service}"}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - most never need it
            OTLPSpanExporter,
        )

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    HTTPXClientInstrumentor().instrument()

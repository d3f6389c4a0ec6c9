"""The wire contract: every attribute, metric, header and reason that Tachograph writes or reads.

Constants only; any package may import it. Names follow OpenTelemetry's semantic-conventions-genai
0.1 (development), cost as proposed there (`gen_ai.usage.cost.*`), hardware names from semantic
conventions 1.44; our own names stand under `tachograph.`.
"""

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""Schema URL written into the instrumentation scope of every span we make."""

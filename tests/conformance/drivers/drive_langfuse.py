"""langfuse: its wrapped openai client, under an agent with a tool, in a session."""

import os

from calls import every_call  # type: ignore[import-not-found]
from langfuse import Langfuse, propagate_attributes  # type: ignore[import-not-found]
from langfuse import openai as langfuse_openai

client = Langfuse(
    public_key="none", secret_key="none", base_url=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
)
with (
    propagate_attributes(user_id="ada", session_id="session-1", tags=["t"]),
    client.start_as_current_observation(name="meteorologist", as_type="agent", input="sky?"),
):
    with client.start_as_current_observation(
        name="weather", as_type="tool", input={"city": "Bern"}
    ) as tool:
        tool.update(output="rain")
    for call in every_call(langfuse_openai.openai):
        call()
client.shutdown()

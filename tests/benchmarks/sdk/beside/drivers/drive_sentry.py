"""sentry-sdk with its own tracing and its own instrumentation of openai, beside ours."""

import os

import openai
import sentry_sdk  # type: ignore[import-not-found]

import tachograph

sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], traces_sample_rate=1.0)
tachograph.init(provider=os.environ["PROVIDER"])  # type: ignore[arg-type]
client = tachograph.wrap(openai.OpenAI(base_url=os.environ["ENGINE_URL"], api_key="k"))
with sentry_sdk.start_transaction(name="theirs"), tachograph.span("ours"):
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
sentry_sdk.flush(10)
tachograph.shutdown(10)

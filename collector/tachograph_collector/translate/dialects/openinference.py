"""OpenInference (Arize Phoenix): the `openinference.span.kind` dialect.

`llm.model_name` is the response's model where there was a response; the request's model stands in
the invocation parameters. `llm.token_count.prompt` includes cached tokens, `completion` reasoning
tokens: the details are parts of them, by the specification.
"""

from tachograph.semconv import attributes as a
from tachograph_collector.translate.convert import enumeration, known_provider
from tachograph_collector.translate.dialects.table import (
    TOTAL_TOKENS,
    Blob,
    Content,
    Dialect,
    Indexed,
    Typed,
)
from tachograph_collector.translate.indexed import (
    indexed_documents,
    indexed_messages,
    indexed_texts,
)
from tachograph_collector.translate.shapes import messages_text
from tachograph_collector.translate.values import as_count, as_money, as_text, as_texts, text_of

SPAN_KINDS = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "AGENT": "invoke_agent",
    "CHAIN": "invoke_workflow",
    "TOOL": "execute_tool",
    "RETRIEVER": "retrieval",
    "RERANKER": "rerank",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluate",
    "PROMPT": "render_prompt",
    "DECISION": "decide",
}
PROVIDERS = {
    "mistralai": "mistral_ai",
    "vertexai": "gcp.vertex_ai",
    "google": "gcp.gen_ai",
    "azure": "azure.ai.openai",
    "aws": "aws.bedrock",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
}
PARAMETERS = {
    "model": a.REQUEST_MODEL,
    "model_name": a.REQUEST_MODEL,
    "stream": a.REQUEST_STREAM,
    "temperature": a.REQUEST_TEMPERATURE,
    "top_p": a.REQUEST_TOP_P,
    "top_k": a.REQUEST_TOP_K,
    "max_tokens": a.REQUEST_MAX_TOKENS,
    "max_completion_tokens": a.REQUEST_MAX_TOKENS,
    "seed": a.REQUEST_SEED,
    "n": a.REQUEST_CHOICE_COUNT,
    "stop": a.REQUEST_STOP_SEQUENCES,
    "frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": a.REQUEST_PRESENCE_PENALTY,
}

DIALECT = Dialect(
    name="OpenInference",
    source="openinference-semantic-conventions 0.1.42",
    typed=(
        Typed("openinference.span.kind", "operation", enumeration(SPAN_KINDS), keep=True),
        Typed("llm.provider", "provider", known_provider(PROVIDERS)),
        Typed("llm.system", "provider", known_provider(PROVIDERS)),
        Typed("llm.request.model_name", "request_model", as_text),
        Typed("llm.response.model_name", "response_model", as_text),
        Typed("llm.model_name", "response_model", as_text),
        Typed("embedding.model_name", "response_model", as_text),
        Typed("reranker.model_name", "response_model", as_text),
        Typed("llm.finish_reason", "finish_reasons", as_texts),
        Typed("llm.token_count.prompt", "input_tokens", as_count),
        Typed("llm.token_count.completion", "output_tokens", as_count),
        Typed("llm.token_count.total", TOTAL_TOKENS, as_count, keep=True),
        Typed("llm.token_count.prompt_details.cache_read", "cache_read_tokens", as_count),
        Typed("llm.token_count.prompt_details.cache_write", "cache_write_tokens", as_count),
        Typed("llm.token_count.prompt_details.cache_input", "cache_read_tokens", as_count),
        Typed("llm.token_count.completion_details.reasoning", "reasoning_tokens", as_count),
        Typed("llm.cost.total", "reported_cost", as_money),
    ),
    contents=(
        Indexed("llm.input_messages.", "prompt", indexed_messages),
        Content("llm.prompts", "prompt", text_of),
        Indexed("llm.prompts.", "prompt", indexed_texts("user")),
        Indexed("embedding.embeddings.", "prompt", indexed_texts("user")),
        Content("reranker.query", "prompt", messages_text),
        Content("input.value", "prompt", messages_text),
        Indexed("llm.output_messages.", "completion", indexed_messages),
        Indexed("llm.choices.", "completion", indexed_texts("assistant")),
        Content("output.value", "completion", messages_text),
        Indexed("retrieval.documents.", "context", indexed_documents),
        Indexed("reranker.output_documents.", "context", indexed_documents),
    ),
    blobs=(
        Blob("llm.invocation_parameters", PARAMETERS),
        Blob("embedding.invocation_parameters", PARAMETERS),
    ),
    renamed={"agent.name": a.AGENT_NAME, "tool.name": a.TOOL_NAME, "tool.id": a.TOOL_CALL_ID},
    first_chunk_events=("First Token Stream Event",),
    scores=("annotations.", "evaluations."),
)

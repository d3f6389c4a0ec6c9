"""Span and resource attribute names (source: semantic-conventions-genai 0.1 unless under `tachograph.`)."""

# --- GenAI: what was asked of which model
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
OUTPUT_TYPE = "gen_ai.output.type"

# --- GenAI: what came back
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_SYSTEM_FINGERPRINT = "openai.response.system_fingerprint"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"  # seconds

# Cached tokens are part of input_tokens, reasoning tokens part of output_tokens: never addends.
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens"
RESPONSE_PERPLEXITY = "tachograph.response.perplexity"  # exp(-mean ln p) of the output's tokens
USAGE_COST_AMOUNT = "gen_ai.usage.cost.amount"
USAGE_COST_CURRENCY = "gen_ai.usage.cost.currency"
USAGE_COST_SOURCE = "gen_ai.usage.cost.source"  # provider | local

# --- GenAI: content (opt-in) and structure
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"
RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents"
DATA_SOURCE_ID = "gen_ai.data_source.id"
AGENT_NAME = "gen_ai.agent.name"
CONVERSATION_ID = "gen_ai.conversation.id"

# --- General
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
REQUEST_RESEND_COUNT = "http.request.resend_count"  # how often the client sent it again
SERVICE_NAME = "service.name"
SERVICE_INSTANCE_ID = "service.instance.id"
SESSION_ID = "session.id"
CELERY_TASK_ID = "messaging.message.id"  # the task's id: one message a task
USER_ID = "user.id"

# --- Tachograph: who observed the request, and does it count
OBSERVER = "tachograph.observer"  # see Observer
COUNTED = "tachograph.counted"  # bool; False: another observer's span carries this request's totals
REQUEST_ID = "tachograph.request.id"  # the X-Request-Id that joins SDK, sidecar and engine spans
TENANT = "tachograph.tenant"
TENANT_SOURCE = "tachograph.tenant.source"  # key | header | attribute
VARIANT = "tachograph.variant"
CONTENT_CAPTURE = "tachograph.content.capture"  # off | metadata | full
TRUNCATED = "tachograph.truncated"  # string[]: names of the attributes that were cut
EVALUATION_CONTEXT = "tachograph.evaluation.context"  # the text that the answer may rely on
FUNCTION_INPUT = "tachograph.function.input"  # JSON of the arguments of an observed function
FUNCTION_OUTPUT = "tachograph.function.output"

# --- Tachograph: stream timing, all seconds on the observer's monotonic clock
STREAM_CHUNK_COUNT = "tachograph.stream.chunk_count"
STREAM_TIME_PER_CHUNK = "tachograph.stream.time_per_output_chunk"
STREAM_GAP_P50 = "tachograph.stream.gap.p50"
STREAM_GAP_P95 = "tachograph.stream.gap.p95"
STREAM_GAP_MAX = "tachograph.stream.gap.max"
CLIENT_DISCONNECTED = "tachograph.client.disconnected"  # bool

# --- Tachograph: before the engine, in the proxy
PROXY_QUEUE_TIME = "tachograph.proxy.queue_time"  # seconds a request waited to be let in
PROXY_CLIENT_WAIT_TIME = (
    "tachograph.proxy.client_wait_time"  # seconds an answer waited for its client to read on
)
PRIORITY = "tachograph.priority"  # high | medium | low

# --- Tachograph: the engine's own per-request facts, seconds on the engine's clock
ENGINE_TIME_TO_FIRST_TOKEN = "tachograph.engine.time_to_first_token"
ENGINE_QUEUE_TIME = "tachograph.engine.queue_time"
ENGINE_PREFILL_TIME = "tachograph.engine.prefill_time"
ENGINE_DECODE_TIME = "tachograph.engine.decode_time"

# --- Tachograph: how the engine that answered was started; absent where it does not say
ENGINE_VERSION = "tachograph.engine.version"
ENGINE_WEIGHTS = (
    "tachograph.engine.weights"  # the base model as the engine names it: hub name, path
)
ENGINE_ADAPTER = "tachograph.engine.adapter"  # the LoRA adapter on them
ENGINE_QUANTIZATION = "tachograph.engine.quantization"
ENGINE_TENSOR_PARALLEL_SIZE = "tachograph.engine.tensor_parallel_size"
ENGINE_PIPELINE_PARALLEL_SIZE = "tachograph.engine.pipeline_parallel_size"
ENGINE_ATTENTION_BACKEND = "tachograph.engine.attention_backend"

# --- Tachograph: what the request used
ENGINE_SECONDS = "tachograph.usage.engine_seconds"  # share of the engine's busy wall time
GPU_SECONDS = "tachograph.usage.gpu_seconds"
ENERGY = "tachograph.usage.energy"  # joules
ENERGY_ERROR = "tachograph.usage.energy_error"  # joules, one standard error
KV_CACHE_BYTES = "tachograph.usage.kv_cache_bytes"  # of keys and values held at the end
ATTRIBUTION_METHOD = "tachograph.usage.attribution_method"  # e.g. equal_share

# --- Tachograph: training runs
TRAINING_RUN = "tachograph.training.run"  # trace id of the run
TRAINING_STEP = "tachograph.training.step"
TRAINING_MAX_STEPS = "tachograph.training.max_steps"
TRAINING_EPOCH = "tachograph.training.epoch"
TRAINING_LOSS = "tachograph.training.loss"
TRAINING_EVALUATION_LOSS = "tachograph.training.evaluation_loss"
TRAINING_LEARNING_RATE = "tachograph.training.learning_rate"
TRAINING_GRADIENT_NORM = "tachograph.training.gradient_norm"
TRAINING_TOKENS = "tachograph.training.tokens"  # padding included
TRAINING_TOKENS_PER_SECOND = "tachograph.training.tokens_per_second"
TRAINING_BATCH_SIZE = "tachograph.training.batch_size"  # of one optimizer step, all processes
TRAINING_PROCESS_COUNT = "tachograph.training.process_count"
TRAINING_GPU_COUNT = "tachograph.training.gpu_count"

# --- Hardware (semantic conventions 1.44, `hw.*`)
HW_ID = "hw.id"
HW_TYPE = "hw.type"
HW_NAME = "hw.name"
HW_MODEL = "hw.model"
HW_VENDOR = "hw.vendor"
HW_DRIVER_VERSION = "hw.driver_version"
HW_PARENT = "hw.parent"  # the GPU that a MIG device is a part of
HW_GPU_LINK = "hw.gpu.link"  # nvlink
IO_DIRECTION = "network.io.direction"  # transmit | receive
PROCESS_PID = "process.pid"
PROCESS_NAME = "process.executable.name"
PROCESS_IS_ENGINE = "tachograph.process.is_engine"  # bool; absent where it cannot be told
GPU_INDEX = "gpu.index"

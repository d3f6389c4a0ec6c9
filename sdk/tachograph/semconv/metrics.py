"""Metric names that the sidecar writes and the collector stores.

GPU readings become one typed row a device and instant (`gpu_readings`); everything an engine
publishes keeps its own name and becomes one row a data point (`engine_readings`).
"""

from typing import Final

# --- hw.* (OpenTelemetry 1.44); attributes hw.id (the device UUID), hw.type=gpu, gpu.index
HW_GPU_UTILIZATION = "hw.gpu.utilization"  # ratio 0..1
HW_GPU_MEMORY_USAGE = "hw.gpu.memory.usage"  # By
HW_GPU_MEMORY_LIMIT = "hw.gpu.memory.limit"  # By
HW_GPU_MEMORY_UTILIZATION = "hw.gpu.memory.utilization"  # ratio 0..1, memory bus
HW_POWER = "hw.power"  # W
HW_ENERGY = "hw.energy"  # J, counter
HW_TEMPERATURE = "hw.temperature"  # Cel
HW_GPU_CLOCK_GRAPHICS = "hw.gpu.clock.graphics"  # MHz
HW_GPU_CLOCK_MEMORY = "hw.gpu.clock.memory"  # MHz
HW_GPU_POWER_LIMIT = "hw.gpu.power.limit"  # W
HW_GPU_THROTTLE_REASONS = "hw.gpu.throttle_reasons"  # NVML bit mask

# --- hw.* beside these columns: kept in `engine_readings` under their own names, labels as above
HW_ERRORS = "hw.errors"  # {error}, counter; error.type = corrected | uncorrected (ECC) | xid_<code>
HW_GPU_IO = "hw.gpu.io"  # By, counter; network.io.direction; hw.gpu.link=nvlink
HW_GPU_PCIE_THROUGHPUT = "hw.gpu.pcie.throughput"  # By/s; network.io.direction
HW_GPU_NVLINK_COUNT = "hw.gpu.nvlink.count"  # {link}, active ones
PROCESS_GPU_MEMORY_USAGE = "process.gpu.memory.usage"  # By; process.pid, process.executable.name
PROCESS_GPU_UTILIZATION = "process.gpu.utilization"  # ratio 0..1 of the SM time

GPU_READING_COLUMNS: Final = {
    HW_GPU_UTILIZATION: "utilization_ratio",
    HW_GPU_MEMORY_USAGE: "memory_used_bytes",
    HW_GPU_MEMORY_LIMIT: "memory_total_bytes",
    HW_GPU_MEMORY_UTILIZATION: "memory_bus_ratio",
    HW_POWER: "power_w",
    HW_ENERGY: "energy_j",
    HW_TEMPERATURE: "temperature_c",
    HW_GPU_CLOCK_GRAPHICS: "clock_graphics_mhz",
    HW_GPU_CLOCK_MEMORY: "clock_memory_mhz",
    HW_GPU_POWER_LIMIT: "power_limit_w",
    HW_GPU_THROTTLE_REASONS: "throttle_reasons",
}
"""Metric name -> column of `gpu_readings`."""

ENGINE_PREFIXES: Final = (
    "vllm:",
    "sglang:",
    "llamacpp:",
    "tgi_",
    "tachograph.proxy.",
    "tachograph.training.",
)
"""Metrics that begin so are stored in `engine_readings`."""

# --- what a client or sidecar did not deliver: counter, attributes `tachograph.signal` (spans |
# metrics | logs) and `error.type` (a DropReason); cumulative since `service.instance.id` started.
CLIENT_DROPPED = "tachograph.client.dropped"
CLIENT_SUBMITTED = "tachograph.client.submitted"
SIGNAL = "tachograph.signal"

# --- the sidecar's own state
PROXY_REQUESTS_IN_FLIGHT = "tachograph.proxy.requests_in_flight"
PROXY_UPSTREAM_UP = "tachograph.proxy.upstream_up"
PROXY_ENERGY_DRAWN = "tachograph.proxy.energy.drawn"  # J, by the devices' own counters
PROXY_ENERGY_BOOKED = "tachograph.proxy.energy.booked"  # J, by account; they sum to what was drawn
PROXY_ENERGY_ERROR = "tachograph.proxy.energy.error"  # J, doubt of an account, by account
ACCOUNT = "account"  # requests | idle | others | unattributed

# --- training runs; attributes gen_ai.request.model and tachograph.training.run
TRAINING_STEP = "tachograph.training.step"
TRAINING_EPOCH = "tachograph.training.epoch"
TRAINING_LOSS = "tachograph.training.loss"
TRAINING_EVALUATION_LOSS = "tachograph.training.evaluation_loss"
TRAINING_LEARNING_RATE = "tachograph.training.learning_rate"
TRAINING_GRADIENT_NORM = "tachograph.training.gradient_norm"
TRAINING_TOKENS_PER_SECOND = "tachograph.training.tokens_per_second"
TRAINING_TOKENS = "tachograph.training.tokens"  # {token}, counter

TRAINING_UNITS: Final = {
    TRAINING_STEP: "{step}",
    TRAINING_EPOCH: "{epoch}",
    TRAINING_LOSS: "1",
    TRAINING_EVALUATION_LOSS: "1",
    TRAINING_LEARNING_RATE: "1",
    TRAINING_GRADIENT_NORM: "1",
    TRAINING_TOKENS_PER_SECOND: "{token}/s",
}
"""Gauge -> unit (UCUM)."""

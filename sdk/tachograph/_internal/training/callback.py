"""What a Hugging Face `Trainer` calls while it trains."""

from pathlib import PurePath
from typing import Any

from transformers import TrainerCallback

from tachograph._internal.client import current_client
from tachograph._internal.delivery import AttributeValue
from tachograph._internal.errors import contained
from tachograph._internal.gpu.source import GpuSource
from tachograph._internal.training.gpus import TrainingGpus, cuda_uuids
from tachograph._internal.training.run import TrainingRun
from tachograph.semconv import attributes


class TachographCallback(TrainerCallback):  # type: ignore[misc]
    """Records each training run as one trace and as metrics.

    The trace: the run, below it each window of steps between two log lines (loss, learning rate,
    gradient norm, tokens/s) and each evaluation. The metrics: the same figures, and the readings
    of the GPUs in use, once a second. GPU-seconds and joules of the run stand on its span, so that
    the collector prices them; with `gpu_hour_price` the cost stands there too, in `currency`.

    Tokens are those that the model is given in training, padding included. Of several processes
    only the first records. Errors in here are contained: training is not affected.

    `gpus` replaces NVML, e.g. by a recording.
    """

    def __init__(
        self,
        *,
        gpu_hour_price: float | None = None,
        currency: str = "USD",
        gpus: GpuSource | None = None,
    ) -> None:
        self._gpu_hour_price = gpu_hour_price
        self._currency = currency
        self._source = gpus
        self._run: TrainingRun | None = None
        self._hook: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        with contained("beginning to record a training run"):
            self._close()
            if current_client() is None or not state.is_world_process_zero:
                return
            model = kwargs.get("model")
            gpus = self._gpus(args)
            self._run = TrainingRun(_model_name(model), gpus, _facts(args, state, gpus))
            if model is not None:
                counter = _TokenCounter(self._run, int(args.world_size))
                self._hook = model.register_forward_pre_hook(counter, with_kwargs=True)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._run is not None:
            with contained("recording a step"):
                self._run.begin_step()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._run is not None:
            with contained("recording a step"):
                self._run.end_step()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._run is not None:
            with contained("recording an evaluation"):
                self._run.begin_evaluation()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self._run is not None:
            with contained("recording a log line"):
                self._run.log(state.global_step, state.epoch, logs or {})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        with contained("ending to record a training run"):
            run, self._run = self._run, None
            self._close()
            if run is not None:
                run.end(
                    state.global_step,
                    gpu_hour_price=self._gpu_hour_price,
                    currency=self._currency,
                )

    def _gpus(self, args: Any) -> TrainingGpus | None:
        uuids = cuda_uuids(args)
        if self._source is None and uuids is None:
            return None
        return TrainingGpus(self._source, None if self._source is not None else uuids)

    def _close(self) -> None:
        hook, self._hook = self._hook, None
        if hook is not None:
            hook.remove()
        run, self._run = self._run, None
        if run is not None:
            run.abandon()


class _TokenCounter:
    """A hook before each forward pass."""

    def __init__(self, run: TrainingRun, world_size: int) -> None:
        self._run = run
        self._world_size = world_size

    def __call__(self, module: Any, args: Any, kwargs: Any) -> None:
        with contained("counting tokens"):
            ids = kwargs.get("input_ids")
            if module.training and ids is not None:
                self._run.count_tokens(ids.numel() * self._world_size)


def _model_name(model: Any) -> str:
    name = str(getattr(model, "name_or_path", ""))
    path = PurePath(name)
    return (path.name if path.is_absolute() else name) or type(model).__name__


def _facts(args: Any, state: Any, gpus: TrainingGpus | None) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        attributes.TRAINING_MAX_STEPS: int(state.max_steps),
        attributes.TRAINING_BATCH_SIZE: int(
            args.per_device_train_batch_size
            * max(1, args.n_gpu)
            * args.world_size
            * args.gradient_accumulation_steps
        ),
        attributes.TRAINING_PROCESS_COUNT: int(args.world_size),
    }
    if getattr(args.device, "type", None) == "cuda":
        found[attributes.TRAINING_GPU_COUNT] = int(args.world_size) * max(1, int(args.n_gpu))
    elif gpus is not None and gpus.count:
        found[attributes.TRAINING_GPU_COUNT] = gpus.count
    return found

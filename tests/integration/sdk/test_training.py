"""A real, tiny training run of Hugging Face's `Trainer`, with the callback: one trace and metrics."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

import tachograph
from tachograph.testing import Receiver
from tachograph_sidecar.gpu.replay import Recording, ReplaySource

from .tiny_model import tiny_model

pytest.importorskip("accelerate", reason="Trainer needs it")

from transformers import Trainer, TrainingArguments

from tachograph.training import TachographCallback

H100 = Path(__file__).parents[2] / "fixtures" / "nvml" / "h100.jsonl"
ROWS, LENGTH, BATCH, STEPS = 16, 12, 4, 6


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):  # type: ignore[misc]
    def __init__(self, fails_at: int | None = None) -> None:
        self._fails_at = fails_at

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        if index == self._fails_at:
            raise OSError("the disk is gone")
        ids = torch.arange(LENGTH) % 20 + 7
        return {"input_ids": ids, "labels": ids}


def trainer(folder: Path, callback: Any, rows: Rows, steps: int = STEPS) -> Any:
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        logging_steps=2,
        eval_strategy="steps",
        eval_steps=3,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    return Trainer(
        model=tiny_model().train(),
        args=arguments,
        train_dataset=rows,
        eval_dataset=Rows(),
        callbacks=[callback],
    )


def test_a_run_is_one_trace_and_metrics(tachograph_receiver: Receiver, tmp_path: Path) -> None:
    recording = Recording(H100)
    # Every look at the device is a fiftieth of the recording later, however long the run takes.
    step_ns = recording.duration_ns // 50
    moments = itertools.count(step_ns, step_ns)
    recorded = ReplaySource(recording, clock=lambda: next(moments))
    callback = TachographCallback(gpu_hour_price=3600.0, currency="EUR", gpus=recorded)
    trained = trainer(tmp_path, callback, Rows())
    trained.train()
    assert tachograph.flush(10)
    spans = tachograph_receiver.spans
    assert Counter(span.name for span in spans) == {
        "train tiny-llama": 1,
        "steps": 3,
        "evaluate": 2,
    }
    root = spans[-1]
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert {span.parent_span_id for span in spans[:-1]} == {root.span_id}
    tokens = STEPS * BATCH * LENGTH
    assert root.attributes["tachograph.training.tokens"] == tokens
    assert root.attributes["tachograph.training.tokens_per_second"] > 0
    assert root.attributes["tachograph.training.step"] == STEPS
    assert root.attributes["tachograph.training.batch_size"] == BATCH
    facts = root.attributes
    assert facts["tachograph.training.gpu_count"] == 1
    assert facts["gen_ai.usage.cost.amount"] == pytest.approx(facts["tachograph.usage.gpu_seconds"])
    assert facts["gen_ai.usage.cost.currency"] == "EUR"
    assert facts["tachograph.usage.energy"] > 0
    windows = [span for span in spans if span.name == "steps"]
    logged = [entry for entry in trained.state.log_history if "loss" in entry]
    for window, entry in zip(windows, logged, strict=True):
        assert window.attributes["tachograph.training.loss"] == pytest.approx(entry["loss"])
        assert window.attributes["tachograph.training.step"] == entry["step"]
        assert window.attributes["tachograph.training.tokens"] == 2 * BATCH * LENGTH
    points = tachograph_receiver.points
    losses = [point for point in points if point.name == "tachograph.training.loss"]
    assert [point.value for point in losses] == pytest.approx([entry["loss"] for entry in logged])
    assert {point.attributes["tachograph.training.run"] for point in losses} == {root.trace_id}
    counted = [point.value for point in points if point.name == "tachograph.training.tokens"]
    assert max(counted) == tokens
    names = {point.name for point in points}
    assert {"tachograph.training.evaluation_loss", "tachograph.training.tokens_per_second"} <= names
    power = [point for point in points if point.name == "hw.power"]
    assert power and all(point.attributes["hw.id"].startswith("GPU-") for point in power)
    assert not trained.model._forward_pre_hooks  # none stays behind


def test_a_run_that_fails_fails_as_it_would_and_is_marked(
    tachograph_receiver: Receiver, tmp_path: Path
) -> None:
    callback = TachographCallback()
    with pytest.raises(OSError, match="the disk is gone"):
        trainer(tmp_path, callback, Rows(fails_at=1)).train()
    trainer(tmp_path, callback, Rows(), steps=1).train()
    assert tachograph.flush(10)
    roots = [span for span in tachograph_receiver.spans if span.name.startswith("train")]
    assert [root.attributes.get("error.type") for root in roots] == ["interrupted", None]
    assert "tachograph.usage.gpu_seconds" not in roots[1].attributes  # on the processor

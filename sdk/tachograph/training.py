"""Training runs of Hugging Face's `Trainer` on the same pages as everything else.

    trainer = Trainer(..., callbacks=[TachographCallback()])

Needs `transformers`; GPU readings need `pip install "tachograph[gpu]"` and a CUDA device.
"""

from tachograph._internal.training.callback import TachographCallback

__all__ = ["TachographCallback"]

"""`transformers serve`. It has no metrics page, and several tokens may share one chunk."""

from tachograph_sidecar.engines.adapter import EngineAdapter

ADAPTER = EngineAdapter(
    name="transformers",
    provider="hugging_face",
    # not its model list: that fails, with a traceback in its log, where no model was ever downloaded
    health_path="/health",
    asks_for_usage=False,  # it ignores stream_options: the last chunk of a stream has usage anyway
)

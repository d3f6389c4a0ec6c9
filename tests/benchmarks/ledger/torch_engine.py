"""An OpenAI-compatible engine on a GPU that draws real power where no weights can be had.

    python tests/benchmarks/ledger/torch_engine.py --port 8000

Serves `SlotModel` with continuous batching: a prompt that comes is computed at once, then every step
gives each request of the batch a token. A word of a prompt is a token, an answer has as many tokens as
`max_tokens` says. Only torch and the standard library.
"""

import argparse
import contextlib
import gc
import json
import queue
import runpy
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

if __name__ == "__main__" and "tests.benchmarks.ledger" not in (__package__ or ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    runpy.run_module("tests.benchmarks.ledger.torch_engine", run_name="__main__")
    raise SystemExit(0)

import torch
from tests.benchmarks.ledger.torch_graphs import StepGraphs
from tests.benchmarks.ledger.torch_model import Shape, SlotModel

_EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "x "}}]}\n\n'

_SWITCH_S = 0.0002
"""How long the threads that write to clients may keep the engine's from its next step."""


@dataclass(slots=True)
class Running:
    """One request in the engine.

    `on_token` is called by the thread that tells of tokens, once for each; `is_over` is set after the last.
    """

    prompt_tokens: int
    output_tokens: int
    on_token: Callable[[], None]
    made: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)


class TorchEngine:
    """The loop: new prompts first, then a step for all. Requests beyond the slots wait.

    One other thread tells of tokens: a thread a request would keep the loop from its next step, and by
    how much would change from run to run.
    """

    def __init__(self, model: SlotModel, slots: int) -> None:
        self._model = model
        self._decode = model.decode if model.device == "cpu" else StepGraphs(model, slots).decode
        self._slots = slots
        self._new: queue.SimpleQueue[Running | None] = queue.SimpleQueue()
        self._batch: list[Running] = []
        self._last = torch.zeros(slots, dtype=torch.long, device=model.device)
        self._told: queue.SimpleQueue[tuple[Sequence[Running], bool] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=run) for run in (self._run, self._tell)]
        for thread in self._threads:
            thread.start()

    def check(self, prompt_tokens: int, output_tokens: int) -> None:
        """Raises ValueError for a request longer than the context."""
        if prompt_tokens + output_tokens > self._model.context:
            raise ValueError(f"the context has {self._model.context} tokens: ask for fewer")

    def answer(
        self, prompt_tokens: int, output_tokens: int, on_token: Callable[[], None] = lambda: None
    ) -> None:
        """Returns after the last token."""
        request = Running(prompt_tokens, output_tokens, on_token)
        self._new.put(request)
        request.is_over.wait()

    def stop(self) -> None:
        self._new.put(None)
        for thread in self._threads:
            thread.join()

    def _tell(self) -> None:
        while (told := self._told.get()) is not None:
            requests, is_over = told
            for request in requests:
                if is_over:
                    request.is_over.set()
                else:
                    request.on_token()

    def _run(self) -> None:
        while True:
            while len(self._batch) < self._slots and (self._new.qsize() or not self._batch):
                came = self._new.get()
                if came is None:
                    self._told.put(None)
                    return
                self._prefill(came)
            self._step()

    def _prefill(self, request: Running) -> None:
        model, slot = self._model, len(self._batch)
        shape = (request.prompt_tokens,)
        tokens = torch.randint(model.shape.vocabulary, shape, device=model.device)
        self._last[slot : slot + 1] = model.prefill(slot, tokens)
        self._batch.append(request)
        self._made()

    def _step(self) -> None:
        count = len(self._batch)
        if not count:
            return
        positions = torch.tensor([one.prompt_tokens + one.made - 1 for one in self._batch])
        self._last[:count] = self._decode(self._last[:count], positions)
        self._made(count)

    def _made(self, count: int | None = None) -> None:
        """A token for the first `count`, or for the one that was added last; those done leave."""
        if self._model.device != "cpu":
            torch.cuda.synchronize()
        chosen = self._batch[-1:] if count is None else self._batch[:count]
        for one in chosen:
            one.made += 1
        self._told.put((chosen, False))
        for slot in range(len(self._batch) - 1, -1, -1):
            if self._batch[slot].made >= self._batch[slot].output_tokens:
                self._leave(slot)

    def _leave(self, slot: int) -> None:
        gone, last = self._batch[slot], len(self._batch) - 1
        if slot != last:
            moved = self._batch[last]
            self._model.move(last, slot, moved.prompt_tokens + moved.made)
            self._last[slot] = self._last[last]
            self._batch[slot] = self._batch[last]
        self._batch.pop()
        self._told.put(([gone], True))


class Server(ThreadingHTTPServer):
    """`/v1/chat/completions` over a `TorchEngine`, streamed or not."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, engine: TorchEngine) -> None:
        self.engine = engine
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = max(1, sum(len(one["content"].split()) for one in asked["messages"]))
        output = int(asked.get("max_tokens") or 16)
        engine = self.server.engine
        usage = {"usage": {"prompt_tokens": prompt, "completion_tokens": output}}
        try:
            engine.check(prompt, output)
        except ValueError as error:
            self._head(400, "application/json")
            self.wfile.write(json.dumps({"error": {"message": str(error)}}).encode())
            return
        if not asked.get("stream"):
            engine.answer(prompt, output)
            self._head(200, "application/json")
            self.wfile.write(json.dumps({"choices": [], **usage}).encode())
            return
        self._head(200, "text/event-stream")
        engine.answer(prompt, output, self._send_event)
        self.wfile.write(b"data: " + json.dumps({"choices": [], **usage}).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def _send_event(self) -> None:
        with contextlib.suppress(OSError):  # a client that left costs its tokens all the same
            self.connection.send(_EVENT)

    def _head(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--slots", type=int, default=64, help="requests at once; more wait")
    parser.add_argument("--context", type=int, default=5_120, help="tokens a request may have")
    parser.add_argument("--layers", type=int, default=32, help="32 are 8 billion parameters")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch sees no GPU: install a CUDA build of torch", file=sys.stderr)
        return 1
    sys.setswitchinterval(_SWITCH_S)
    shape = Shape(layers=arguments.layers)
    model = SlotModel(shape, arguments.slots, arguments.context, "cuda", torch.bfloat16)
    engine = TorchEngine(model, arguments.slots)
    engine.answer(1_000, 20)  # kernels are chosen at their first use
    gc.freeze()
    gc.disable()  # a collection in the middle of a load would be noise
    with Server(arguments.port, engine) as server:
        print(f"engine ready on http://127.0.0.1:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    engine.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

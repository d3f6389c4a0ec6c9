# `make demo` and `make test` work on a fresh machine: Python 3.11, make, and (as root, on Debian) apt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
COMPILED := $(wildcard collector/*/*.pyx collector/*/*/*.pyx collector/*/*/*.pxi collector/*/*/*.h)

.PHONY: help install demo test check unit integration e2e bench-ingest bench-queries bench-sdk bench-sidecar bench-ledger bench-quality bench-eval bench-llm-judge bench-redaction beside bench-retention chaos chaos-eval conformance conformance-vllm conformance-vllm-steps bench-causes bench-transformers-serve fuzz clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.installed  ## make .venv and install everything

# hatchling's editable install writes static paths, so changes of Python need no reinstall.
$(VENV)/.installed: pyproject.toml evaluators/weights/pyproject.toml constraints.txt hatch_build.py $(COMPILED)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]' -e evaluators/weights --group dev
	touch $@

demo: install  ## the whole product on real traffic; ARGS=--exit ends by itself
	$(BIN)/tachograph demo $(ARGS)

test: install  ## every check and test, with the time of each tier
	$(BIN)/python tests/tiers.py

check: install  ## formatting, lint, types, import contracts
	$(BIN)/python tests/tiers.py static

unit: install  ## the fast tests
	$(BIN)/python tests/tiers.py unit architecture

integration: install  ## tests on the real ClickHouse engine, brokers, HTTP servers, models
	$(BIN)/python tests/tiers.py integration

e2e: install  ## tests of the whole stack and of the dashboard in Chromium
	$(BIN)/python tests/tiers.py e2e

beside: install  ## the SDK beside Sentry, OpenInference, LangChain, LlamaIndex, in vLLM; ARGS="--only vllm"
	$(BIN)/python tests/benchmarks/sdk/beside/beside.py $(ARGS)

bench-redaction: install  ## what redaction takes of a span and of a streamed piece
	$(BIN)/python tests/benchmarks/redaction/bench_redaction.py $(ARGS)

bench-sidecar: install  ## what the sidecar adds to a stream, beside nginx and LiteLLM; ARGS=--quick
	$(BIN)/python tests/benchmarks/sidecar/bench_sidecar.py $(ARGS)

bench-ledger: install  ## replays recorded GPU readings; ARGS=--virtual without any
	$(BIN)/python tests/benchmarks/ledger/bench_ledger.py $(ARGS)

bench-quality: install  ## evaluators on labelled data: make bench-quality DATA=folder
	$(BIN)/python tests/benchmarks/quality/bench_quality.py $(DATA) $(ARGS)

bench-ingest: install  ## spans a second beside Phoenix, MLflow and the bare engine; ARGS=--quick for a look
	$(BIN)/python tests/benchmarks/ingest/bench_ingest.py $(ARGS)

bench-queries: install  ## every question of every page at 1 and 10 million spans; ARGS=--quick
	$(BIN)/python tests/benchmarks/queries/bench_queries.py $(ARGS)

bench-sdk: install  ## what a call costs its caller, beside the peers' SDKs; ARGS=--quick
	$(BIN)/python tests/benchmarks/sdk/bench_sdk.py $(ARGS)

bench-eval: install  ## answers judged a second by the whole default suite, beside the plain way; ARGS=--quick
	$(BIN)/python tests/benchmarks/eval/bench_eval.py $(ARGS)

bench-llm-judge: install  ## agreement of the LLM judge with labels: make bench-llm-judge DATA=folder
	$(BIN)/python tests/benchmarks/llm_judge/bench_llm_judge.py $(DATA) $(ARGS)

bench-retention: install  ## what forgetting, rewriting, exporting and importing take
	$(BIN)/python tests/benchmarks/retention/main.py $(ARGS)

chaos: install  ## kill -9, a full disk, an absent store, under load: nothing acknowledged is lost
	$(BIN)/python tests/benchmarks/chaos/chaos.py $(ARGS)

chaos-eval: install  ## kill -9 of worker, broker, everything while judging: each answer is scored once
	$(BIN)/python tests/benchmarks/chaos_eval/chaos_eval.py $(ARGS)

conformance: install  ## the real instrumentation packages against the collector
	$(BIN)/python tests/conformance/conformance.py $(ARGS)

conformance-vllm-steps: install  ## the steps that vLLM's real server tells the sidecar, on the CPU
	$(BIN)/python tests/conformance/vllm_steps.py $(ARGS)

bench-causes: install  ## causes of slowness planted on a real engine: are they named?
	$(BIN)/python tests/benchmarks/causes/main.py $(ARGS)

bench-transformers-serve: install  ## the sidecar before `transformers serve` (pip install "transformers[serving]"), best on a GPU
	$(BIN)/python tests/benchmarks/transformers_serve/main.py $(ARGS)

conformance-vllm: install  ## vLLM's real server, on the CPU, behind the sidecar; its own traces into the collector
	$(BIN)/python tests/conformance/vllm_server.py $(ARGS)

fuzz: install  ## arbitrary bytes and arbitrary telemetry, for long; ARGS="--minutes 30"
	$(BIN)/python tests/benchmarks/fuzz/fuzz.py $(ARGS)

clean:  ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build

"""Build the wheel, install it alone in a fresh environment, and assert what must be absent.

`pip install tachograph` must stay light: a service imports it. Checked here: the wheel's size, that
no server package came along, that the SDK works without a collector, that every package's data
files are in the wheel, and that a command whose extra is missing names the pip command.
"""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
SIZE_LIMIT_BYTES = 2 * 1024 * 1024
ABSENT = (
    "fastapi", "uvicorn", "clickhouse_connect", "chdb", "celery", "streamlit", "pandas", "numpy",
    "pydantic", "torch", "sentence_transformers", "httptools", "pynvml", "rich", "openai",
    "requests", "google",
)  # fmt: skip
DATA_FILES = (
    "tachograph/py.typed",
    "tachograph_store/migrations/0001_spans.sql",
    "tachograph_store/queries/trace_spans.sql",
    "tachograph_cli/demo/prompts.jsonl",
)
SMOKE = f"""
import importlib.util, re, time
from importlib import metadata
found = [name for name in {ABSENT!r} if importlib.util.find_spec(name)]
assert not found, f"the bare wheel brought {{found}}"
import tachograph
tachograph.init(endpoint="http://127.0.0.1:9", service_name="smoke")
with tachograph.generation(model="m") as g:
    g.usage(input_tokens=1, output_tokens=1)
started = time.monotonic()
tachograph.shutdown(timeout_s=2.0)
assert time.monotonic() - started < 10, "shutdown overran its deadline"
from tachograph.testing import recording
with recording() as receiver:
    with tachograph.context(tenant="acme"), tachograph.span("s"):
        pass
    assert tachograph.flush(10)
    assert receiver.spans[0].attributes["tachograph.tenant"] == "acme"
def needs(name, seen):
    for line in metadata.requires(name) or ():
        needed = re.split(r"[ ;<>=!~(\\[]", line)[0].lower().replace("_", "-")
        if "extra ==" not in line and needed not in seen:
            seen.add(needed)
            needs(needed, seen)
    return seen
direct = [line for line in metadata.requires("tachograph") if "extra ==" not in line]
assert all(line.startswith("opentelemetry-") for line in direct), direct
there = {{d.metadata["Name"].lower().replace("_", "-") for d in metadata.distributions()}}
assert there - {{"pip", "setuptools", "tachograph"}} == needs("tachograph", set()), there
print("bare wheel: ok")
"""
CONSUMER = Path(__file__).parent / "fixtures" / "sdk_consumer.py"


def check_archive(wheel: Path) -> None:
    """Size and data files of the built wheel."""
    size = wheel.stat().st_size
    assert size < SIZE_LIMIT_BYTES, f"{wheel.name} is {size} bytes, limit {SIZE_LIMIT_BYTES}"
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in DATA_FILES if name not in names]
    assert not missing, f"{wheel.name} lacks {missing}"
    assert not any(name.startswith(("tests/", "sdk/")) for name in names), "stray top-level files"


def check_types(python: Path, folder: Path) -> None:
    """Check a program of a consumer's, strictly, against the installed wheel and nothing else."""
    (folder / "consumer.py").write_text(CONSUMER.read_text())
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file", ""]
    command = [*mypy, "--python-executable", str(python), "consumer.py"]
    subprocess.run(command, check=True, cwd=folder)


def main() -> int:
    """Build, install, check; exit 0 or raise."""
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        constraint = ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, str(ROOT)], check=True)
        wheel = next(Path(folder).glob("tachograph-*.whl"))
        check_archive(wheel)
        home = Path(folder) / "venv"
        venv.create(home, with_pip=True)
        python = home / "bin" / "python"
        subprocess.run([python, *pip[1:], "install", *constraint, str(wheel)], check=True)
        subprocess.run([python, "-c", SMOKE], check=True, cwd=folder)
        check_types(python, Path(folder))
        missing = subprocess.run(
            [home / "bin" / "tachograph", "collector"], capture_output=True, text=True, check=False
        )
        assert missing.returncode != 0, "a command without its extra must fail"
        assert 'pip install "tachograph[collector]"' in missing.stderr, missing.stderr
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

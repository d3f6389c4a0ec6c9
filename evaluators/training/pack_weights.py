"""Puts trained heads into distribution `tachograph-weights` and writes its manifest.

    python evaluators/training/pack_weights.py FOLDER

FOLDER holds NAME.safetensors of train_heads.py. Files of the distribution that FOLDER lacks stay.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "weights" / "tachograph_weights"
MAX_BYTES: Final = 25_000_000


def pack(folder: Path, package: Path = PACKAGE) -> dict[str, object]:
    """Copies what is new; the manifest names every file. `ValueError` above 25 MB in all."""
    for path in sorted(folder.glob("*.safetensors")):
        shutil.copyfile(path, package / path.name)
    files = {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(package.glob("*.safetensors"))
    }
    total = sum(path.stat().st_size for path in package.glob("*.safetensors"))
    if total > MAX_BYTES:
        raise ValueError(f"weights hold {total} bytes; {MAX_BYTES} is the most")
    version = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    manifest: dict[str, object] = {"version": version, "files": files}
    text = json.dumps(manifest, indent=2) + "\n"
    (package / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    print(json.dumps(pack(parser.parse_args().folder), indent=2))


if __name__ == "__main__":
    main()

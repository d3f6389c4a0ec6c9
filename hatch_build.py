"""Builds the compiled path of spans into the wheel, or in place for an editable install.

docs/decisions/0029-compiled-path.md says what it is. Without a C compiler or Python's headers it is
left out: the same is then done in Python, slower.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSIONS = {
    "tachograph_collector.translate._compiled_spans": "collector",
    "tachograph_store._compiled_native": "collector",
}
"""Module -> the folder on whose path it lies."""


class CustomBuildHook(BuildHookInterface):
    """Called by hatchling before it packs a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what is older than its sources; say in one line when that cannot be."""
        root = Path(self.root)
        built: list[Path] = []
        for module, folder in EXTENSIONS.items():
            source = root / folder / Path(*module.split(".")).with_suffix(".pyx")
            try:
                built.append(up_to_date(source) or compile_in_place(module, source))
            except Exception as error:  # noqa: BLE001 - setuptools raises whatever a compiler's absence is
                self.app.display_warning(
                    f"{source.name} is left out, spans are translated in Python: {error}"
                )
                return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version != "editable":
            for path in built:
                name = path.relative_to(root / "collector").as_posix()
                build_data["force_include"][str(path)] = name


def up_to_date(source: Path) -> Path | None:
    """The module that was built of the sources as they are, for this Python."""
    from sysconfig import get_config_var

    path = source.with_suffix(get_config_var("EXT_SUFFIX"))
    sources = [source, *source.parent.glob("_*.h"), *source.parent.glob("_compiled_*.pxi")]
    if path.exists() and path.stat().st_mtime > max(part.stat().st_mtime for part in sources):
        return path
    return None


def compile_in_place(module: str, source: Path) -> Path:
    """The built module beside its source. Raises what setuptools raises."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    with TemporaryDirectory() as folder:
        extension = Extension(
            module,
            [str(source)],
            include_dirs=[str(source.parent)],
            extra_compile_args=["-O2", "-g0"],
            extra_link_args=["-s"],
        )
        modules = cythonize([extension], build_dir=folder, quiet=True, language_level=3)
        command = build_ext(Distribution({"name": "tachograph", "ext_modules": modules}))
        command.build_lib, command.build_temp = f"{folder}/lib", f"{folder}/temp"
        command.ensure_finalized()
        command.run()
        made = Path(command.get_ext_fullpath(module))
        target = source.parent / made.name
        fresh = Path(shutil.copy(made, target.with_suffix(".new")))
        return fresh.replace(target)  # processes that run keep the old file

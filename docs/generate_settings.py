"""Write docs/settings.md from the settings classes: `python docs/generate_settings.py`.

A test compares the page with this output, so that no setting is without its line.
"""

import inspect
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from tachograph_collector.settings import CollectorSettings
from tachograph_dashboard.settings import DashboardSettings
from tachograph_evaluators.judges.format_settings import FormatSettings
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.settings import StoreSettings

PAGE = Path(__file__).with_name("settings.md")
SECTIONS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("Store", StoreSettings),
    ("Collector", CollectorSettings),
    ("Evaluators and alerts", EvaluatorSettings),
    ("Judges that ask language models", JudgeSettings),
    ("Format checks", FormatSettings),
    ("Dashboard", DashboardSettings),
)
INTRODUCTION = """\
# Settings

<!-- written by docs/generate_settings.py: edit the settings classes, then run it -->

Every service reads environment variables; a wrong value ends the start with the field and the
remedy. `TACHOGRAPH_HOME` (default `~/.tachograph`) is the directory of everything a stack keeps.
`TACHOGRAPH_COMPILED=off` has the collector do in Python what compiled code does, for a comparison or
a doubt; `tachograph doctor` and the collector's `/healthz` say whether there is any.
The SDK's settings stand in [sdk.md](sdk.md), the sidecar's in [sidecar.md](sidecar.md).
"""


def type_name(annotation: Any) -> str:
    """A type as a reader of environment variables would say it."""
    if get_origin(annotation) in (UnionType, Union):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return " or ".join(type_name(part) for part in parts)
    if get_origin(annotation) is Annotated:
        return type_name(get_args(annotation)[0])
    arguments = get_args(annotation)
    if arguments and all(isinstance(argument, str) for argument in arguments):
        return " or ".join(f"`{argument}`" for argument in arguments)
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false",
             "Decimal": "decimal", "SecretStr": "secret", "HttpUrl": "URL", "Path": "path",
             "list": "JSON list", "dict": "JSON object", "tuple": "names, comma separated"}  # fmt: skip
    return names[getattr(get_origin(annotation) or annotation, "__name__", str(annotation))]


def default_text(field: FieldInfo) -> str:
    """The default as it would be written, or where it comes from."""
    if field.default is PydanticUndefined:
        computed = getattr(field.default_factory, "__name__", "")
        return "`embedded://<home>/store`" if computed == "_default_url" else "empty"
    value = field.default
    if value is None or value in ("", ()):
        return "not set"
    if hasattr(value, "get_secret_value"):
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table(settings: type[BaseSettings]) -> str:
    """One Markdown table a class; a field without a description is an error."""
    lines = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        if not field.description:
            raise SystemExit(f"{settings.__name__}.{name} has no description: add a docstring")
        meaning = " ".join(field.description.split()).replace("|", "\\|")
        cells = (f"`{prefix}{name}`".upper(), type_name(field.annotation), default_text(field))
        lines.append(f"| {' | '.join(cells)} | {meaning} |")
    return "\n".join(lines)


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, settings in SECTIONS:
        summary = " ".join((inspect.getdoc(settings) or "").split("\n\n")[0].split())
        parts.append(f"## {title}\n\n{summary}\n\n{table(settings)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render())

"""Write the settings table of docs/sdk.md from the SDK's parameter table:
`python docs/generate_sdk_settings.py`. A test compares the page with this output."""

from pathlib import Path

from tachograph._internal.config import PARAMETERS, Parameter

PAGE = Path(__file__).with_name("sdk.md")
BEGIN = "<!-- settings: written by docs/generate_sdk_settings.py -->\n"
END = "<!-- end of settings -->\n"


def default_text(parameter: Parameter) -> str:
    """The default as a reader would say it."""
    if parameter.default_text:
        return parameter.default_text
    if parameter.default in (None, {}):
        return "not set"
    value = parameter.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table() -> str:
    """One line a setting."""
    lines = ["| argument | variables | in the file | default | meaning |", "|" + " --- |" * 5]
    for parameter in PARAMETERS:
        variables = "<br>".join(f"`{name}`" for name in parameter.environment) or "–"
        meaning = parameter.meaning.replace("|", "\\|")
        lines.append(
            f"| `{parameter.name}` | {variables} | {'yes' if parameter.is_in_file else '–'} "
            f"| {default_text(parameter)} | {meaning} |"
        )
    return "\n".join(lines) + "\n"


def render(page: str) -> str:
    """The page with the table between its marks renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))

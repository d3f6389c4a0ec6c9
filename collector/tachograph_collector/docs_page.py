"""The OpenAPI page: the routes as plain HTML, with no script and nothing loaded from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi.responses import HTMLResponse

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code { background: #8882; padding: .1em .3em; border-radius: 3px }
h2 { border-bottom: 1px solid #8885 } h3 { margin-bottom: .2rem }
table { border-collapse: collapse } td, th { text-align: left; padding: .15rem 1rem .15rem 0;
vertical-align: top } th { font-weight: 600 } p { margin: .2rem 0 }
"""


def docs_page(schema: Mapping[str, Any]) -> HTMLResponse:
    """A readable page of an OpenAPI document."""
    info = schema["info"]
    groups: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            section = "".join(_operation(method, path, operation))
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(section)
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(sections)}" for tag, sections in groups.items())
    models = "".join(
        _model(name, model)
        for name, model in schema.get("components", {}).get("schemas", {}).items()
    )
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        "<p>Machine-readable: <a href=/openapi.json>/openapi.json</a>. "
        "Authorization: <code>Bearer tg_…</code>, made with <code>tachograph keys create</code>; "
        "the project comes from the key.</p>"
        f"{body}<h2>Models</h2>{models}"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"content-security-policy": policy})


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h3><code>{escape(method.upper())} {escape(path)}</code></h3>"
    yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
    rows = [
        (p["name"], p["in"], _type(p.get("schema", {})), p.get("description", ""))
        for p in operation.get("parameters", [])
    ]
    for content in operation.get("requestBody", {}).get("content", {}).items():
        rows.append(("(body)", content[0], _type(content[1].get("schema", {})), ""))
    for status, response in operation.get("responses", {}).items():
        content = response.get("content", {}).get("application/json", {})
        rows.append((status, "answer", _type(content.get("schema", {})), response["description"]))
    cells = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    yield f"<table>{cells}</table>"


def _model(name: str, model: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{escape(_type(schema))}</td>"
        f"<td>{escape(schema.get('description', ''))}</td></tr>"
        for field, schema in model.get("properties", {}).items()
    )
    meaning = escape(model.get("description", ""))
    return f"<h3><code>{escape(name)}</code></h3><p>{meaning}</p><table>{rows}</table>"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("title" if "type" not in schema else "type", ""))

"""Write docs/dialects.md from the dialect tables: `python docs/generate_dialects.py`.

A test compares the page with this output, so that no name is without its line.
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path

from tachograph_collector.translate.dialects import DIALECTS
from tachograph_collector.translate.dialects.metrics import (
    GPU_COLUMN_MEANS,
    GPU_METRICS,
    READING_PREFIXES,
)
from tachograph_collector.translate.dialects.table import Dialect, Indexed, Typed
from tachograph_collector.translate.tokens import OPENAI_USAGE, SEPARATE_USAGE

PAGE = Path(__file__).with_name("dialects.md")
INTRODUCTION = """\
# Dialects

<!-- written by docs/generate_dialects.py: edit the tables in translate/dialects/, then run it -->

What becomes of each name that an instrumentation writes. All tables are one dictionary: a span may
mix dialects, and one that uses none pays nothing for them. Of several names that fill one column
the one further up on this page wins; the others, values that their column cannot hold, and
attributes that no table names stay in the span's attributes. "Kept" means that the attribute stays
there too, because the column says less. Dates, sizes and ids are bounded as everywhere.

`make conformance` runs the real packages and compares every typed column; its last table says what
each package does not write.

## Tokens

`input_tokens` includes cached tokens and `output_tokens` includes reasoning tokens, whatever the
dialect. The parts have columns of their own and are never added again. Whether a sender counted them
in or apart is decided so, the first that applies:

1. Parts that are larger than the whole are apart.
2. The dialect and the provider stand in the table below: apart.
3. The sender's total equals the sum without the parts, or the sum with them.
4. Langfuse's `usage_details` with kinds of its own: apart.
5. Otherwise the parts are included, as OTel GenAI asks.
"""
OPERATIONS = """\
## What counts

Only leaf model calls count: `chat`, `generate_content`, `text_completion` and `embeddings` seen by a
client, the sidecar or an import. Agents, chains, tools, retrievals and tasks of every dialect have
other operations, and engine spans never count.

## Log records and scores

`gen_ai.evaluation.result` becomes a score: of the span that it belongs to, or else of the span whose
`gen_ai.response.id` it names, found also when that span comes later. OpenInference's `annotations.N.*`
and `evaluations.N.*` become scores of their span. A value outside [0, 1] is refused in an event, and
said as a label on a span.

`gen_ai.client.inference.operation.details` and the message events until 1.36 (`gen_ai.user.message`,
`gen_ai.choice`, …) fill prompt and completion where they are events of the span. As log records they
become children of their span, of no length, that never count; an answer whose span has no text is judged
by what they say. Other log records are refused with a reason.
"""


def meaning(convert: Callable[..., object]) -> str:
    """The first line of a converter's docstring, as a cell."""
    text = (inspect.getdoc(convert) or "").split("\n")[0].rstrip(".")
    return text.replace("|", "\\|")


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """One Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def typed_row(line: Typed) -> tuple[str, str, str]:
    """What becomes of one attribute."""
    columns = [line.column, *line.also]
    filled = ", ".join(f"`{column.lstrip('_')}`" for column in columns)
    if line.column.startswith("_"):
        filled += " (a rule)"
    notes = [meaning(line.convert)]
    if line.implies:
        facts = ", ".join(
            f"`{name.lstrip('_')}` = `{value}`" for name, value in line.implies.items()
        )
        notes.append(f"says that {facts}")
    if line.keep:
        notes.append("kept")
    return f"`{line.attribute}`", filled, "; ".join(notes)


def section(dialect: Dialect) -> str:
    """One dialect."""
    rows = [typed_row(line) for line in dialect.typed]
    for content in dialect.contents:
        if isinstance(content, Indexed):
            name = f"`{content.prefix}N.*`"
        else:
            name = f"`{content.attribute}`"
        rows.append((name, f"`{content.column}`", meaning(content.convert)))
    for blob in dialect.blobs:
        members = ", ".join(f"`{member}` → `{to}`" for member, to in blob.members.items())
        rows.append((f"`{blob.attribute}`", "its members", f"{members}; kept"))
    rows += [(f"`{old}`", f"attribute `{new}`", "renamed") for old, new in dialect.renamed.items()]
    rows += [
        (f"event `{line.name}`", f"`{line.column}`", f"a message of role `{line.role}`")
        for line in dialect.event_messages
    ]
    rows += [
        (f"event `{line.name}`", f"`{line.column}`", f"its attribute `{line.attribute}`")
        for line in dialect.event_contents
    ]
    rows += [
        (f"events `{name}`", "`chunk_count`, `gap_*_s`, `time_*_chunk_s`", "one for each chunk")
        for name in dialect.chunk_events
    ]
    rows += [
        (f"event `{name}`", "`time_to_first_chunk_s`", "its time from the span's start")
        for name in dialect.first_chunk_events
    ]
    rows += [
        (
            f"scope `{line.scope_name}`",
            f"`provider` = `{line.provider}`",
            "names of another engine; it measures something else under those of "
            + ", ".join(f"`{column}`" for column in line.otherwise),
        )
        for line in dialect.engines
    ]
    rows += [(f"`{prefix}N.*`", "a row of `scores`", "see above") for prefix in dialect.scores]
    parts = [
        f"## {dialect.name}",
        f"Read from: {dialect.source}.",
        table(("name", "fills", "how"), rows),
    ]
    return "\n\n".join(parts) + "\n"


def exclusive() -> str:
    """The dialects and providers that leave cached tokens out."""
    rows = [
        (
            f"`{line.scope_prefix}*`",
            ", ".join(f"`{name}`" for name in sorted(line.providers)),
            line.source,
        )
        for dialect in DIALECTS
        for line in dialect.exclusive
    ]
    return table(("instrumentation scope", "provider", "read in"), rows)


def usage() -> str:
    """Langfuse's two shapes."""
    rows = [
        (f"`{kind}`", f"`{name.lstrip('_')}`", shape)
        for shape, names in (
            ("OpenAI's, parts included", OPENAI_USAGE),
            ("kinds apart", SEPARATE_USAGE),
        )
        for kind, name in names.items()
    ]
    text = (
        "The members of `langfuse.observation.usage_details`. Of kinds that are not listed those with "
        "`input` in their name are input, those with `output` output."
    )
    return f"{text}\n\n{table(('member', 'fills', 'shape'), rows)}\n"


def metrics() -> str:
    """Metrics."""
    gpu = [
        (f"`{name}`", f"`{target.column}`", f"`{target.gpu_id}`",
         "" if target.scale == 1 else f"x {target.scale:g}")
        for name, target in GPU_METRICS.items()
    ]  # fmt: skip
    means = ", ".join(f"`{name}` = `{value}`" for name, value in GPU_COLUMN_MEANS.items())
    prefixes = ", ".join(f"`{prefix}*`" for prefix in READING_PREFIXES)
    return f"""\
## Metrics

GPU metrics fill one row of `gpu_readings` a device and instant. The columns mean {means}; points
that say another are kept in `engine_readings`, as are all metrics named {prefixes}: sums as they are,
histograms as `_sum`, `_count`, `_min`, `_max` and cumulative `_bucket` rows. Exponential histograms
become such buckets too, 64 at most (neighbours are merged: counts stay exact). Counts since the last
export have the kind `delta`. Any other metric is refused with a reason.

{table(("metric", "column", "device by", "scale"), gpu)}
"""


def render() -> str:
    """The whole page."""
    sections = [section(dialect) for dialect in DIALECTS]
    return "\n".join([INTRODUCTION, exclusive(), "", usage(), OPERATIONS, *sections, metrics()])


if __name__ == "__main__":
    PAGE.write_text(render())

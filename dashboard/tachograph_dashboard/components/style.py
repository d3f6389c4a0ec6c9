"""The few rules of style that Streamlit's theme cannot express. Constant text only."""

import streamlit as st

_CSS = """
<style>
.block-container { padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-weight: 600; }
[data-testid="stMetricLabel"] { opacity: .8; }
[data-testid="stColumn"] { min-width: min(100%, 21rem); }  /* a narrow window wraps */
[class*="st-key-tiles-"] [data-testid="stColumn"] { min-width: 11.5rem; }
[class*="st-key-strip-"] [data-testid="stColumn"] { min-width: 7rem; }
[class*="st-key-bubble-"] {
  border: 1px solid color-mix(in srgb, currentColor 14%, transparent);
  border-radius: 12px; padding: .7rem .95rem; max-width: 62rem; }
[class*="st-key-bubble-user"] { background: color-mix(in srgb, #0072B2 9%, transparent); }
[class*="st-key-bubble-assistant"] { background: color-mix(in srgb, #009E73 9%, transparent); }
[class*="st-key-bubble-system"], [class*="st-key-bubble-tool"], [class*="st-key-bubble-context"] {
  background: color-mix(in srgb, currentColor 4%, transparent); }
[data-testid="stText"] { overflow-wrap: anywhere; unicode-bidi: isolate; }
[data-testid="stPageLink"] { margin-left: -.5rem; }
.st-key-title { justify-content: space-between; }
.st-key-title h2 { padding-bottom: 0; }
.st-key-who { margin-top: 1.5rem; }
</style>
"""


def apply_style() -> None:
    """Add the rules to the page."""
    st.html(_CSS)

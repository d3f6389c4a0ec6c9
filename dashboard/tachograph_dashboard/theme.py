"""Colours and Streamlit options. The palette is Okabe and Ito's, told apart by colour-blind eyes."""

from typing import Final

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8A95A1"
LIGHT_INK: Final = "#16202C"
DARK_INK: Final = "#E6EBF0"
SERIES: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, "#B8A400", GREY)
"""Colours of series without a meaning of their own, in order."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_THEME: dict[str, str | float | bool | list[str]] = {
    "theme.font": _FONT,
    "theme.baseFontSize": 15,
    "theme.baseRadius": "8px",
    "theme.showWidgetBorder": True,
    "theme.headingFontSizes": ["2rem", "1.7rem", "1.4rem", "1.2rem", "1.05rem", "1rem"],
    "theme.metricValueFontSize": "1.65rem",
    "theme.chartCategoricalColors": list(SERIES),
    "theme.light.primaryColor": BLUE,
    "theme.light.backgroundColor": "#FFFFFF",
    "theme.light.secondaryBackgroundColor": "#F4F6F8",
    "theme.light.textColor": LIGHT_INK,
    "theme.light.borderColor": "#DDE3E9",
    "theme.dark.primaryColor": SKY,
    "theme.dark.backgroundColor": "#10161C",
    "theme.dark.secondaryBackgroundColor": "#18212A",
    "theme.dark.textColor": DARK_INK,
    "theme.dark.borderColor": "#2B3743",
}


def streamlit_options(
    host: str, port: int, allowed_hosts: list[str]
) -> dict[str, str | int | float | bool | list[str]]:
    """Options that override any `.streamlit/config.toml` lying about."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.enableCORS": True,  # Streamlit's name for its protection against other origins
        "server.enableXsrfProtection": True,
        "server.allowedHosts": allowed_hosts,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.maxUploadSize": 1,
        "server.maxMessageSize": 50,
        "server.enableStaticServing": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "global.developmentMode": False,
        **_THEME,
    }

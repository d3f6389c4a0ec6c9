"""Settings: the URL, the home, secrets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tachograph_store.settings import StoreSettings, home


def test_home_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TACHOGRAPH_HOME", str(tmp_path / "new" / "home"))
    assert home().stat().st_mode & 0o777 == 0o700
    settings = StoreSettings()
    assert settings.is_embedded
    assert settings.directory == tmp_path / "new" / "home" / "store"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", "https://clickhouse.internal:8443")
    monkeypatch.setenv("TACHOGRAPH_STORE_PASSWORD", "hush")
    settings = StoreSettings()
    assert not settings.is_embedded
    assert "hush" not in repr(settings)
    with pytest.raises(ValueError, match="no local directory"):
        _ = settings.directory


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x",
        "embedded://relative/path",
        "embedded:relative",
        "http://user:password@host:8123",
        "/path",
    ],
)
def test_other_urls_are_refused_with_the_field(url: str) -> None:
    with pytest.raises(ValidationError, match="TACHOGRAPH_STORE_URL"):
        StoreSettings(url=url)

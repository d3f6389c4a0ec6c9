"""The way back after login leads to this site only."""

import pytest

from tachograph_dashboard.login import local_target, login_location


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/\u202e",
    ],
)
def test_foreign_targets_become_the_first_page(path: str | None) -> None:
    assert local_target(path) == "/"


@pytest.mark.parametrize("path", ["/", "/traces?trace=ab12&range=7%20d"])
def test_own_pages_are_kept(path: str) -> None:
    assert local_target(path) == path


def test_the_page_asked_for_travels_along() -> None:
    assert login_location("/", "") == "/login"
    assert login_location("/traces", "trace=ab") == "/login?next=%2Ftraces%3Ftrace%3Dab"

"""What is read out of a version. No database."""

import pytest

from sentrylite.releases.versions import short_version

SHA = "88dc638c8ccb84e5b7c750da882232aa1b394ac1"


@pytest.mark.parametrize(
    ("version", "short"),
    [
        ("1.0", "1.0"),
        (SHA, "88dc638"),
        (SHA.upper(), SHA.upper()),
        (SHA[:39], SHA[:39]),
        (f"{SHA}0", f"{SHA}0"),
        ("com.example.app-1.0", "1.0"),
        (f"com.example.app-{SHA}", "88dc638"),
        ("com.example.my-app-1.0", "1.0"),
        ("app-1.0", "app-1.0"),
        ("com.example.app-", "com.example.app-"),
        ("app@1.0+3", "app@1.0+3"),
        ("", ""),
    ],
)
def test_short_versions(version: str, short: str) -> None:
    assert short_version(version) == short

"""What is read out of a version. No database."""

import pytest

from sentrylite.releases.versions import is_valid, read_version, short_version

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


@pytest.mark.parametrize(
    ("version", "package", "raw", "numbers", "description", "build_hash"),
    [
        ("1.0", None, "1.0", None, "1.0", None),
        (SHA, None, SHA, None, SHA[:12], SHA),
        ("app@1.2.3", "app", "1.2.3", (1, 2, 3, 0, "", "", 3), "1.2.3", None),
        ("app@1.0+3", "app", "1.0+3", (1, 0, 0, 0, "", "3", 2), "1.0 (3)", None),
        ("app@2", "app", "2", (2, 0, 0, 0, "", "", 1), "2", None),
        ("app@1.2.3.4", "app", "1.2.3.4", (1, 2, 3, 4, "", "", 4), "1.2.3.4", None),
        ("app@1.0-rc.1", "app", "1.0-rc.1", (1, 0, 0, 0, "rc.1", "", 2), "1.0-rc.1", None),
        ("app@1.0.0rc1", "app", "1.0.0rc1", (1, 0, 0, 0, "rc1", "", 3), "1.0.0rc1", None),
        (
            f"app@1.0+{SHA}",
            "app",
            f"1.0+{SHA}",
            (1, 0, 0, 0, "", SHA, 2),
            f"1.0 ({SHA[:12]})",
            SHA,
        ),
        (f"app@{SHA}", "app", SHA, None, SHA[:12], SHA),
        ("@acme/app@1.0", None, "", None, "", None),  # a slash is in no version
        ("@acme@1.0", "@acme", "1.0", (1, 0, 0, 0, "", "", 2), "1.0", None),
        ("app@next", "app", "next", None, "next", None),
        ("app@", None, "app@", None, "app@", None),
    ],
)
def test_the_parts_of_a_version(
    version: str,
    package: str | None,
    raw: str,
    numbers: tuple[int | str, ...] | None,
    description: str,
    build_hash: str | None,
) -> None:
    info = read_version(version)
    if not raw:
        assert info is None
    else:
        assert info == (package, raw, numbers, description, build_hash)


@pytest.mark.parametrize(
    "version", ["", " ", ".", "..", "latest", "LATEST", "a/b", "a\nb", "a\rb", "a\fb", "a\tb"]
)
def test_what_is_no_version(version: str) -> None:
    assert not is_valid(version)
    assert read_version(version) is None

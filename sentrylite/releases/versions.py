"""What the text of a version says."""

import re

# `com.example.app-1.0`: at least two words with a dot between them, and a dash.
PACKAGE = re.compile(r"[a-zA-Z][a-zA-Z0-9-]+(?:\.[a-zA-Z][a-zA-Z0-9-]+)+-(?=.)")
COMMIT = re.compile(r"[a-f0-9]{40}")


def short_version(version: str) -> str:
    """The version as people read it: without a package in front, a commit's hash cut to 7
    characters (releases contract, section 1)."""
    if package := PACKAGE.match(version):
        version = version[package.end() :]
    return version[:7] if COMMIT.fullmatch(version) else version

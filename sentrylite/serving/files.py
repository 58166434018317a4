"""The small files beside the database: the secret key, the server's address, the demo's."""

import json
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import ServingError

Demo = dict[str, str | None]
"""What `--demo` has made, as it is shown to people; `demo.json`."""


def secret_key(data_dir: Path) -> str:
    """The key that sessions are signed with; made at the first start."""
    path = data_dir / "secret-key"
    try:
        if not path.exists():
            made = _write_private(data_dir, secrets.token_urlsafe(50))
            # Whoever else is making one at the same time: the first stays.
            with suppress(FileExistsError):
                os.link(made, path)
            made.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise _refusal(path, error) from error


def write_url(data_dir: Path, url: str) -> None:
    """Note the server's address for other commands that are run on its data directory."""
    _replace(data_dir / "url", url + "\n")


def read_url(data_dir: Path) -> str | None:
    """The address of the server that runs on a data directory, or was the last to."""
    try:
        return (data_dir / "url").read_text().strip() or None
    except OSError:
        return None


def write_demo(path: Path, demo: Demo) -> None:
    _replace(path, json.dumps(demo, indent=2) + "\n")


def read_demo(path: Path) -> Demo:
    """What `write_demo` has written; empty if nothing was, or nothing that can be read."""
    try:
        demo = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return demo if isinstance(demo, dict) else {}


def _replace(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(path.parent, text).replace(path)
    except OSError as error:
        raise _refusal(path, error) from error


def _write_private(directory: Path, text: str) -> Path:
    """A new file that only we can read, complete: a half-written one is never looked at."""
    with tempfile.NamedTemporaryFile("w", dir=directory, delete=False) as file:
        file.write(text)
    return Path(file.name)


def _refusal(path: Path, error: OSError) -> ServingError:
    return ServingError(
        f"cannot use {path} ({error.strerror}): set SENTRYLITE_DATA_DIR to a directory that can"
        " be written"
    )

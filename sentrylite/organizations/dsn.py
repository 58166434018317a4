"""DSNs: the one line an SDK is configured with, `{scheme}://{public key}@{host}/{project id}`."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from django.conf import settings

# What a server answers at unless it is told otherwise.
DEFAULT_URL = "http://localhost:8000"

KEY = re.compile(r"[0-9a-f]{32}")
PROJECT_ID = re.compile(r"[0-9]{1,18}")


def server_url() -> str:
    """The address that DSNs name where no request tells which one the server was reached at."""
    return settings.PUBLIC_URL or DEFAULT_URL


@dataclass(frozen=True, slots=True)
class Dsn:
    """`str()` of it is what people copy; everything an SDK sends goes below `base_url`."""

    base_url: str
    """With the path that the server is mounted at, if any; without a slash at the end."""
    public_key: str
    project_id: int
    secret_key: str | None = None
    """Only what was written before 2018 still needs it."""

    def __str__(self) -> str:
        scheme, _, address = self.base_url.partition("://")
        keys = f"{self.public_key}:{self.secret_key}" if self.secret_key else self.public_key
        return f"{scheme}://{keys}@{address}/{self.project_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a DSN. Raises ValueError, with a sentence for the person who typed it."""
        url = urlsplit(text.strip())
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("A DSN looks like https://<public key>@<host>/<project id>.")
        if not KEY.fullmatch(url.username or ""):
            raise ValueError("The public key of a DSN is 32 lower-case hexadecimal digits.")
        path, _, project_id = url.path.rpartition("/")
        if not PROJECT_ID.fullmatch(project_id):
            raise ValueError("A DSN ends with the id of its project, a number.")
        address = url.netloc.rpartition("@")[2]
        return cls(
            f"{url.scheme}://{address}{path}",
            url.username or "",
            int(project_id),
            url.password or None,
        )


def build(
    public_key: str,
    project_id: int,
    *,
    secret_key: str | None = None,
    base_url: str | None = None,
) -> str:
    """The DSN of a key, at `base_url` or else at the server's own address."""
    return str(Dsn(base_url or server_url(), public_key, project_id, secret_key))

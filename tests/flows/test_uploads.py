"""Large bodies and downloads, through a real server."""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from benchmarks.servers import Served
from tests import live

pytestmark = pytest.mark.live

MIB = 1024 * 1024
BOUNDARY = b"--that-is-nowhere-else"
FORM = f"multipart/form-data; boundary={BOUNDARY.decode()}"


def form(field: str, name: str, content: bytes) -> bytes:
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    return b"--%b\r\n%b%b\r\n--%b--\r\n" % (BOUNDARY, head, content, BOUNDARY)


def memory(server: live.Server) -> int:
    """The most that a process of the server has had in memory so far, in MiB."""
    peaks = []
    for pid in Served(server).server_pids():
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)  # type: ignore[index]
    return max(peaks)


def test_large_uploads_and_downloads_take_no_memory() -> None:
    content = os.urandom(48 * MIB)
    with live.server() as server:
        token = server.setup(organization="acme", team="dev", project="shop")["token"]
        api = f"{server.url}/api/0/organizations/acme"

        def post(path: str, data: bytes, content_type: str) -> tuple[int, bytes]:
            return live.fetch(api + path, data=data, token=token, content_type=content_type)

        body = json.dumps({"version": "1", "projects": ["shop"]}).encode()
        assert post("/releases/", body, "application/json")[0] == 201
        before = memory(server)
        for at in range(0, len(content), 8 * MIB):
            piece = content[at : at + 8 * MIB]
            data = form("file", hashlib.sha1(piece).hexdigest(), piece)
            assert post("/chunk-upload/", data, FORM) == (200, b"")
        status, answer = post("/releases/1/files/", form("file", "big.js", content), FORM)
        assert status == 201
        file = json.loads(answer)
        assert (file["size"], file["sha1"]) == (len(content), hashlib.sha1(content).hexdigest())
        download = live.fetch(f"{api}/releases/1/files/{file['id']}/?download", token=token)
        assert download == (200, content)
        assert memory(server) - before < 24
        status, answer = post("/releases/1/files/", form("file", "x", bytes(65 * MIB)), FORM)
        assert (status, json.loads(answer)) == (
            413,
            {"detail": "The request body is larger than 64 MiB."},
        )
        assert not list((server.data_dir / "files" / "tmp").iterdir())

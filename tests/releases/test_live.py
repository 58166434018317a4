"""Versions in paths, through a real server: what it is started with decodes them once."""

import json
from urllib.parse import quote

import pytest

from tests import live

pytestmark = pytest.mark.live

PATH = "/api/0/organizations/acme/releases/"


def test_versions_in_paths_are_percent_encoded_or_not() -> None:
    with live.server() as server:
        made = server.setup(organization="acme", project="shop")
        token = made["token"]

        def post(version: str) -> int:
            body = json.dumps({"version": version, "projects": ["shop"]}).encode()
            url = server.url + PATH
            return live.fetch(url, data=body, token=token, content_type="application/json")[0]

        for version in ("app@1.0+3", "1.0 rc 2", "100%25", "ü"):
            assert post(version) == 201
            for spelling in {quote(version, safe=""), quote(version, safe="@+")}:
                status, body = server.get(f"{PATH}{spelling}/", token=token)
                assert (status, json.loads(body)["version"]) == (200, version)
                assert server.get(f"{PATH}{spelling}/commits/", token=token) == (200, b"[]")
        # None has a slash in it, and an encoded one leads nowhere else.
        assert post("a/b") == 400
        assert post("1.0") == 201
        for path in ("a%2Fb/", "1.0%2F/", "1.0%2Fnope/", "1.0/nope/", "1.0%2F..%2Fapp@1.0/"):
            status, body = server.get(PATH + path, token=token)
            assert status == 404
            assert json.loads(body) == {"detail": "The requested resource does not exist"}

from pathlib import Path
from typing import Any

import pytest

from sentrylite.files import places


def test_a_directory_holds_files_and_what_is_to_become_one(tmp_path: Path) -> None:
    made = places.storage(f"{tmp_path}/files")
    assert made["OPTIONS"] == {"location": f"{tmp_path}/files"}
    assert places.temporary_dir(f"{tmp_path}/files") == f"{tmp_path}/files/tmp"


@pytest.mark.parametrize(
    "place, options",
    [
        ("s3://files", {"bucket_name": "files", "location": ""}),
        (
            "s3://files/of/us/?endpoint_url=https://s3.example.com&region_name=eu",
            {
                "bucket_name": "files",
                "location": "of/us",
                "endpoint_url": "https://s3.example.com",
                "region_name": "eu",
            },
        ),
    ],
)
def test_a_bucket_holds_files(
    place: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "find_spec", lambda name: name)
    made = places.storage(place)
    assert made["BACKEND"] == "storages.backends.s3.S3Storage"
    assert made["OPTIONS"] == {"default_acl": None, **options}
    assert places.temporary_dir(place) is None


@pytest.mark.parametrize("place", ["ftp://host/files", "s3://", "s3:///a", "s3://a?secret=b"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="SENTRYLITE_FILES is a directory or s3://bucket/prefix"):
        places.storage(place)


def test_a_bucket_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'sentrylite\[s3\]'"):
        places.storage("s3://files")

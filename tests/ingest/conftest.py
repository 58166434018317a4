"""An SDK for every test of the doors."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.ingest.sdk import SDK


@pytest.fixture
def make_sdk() -> Generator[Callable[..., SDK]]:
    """`make_sdk(domains=…, limits=…)`: an SDK with an application of its own."""
    with ExitStack() as stack:

        def make(**options: Any) -> SDK:
            sdk = SDK(**options)
            stack.callback(sdk.close)
            return sdk

        yield make


@pytest.fixture
def sdk(make_sdk: Callable[..., SDK]) -> SDK:
    return make_sdk()

"""What tests of every route start from."""

from tests.test_access import fill

__all__ = ["fill"]  # a fixture

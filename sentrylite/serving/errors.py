"""The one exception of `sentrylite serve`."""


class ServingError(Exception):
    """The server cannot run; one line that says what to do about it."""

"""How long tasks give way: to the end of the process, and to tasks that are more urgent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_thread = threading.local()


class Interrupted(BaseException):
    """The task is to end here; it is run again. No Exception, so that no task takes it for one."""


def checkpoint() -> None:
    """Call between the batches of a task, outside transactions. Raises Interrupted, which is the
    runner's to catch, when the task is to go on another time. Outside a runner it does nothing."""
    is_over: Callable[[], bool] | None = getattr(_thread, "is_over", None)
    if is_over is not None and is_over():
        raise Interrupted


@contextmanager
def interruptible(is_over: Callable[[], bool]) -> Iterator[None]:
    """Within, in this thread, checkpoints ask `is_over`."""
    _thread.is_over = is_over
    try:
        yield
    finally:
        _thread.is_over = None

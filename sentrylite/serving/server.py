"""`sentrylite serve`, step by step."""

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from sentrylite import postgres

from . import addresses, banner, files, preparation, workers
from .errors import ServingError
from .options import Options

# How long requests under way and what waits to be written have when the server stops. A container
# is killed after ten seconds, and the database needs one of them.
STOP_WITHIN = 8
# Seconds that our database may be away: somebody may be starting it again.
DATABASE_AWAY = 5
# Of each worker: 8 threads for Django, and one each for the digest, the journal, the keys, the
# health check, the maintenance and background tasks.
CONNECTIONS_OF_A_WORKER = 14
# For `sentrylite setup` and the like, and for what PostgreSQL keeps back.
CONNECTIONS_OF_OTHERS = 22
# Connections of clients to each worker, idle ones as well; who comes later waits for one to close.
# One takes about 17 kB, and two files while a large body comes in.
OPEN_CONNECTIONS = 4096
FILES_OF_A_CONNECTION = 2
OTHER_FILES = 256

NO_KEY = (
    "SECRET_KEY is not set. Make one with: python -c"
    " 'import secrets; print(secrets.token_urlsafe(50))'"
)

LOGGING: dict[str, Any] = {
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} granian: {message}", "style": "{"},
        "access": {"format": "%(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "_granian": {"handlers": ["stderr"], "propagate": False},
        "granian.access": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
    },
}


def serve(options: Options) -> None:
    """Run the server until it is told to stop. Raises ServingError and PostgresError."""
    with _interruptible(), ExitStack() as running:
        address = addresses.resolve(options.host, options.port)
        url = options.url or addresses.url_of(options.host, options.port)
        local_url = url or addresses.local_url(options.host, options.port)
        if url:
            os.environ["SENTRYLITE_URL"] = url
        os.environ["SENTRYLITE_DATA_DIR"] = str(options.data_dir)
        os.environ["SENTRYLITE_CLIENT_TIMEOUT"] = str(options.client_timeout)
        os.environ["SENTRYLITE_BACKGROUND"] = "on" if options.background else "off"
        if os.environ.get("DATABASE_URL") and not os.environ.get("SECRET_KEY"):
            raise ServingError(NO_KEY)
        addresses.check(address, options.port)

        is_ours = not os.environ.get("DATABASE_URL")
        if not is_ours:
            data = "in the database that DATABASE_URL names"
        else:
            data = f"{options.data_dir} (with its own PostgreSQL)"
            running.enter_context(_own_database(options))
            files.write_url(options.data_dir, local_url)

        demo_file = options.data_dir / "demo.json" if options.demo else None
        _in_a_process(preparation.run, demo_file, local_url)

        def show_banner() -> None:
            demo = files.read_demo(demo_file) if demo_file else {}
            text = banner.render(url=local_url, data=data, knows_its_address=bool(url), demo=demo)
            with suppress(OSError):  # nobody reads it
                print(text, flush=True)

        _run_workers(options, address, is_database_ours=is_ours, on_ready=show_banner)


@contextmanager
def _own_database(options: Options) -> Iterator[None]:
    """The data directory's PostgreSQL, with its address and our secret key in the environment."""
    connections = CONNECTIONS_OF_A_WORKER * options.workers + CONNECTIONS_OF_OTHERS
    settings: Mapping[str, str | int] = {"max_connections": max(100, connections)}
    with postgres.lock(options.data_dir), postgres.running(options.data_dir, settings) as url:
        os.environ["DATABASE_URL"] = url
        os.environ["SECRET_KEY"] = os.environ.get("SECRET_KEY") or files.secret_key(
            options.data_dir
        )
        yield


def _in_a_process(work: Callable[..., None], *arguments: Any) -> None:
    """Do something that takes memory which is to be given back. Raises SystemExit if it fails."""
    process = multiprocessing.Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        process.join()
    finally:
        process.terminate()
        process.join()
    if process.exitcode == 1:
        sys.exit(1)  # it has said why
    if process.exitcode:
        raise ServingError(f"the preparation ended unexpectedly, with {process.exitcode}")


def _run_workers(
    options: Options, address: str, *, is_database_ours: bool, on_ready: Callable[[], None]
) -> None:
    """Answer requests until a signal comes. Raises ServingError when the workers cannot start, and
    when our own database ends."""
    server = Granian(
        "sentrylite.asgi:application",
        address=address,
        port=options.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=options.workers,
        websockets=False,
        backlog=1024,
        backpressure=_open_connections(),
        # While it is open which version of HTTP a client speaks, granian waits without an end.
        http=HTTPModes.http1,
        # Until the headers are there, of the first request and of each one after it.
        http1_settings=HTTP1Settings(header_read_timeout=options.client_timeout * 1000),
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        log_dictconfig=LOGGING,
        log_access=options.access_log,
    )
    main = os.getpid()
    stops: list[str] = []
    deadline = Deadline()

    def stop(reason: str) -> None:
        stops.append(reason)
        deadline.begin()
        server.signal_handler_interrupt()

    def on_signal(signum: int, frame: FrameType | None) -> None:
        if os.getpid() != main:  # in a worker so new that it still has our handlers
            os._exit(0)
        if not stops:
            _say("stopping")
        stop("signal")

    # Granian has set its own by the time it calls this.
    server.on_startup(lambda: _set_signals(on_signal))
    watch = workers.Watch(options.workers, on_ready=on_ready, on_failure=partial(stop, "failure"))
    receiving, sending = multiprocessing.Pipe(duplex=False)
    watch.start(receiving)
    if is_database_ours:
        _watch_database(options.data_dir, deadline, on_end=partial(stop, "database"))
    try:
        server.serve(target_loader=partial(workers.load, sending, main), wrap_loader=False)
    except SystemExit:  # granian's way to say that a worker has failed
        stops.append("failure")
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ServingError(f"cannot listen at {address} port {options.port}: {reason}") from error
    finally:
        deadline.end()
    if stops[:1] == ["failure"]:
        raise ServingError("the workers die as soon as they start; the reason stands above")
    if stops[:1] == ["database"]:
        raise ServingError(
            "PostgreSQL has ended by itself: start the server again, which recovers the data"
            f" (log: {options.data_dir / 'log'})"
        )


def _open_connections() -> int:
    """How many a worker may have, once its limit of open files is raised as far as they need it and
    the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES_OF_A_CONNECTION * OPEN_CONNECTIONS + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(1, (files - OTHER_FILES) // FILES_OF_A_CONNECTION)


def _watch_database(data_dir: Path, deadline: "Deadline", *, on_end: Callable[[], None]) -> None:
    """Call `on_end` when our PostgreSQL is gone while the server runs, such as one that the kernel
    has killed for its memory: who watches the server starts both again."""
    cluster = postgres.Cluster(data_dir)

    def watch() -> None:
        away = 0
        while away < DATABASE_AWAY:
            time.sleep(1)
            away = 0 if cluster.is_running() else away + 1
        if not deadline.is_stopping:
            on_end()

    threading.Thread(target=watch, name="database", daemon=True).start()


class Deadline:
    """Kills workers that take too long to stop.

    Granian can do that too, but takes a worker for alive that has just been reaped.
    """

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="deadline", daemon=True).start()

    def begin(self) -> None:
        """May be called by a signal handler, which may start no thread."""
        self._begun.set()

    def end(self) -> None:
        self._ended.set()

    @property
    def is_stopping(self) -> bool:
        return self._begun.is_set() or self._ended.is_set()

    def _run(self) -> None:
        self._begun.wait()
        if not self._ended.wait(STOP_WITHIN):
            _say(f"not everything has ended within {STOP_WITHIN} s; ending it")
            for process in multiprocessing.active_children():
                process.kill()


def _say(text: str) -> None:
    # Not print(), which a signal handler may interrupt half-way. The terminal may be gone.
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"\nsentrylite: {text}\n".encode())


# Signals ------------------------------------------------------------------------------------------


@contextmanager
def _interruptible() -> Iterator[None]:
    """Until the workers run, a signal interrupts whatever is going on, once: what was started is
    then stopped in peace."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        _set_signals(_ignore)
        raise KeyboardInterrupt

    _set_signals(interrupt)
    with suppress(KeyboardInterrupt):
        yield


def _set_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    # The terminal was closed; after `nohup` that is to be ignored.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


def _ignore(signum: int, frame: FrameType | None) -> None:
    """Not SIG_IGN, which child processes inherit."""

"""The server's entry point: SDK doors straight to ingest, all else to Django in its threads."""

import asyncio
import gc
import logging
import os
import threading
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  after setup
from django.db import DatabaseError, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from issues import expiry, maintenance  # noqa: E402
from issues.payload import user_agent  # noqa: E402
from sentrylite import front, health  # noqa: E402
from sentrylite.background.runner import Runner  # noqa: E402
from sentrylite.bodies import Receive  # noqa: E402
from sentrylite.handler import Handler  # noqa: E402
from sentrylite.ingest.app import IngestApp, matches  # noqa: E402
from sentrylite.ingest.authentication import ProjectKeys  # noqa: E402
from sentrylite.ingest.buffer import Buffer  # noqa: E402
from sentrylite.ingest.journal import Journal  # noqa: E402
from sentrylite.wsgi_bridge import Scope, Send, WsgiBridge  # noqa: E402

logger = logging.getLogger(__name__)

MAINTENANCE_EVERY = 3600.0
EXPIRY_EVERY = 60.0


class Server:
    """One process: an event loop for SDKs, threads for Django, the digest, the counters and
    background tasks."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.buffer = Buffer(self.journal)
        self.keys = ProjectKeys()
        self.ingest = IngestApp(self.buffer, self.keys)
        self.health = health.Health(self.buffer)
        self.front = front.FrontPage(self.health)
        self.django = WsgiBridge(Handler())
        self.background = Runner(is_elected=True)
        self._stopping = threading.Event()
        self._maintenance = threading.Thread(target=self._maintain, name="maintenance", daemon=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            path = scope["path"]
            if path in health.PATHS:
                await self.health(scope, receive, send)
            elif path == front.PATH:
                await self.front(scope, receive, send)
            elif matches(path):
                await self.ingest(scope, receive, send)
            else:
                await self.django(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await asyncio.to_thread(self.start)
        except Exception as error:
            logger.critical("cannot start: %s", error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(self.stop)
        await send({"type": "lifespan.shutdown.complete"})

    def start(self) -> None:
        self.journal.start()
        self.buffer.start()
        self._maintenance.start()
        if settings.BACKGROUND:
            self.background.start()
        user_agent.contexts_of("")  # reads its table of browsers, once
        # What is loaded by now stays: the collector need not look at it again, and parsed events
        # make enough objects to call it all the time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    def stop(self) -> None:
        """Everything that was accepted is written before this returns."""
        self._stopping.set()
        self.background.ask_to_stop()
        self.django.close()
        self.ingest.close()
        self.buffer.stop()
        self.journal.stop()
        self.background.stop()
        self.keys.close()

    def _maintain(self) -> None:
        due = time.monotonic()
        while True:
            try:
                if time.monotonic() >= due:
                    due += MAINTENANCE_EVERY
                    maintenance.maintain(timezone.now())
                expiry.settle(timezone.now())
            except DatabaseError as error:
                logger.warning("maintenance is put off: %s", str(error).strip())
            except Exception:
                logger.exception("maintenance failed")
            finally:
                connections.close_all()
            if self._stopping.wait(EXPIRY_EVERY):
                return


application = Server()

"""What happens behind each door for SDKs: from a request to stored events and an answer."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from issues.payload.event import PreparedEvent
from issues.payload.feedback import PreparedReport
from issues.payload.filters import Filtered
from sentrylite.organizations.intake import KeysClosed

from . import answers, items, origins, refusals, security
from .admission import Admission, Admitted, Rules, project_id_of
from .answers import Answer
from .authentication import KeyInfo, ProjectKeys, read_credentials, read_dsn
from .buffer import Buffer, Full
from .decoding import BrokenBody, decode, decode_store, parse_json
from .envelope import BrokenEnvelope, Envelope, Item, parse
from .items import CompiledEvent, CountedEvent
from .limits import Limits, TooLarge
from .quotas import RateLimit, RateLimited, SpentWindows
from .refusals import Refusal, Refused
from .request import Request
from .sessions import READERS, SESSION, PreparedSessions, SessionReader
from .symbolication import Symbolication

Result = TypeVar("Result")
# Of an item; an event's answers with its id.
Taking = Coroutine[Any, Any, str | None]

# Up to so many bytes a body is decompressed, and its JSON read, on the event loop; larger ones in
# a few threads, which also bounds how much is being inflated at a time.
INLINE = 256 * 1024
INLINE_DECODED = 1024 * 1024
THREADS = 2

# So many events of an envelope wait for their commit together. All of a piece are in memory as
# objects, and nothing else is done while they are read: not more bytes than of one event.
EVENTS_TOGETHER = 100
BYTES_TOGETHER = 1024 * 1024

STORE = Rules()
# Today's door: it never asked for a client, and has words of its own.
ENVELOPE = Rules(
    no_credentials=refusals.NO_ENVELOPE_CREDENTIALS,
    other_project=refusals.OTHER_ENVELOPE_PROJECT,
    needs_client=False,
)


class Doors:
    """A method a door. Each raises `Refused`, or one of the faults that `app` has words for."""

    def __init__(self, buffer: Buffer, keys: ProjectKeys, limits: Limits) -> None:
        self._buffer = buffer
        self._keys = keys
        self._limits = limits
        self._admission = Admission(keys, buffer)
        self._spent = SpentWindows()
        self._threads = ThreadPoolExecutor(THREADS, "ingest")
        self._symbolication = Symbolication()

    def close(self) -> None:
        self._threads.shutdown()
        self._symbolication.close()

    async def store(self, request: Request, project: str | None) -> Answer:
        """One event (ingest contract, section 4). With GET it stands in the query."""
        credentials = read_credentials(request.headers, request.query)
        admitted = await self._admission.admit(request, credentials, project, STORE)
        if request.method == "POST":
            body = await self._read_post(request)
        else:
            body = _sentry_data(request)
        encoding = request.header(b"content-encoding")
        data = await self._decode(decode_store, body, encoding, self._limits.event)
        if not data:
            raise Refused(refusals.NO_DATA)
        event_id = await self._take_event(data, admitted)
        return answers.stored(event_id) if request.method == "POST" else answers.pixel(event_id)

    async def envelope(self, request: Request, project: str | None) -> Answer:
        """Events and other items (ingest contract, section 5; clients contract, section 9.5).

        Of a broken envelope the items that arrived whole are taken before it is refused.
        """
        credentials = read_credentials(request.headers, request.query)
        admitted = None
        if credentials is not None:
            admitted = await self._admission.admit(request, credentials, project, ENVELOPE)
        envelope, cause = await self._read_envelope(request)
        if admitted is None:
            credentials = read_dsn(envelope.headers.get("dsn"))
            admitted = await self._admission.admit(request, credentials, project, ENVELOPE)
        event_id = await self._take_items(envelope, admitted)
        if cause is not None:
            raise BrokenEnvelope(cause)
        return answers.stored(event_id)

    async def security_report(self, request: Request, project: str | None) -> Answer:
        """A browser's report of a broken policy (clients contract, section 9.9)."""
        credentials = read_credentials(request.headers, request.query)
        admitted = await self._admission.admit(request, credentials, project, STORE)
        if not security.is_report_type(request.header(b"content-type")):
            raise Refused(refusals.NOT_A_REPORT)
        body = await request.body.read(limit=self._limits.body)
        encoding = request.header(b"content-encoding")
        data = await self._decode(decode, body, encoding, self._limits.event)
        if not data:
            raise Refused(refusals.NO_REPORT)
        report = security.read_report(
            parse_json(data),
            user_agent=request.user_agent,
            environment=request.query.get("sentry_environment"),
            release=request.query.get("sentry_release"),
        )
        key = admitted.key
        if not origins.is_allowed(report.origin, key.allowed_domains):
            self._buffer.count(key, "invalid_origin")
            raise Refused(refusals.FOREIGN_REPORT)
        event = await self._prepare(len(data), items.prepare_event, report.event, admitted)
        await self._store_event(event, len(data), key)
        return answers.report_received()

    async def cross_domain_policy(self, request: Request, project: str | None) -> Answer:
        """Which sites' Flash may send events to a project."""
        project = project or ""
        domains = await self._keys.allowed_domains(project_id_of(project))
        if domains is None:
            raise Refused(refusals.unknown_project(project))
        return answers.cross_domain_policy(domains)

    # Bodies -------------------------------------------------------------------------------------

    async def _read_post(self, request: Request) -> bytes:
        body = await request.body.read(limit=self._limits.body)
        if request.header(b"content-type").lower().startswith("multipart/form-data"):
            raise Refused(refusals.NO_DATA)
        return body

    async def _read_envelope(self, request: Request) -> tuple[Envelope, str | None]:
        """What can be read of an envelope, and what is wrong with the rest if it is."""
        body = await request.body.read(limit=self._limits.body)
        encoding = request.header(b"content-encoding")
        try:
            data = await self._decode(decode, body, encoding, self._limits.envelope)
            return await self._run(len(data), parse, data, max_items=self._limits.items), None
        except BrokenBody as error:
            raise BrokenEnvelope(str(error)) from error
        except BrokenEnvelope as fault:
            if fault.envelope is None:
                raise
            return fault.envelope, str(fault)

    async def _decode(
        self, decoder: Callable[..., bytes], body: bytes, encoding: str, limit: int
    ) -> bytes:
        """`decoder(body, encoding)`, in a thread when the body is large or turns out to be."""
        if len(body) <= INLINE:
            try:
                return decoder(body, encoding, limit=min(limit, INLINE_DECODED))
            except TooLarge:
                if limit <= INLINE_DECODED:
                    raise
        return await self._in_thread(decoder, body, encoding, limit=limit)

    async def _run(
        self, size: int, function: Callable[..., Result], *arguments: Any, **options: Any
    ) -> Result:
        """Call a function that works on `size` bytes, in a thread when they are many."""
        if size <= INLINE:
            return function(*arguments, **options)
        return await self._in_thread(function, *arguments, **options)

    async def _in_thread(
        self, function: Callable[..., Result], *arguments: Any, **options: Any
    ) -> Result:
        call = partial(function, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    # Items --------------------------------------------------------------------------------------

    async def _take_items(self, envelope: Envelope, admitted: Admitted) -> str | None:
        """Store events, sessions and what users say, count the rest; returns the id that the
        envelope is known by.

        Raises the first fault when everything that is in order has been taken.
        """
        header_id = items.read_event_id(envelope.headers.get("event_id"))
        results = Results()
        sessions, events, reports = [], [], []
        for item in envelope.items:
            if item.type in READERS:
                sessions.append(item)
            elif item.type == items.EVENT:
                events.append(item)
            elif item.type in items.REPORTS:
                reports.append(item)
            else:
                self._count(item, admitted.key)
        if sessions:
            await results.add(self._take_sessions(sessions, admitted.key))
        remaining = iter(events)
        for item in remaining:
            # The envelope's id is for one event, and there should not be more.
            await results.add(self._take_event_item(item, admitted, header_id))
            if results.event_ids:
                break
        for piece in _pieces(remaining):
            await results.add(*(self._take_event_item(item, admitted) for item in piece))
        for piece in _pieces(reports):
            await results.add(*(self._take_report(item, admitted.key) for item in piece))
        results.raise_fault()
        return results.event_ids[0] if results.event_ids else header_id

    async def _take_event_item(
        self, item: Item, admitted: Admitted, event_id: str | None = None
    ) -> str:
        try:
            return await self._take_event(item.payload, admitted, event_id)
        except Filtered as fault:
            # As today's servers do: it arrived, and what becomes of it is their affair.
            return fault.event_id

    async def _take_event(
        self, data: bytes | memoryview, admitted: Admitted, event_id: str | None = None
    ) -> str:
        """Store one event; returns its id once that is on disk."""
        if len(data) > self._limits.event:
            raise TooLarge(self._limits.event)
        key = admitted.key
        event = await self._prepare(len(data), items.read_event, data, admitted, event_id=event_id)
        if isinstance(event, CountedEvent):
            self._buffer.count(key, "accepted_item", items.category(items.TRANSACTION))
            return event.event_id
        if isinstance(event, PreparedReport):
            await self._store_report(event, items.FEEDBACK, key)
            return event.event_id
        return await self._store_event(event, len(data), key)

    async def _store_event(
        self, event: PreparedEvent | CompiledEvent, size: int, key: KeyInfo
    ) -> str:
        if isinstance(event, CompiledEvent):
            symbolicated = await self._symbolication.symbolicate(event.event, size, key)
            event = await self._run(size, items.finish_event, symbolicated, key)
        await self._submit(event, key)
        return event.event_id.hex

    async def _take_report(self, item: Item, key: KeyInfo) -> None:
        """Store what a user says; returns when that is on disk."""
        if len(item.payload) > self._limits.event:
            raise TooLarge(self._limits.event)
        report = await self._run(len(item.payload), items.read_report, item.payload, item.type, key)
        await self._store_report(report, item.type, key)

    async def _store_report(self, report: PreparedReport, item_type: str, key: KeyInfo) -> None:
        await self._buffer.submit(report)
        self._buffer.count(key, "accepted_item", items.category(item_type))

    async def _take_sessions(self, found: list[Item], key: KeyInfo) -> None:
        """Store what an envelope says of sessions; returns when that is on disk.

        Today's servers take what they cannot read and say nothing: it is counted.
        """
        reader = SessionReader(time.time())
        for item in found:
            if len(item.payload) > self._limits.event:
                reader.invalid += 1
            else:
                await self._run(len(item.payload), reader.read, item.type, item.payload)
        if reader.invalid:
            self._buffer.count(key, "invalid_item", items.category(SESSION), reader.invalid)
        if reader.sessions:
            await self._submit_open(reader.prepared(key), key)

    def _count(self, item: Item, key: KeyInfo) -> None:
        quantity = items.quantity(item.headers, len(item.payload))
        self._buffer.count(key, "accepted_item", items.category(item.type), quantity)

    async def _prepare(
        self,
        size: int,
        function: Callable[..., Result],
        event: object,
        admitted: Admitted,
        **options: Any,
    ) -> Result:
        """Read an event of `size` bytes. Refused are those of a key whose window is known to be
        used up, before they are read; those that its project does not want raise `Filtered`."""
        key, now = admitted.key, time.time()
        if key.rate_limit is not None:
            try:
                self._spent.check(key.key_id, key.rate_limit, now)
            except RateLimited as error:
                raise self._rate_limited(key, error) from None
        try:
            return await self._run(size, function, event, *admitted, now=now, **options)
        except Filtered as fault:
            self._buffer.count(key, "filtered", fault.name)
            raise

    async def _submit(self, event: PreparedEvent, key: KeyInfo) -> None:
        try:
            await self._submit_open(event, key, key.rate_limit)
        except Full:
            self._buffer.count(key, "rate_limited")
            raise
        except RateLimited as error:
            if key.rate_limit is not None:
                self._spent.remember(key.key_id, key.rate_limit, error.until)
            raise self._rate_limited(key, error) from None

    async def _submit_open(
        self, what: PreparedEvent | PreparedSessions, key: KeyInfo, limit: RateLimit | None = None
    ) -> None:
        """Store what needs a key that is open. Raises Refused when it is not any more."""
        try:
            await self._buffer.submit(what, limit)
        except KeysClosed:
            self._keys.forget(key)
            raise Refused(await self._why_closed(key)) from None

    def _rate_limited(self, key: KeyInfo, error: RateLimited) -> Refused:
        self._buffer.count(key, "rate_limited")
        return Refused(refusals.rate_limited(error.seconds(time.time())))

    async def _why_closed(self, key: KeyInfo) -> Refusal:
        """What is said of a key that was good when its request came in and is not any more."""
        if await self._keys.allowed_domains(key.project_id) is None:
            return refusals.unknown_project(str(key.project_id))
        known = await self._keys.get(key.public_key)
        return refusals.DISABLED_KEY if known else refusals.UNKNOWN_KEY


class Results:
    """What became of the items of an envelope."""

    def __init__(self) -> None:
        self.event_ids: list[str] = []
        self._faults: list[Exception] = []
        """The first: each holds what it is about."""

    async def add(self, *takings: Taking) -> None:
        """Take these items at the same time, and wait for all. Raises nothing."""
        if len(takings) == 1:  # nearly always: not worth a task
            results = [await _result(takings[0])]
        else:
            results = await asyncio.gather(*map(_result, takings))
        self.event_ids += [result for result in results if isinstance(result, str)]
        self._faults += [result for result in results if isinstance(result, Exception)]
        del self._faults[1:]

    def raise_fault(self) -> None:
        """Raises the first fault, if there was one."""
        try:
            if self._faults:
                raise self._faults[0]
        finally:
            # A fault holds this frame, and so the envelope: as long as the frame held the fault,
            # up to a hundred megabytes would wait for the garbage collector.
            self._faults.clear()


async def _result(taking: Taking) -> str | Exception | None:
    try:
        return await taking
    except Exception as fault:
        return fault


def _pieces(found: Iterable[Item]) -> Iterator[list[Item]]:
    piece: list[Item] = []
    size = 0
    for item in found:
        if piece and (len(piece) == EVENTS_TOGETHER or size + len(item.payload) > BYTES_TOGETHER):
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += len(item.payload)
    if piece:
        yield piece


def _sentry_data(request: Request) -> bytes:
    """The body that stands in the query of a GET."""
    data = request.query.get("sentry_data", "").encode()
    # base64 that nobody percent-encoded has lost its plus signs.
    return data if data.startswith(b"{") else data.replace(b" ", b"+")

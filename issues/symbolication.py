"""Finding what was uploaded for an event, and putting its frames back to where they come from.

The rewriting itself is in `issues.payload`, the reading of maps in `sentrylite.symbols`; this is
what connects the two with the database and the store of files. It works in one thread, beside the
event loop (`sentrylite.ingest.symbolication`), and within a time that its caller sets.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from issues.payload import java, javascript, native
from issues.payload.event import Uploads
from issues.payload.java import Call, Names, Original
from issues.payload.javascript import Place, Script, Token, Unusable
from issues.payload.native import Image, Location
from issues.payload.values import JsonObject
from sentrylite.files import store
from sentrylite.files.models import Blob
from sentrylite.releases import artifacts
from sentrylite.releases.artifacts import Artifact, Unreadable
from sentrylite.symbols import formats, queries, reader, scripts, source_bundles
from sentrylite.symbols.messages import Message
from sentrylite.symbols.models import Format
from sentrylite.symbols.places import local_path
from sentrylite.symbols.queries import Found, Identity
from sentrylite.symbols.reader import Missing, Reader
from sentrylite.symbols.scripts import ScriptReader, TooSlow

K = TypeVar("K")
V = TypeVar("V")

FOUND_FOR = 10.0
"""Seconds for which it is remembered what was uploaded, or was not."""
REMEMBERED = 2_000
BUNDLES = 16
"""Source bundles of which it is remembered what is in them."""
LEAST_SECONDS = 1.0
MAX_SOURCE = 4 * 1024 * 1024
MAX_SOURCES = 20
"""Of one event, read by themselves."""


def may_have_symbols(event: JsonObject, uploads: Uploads) -> bool:
    """Whether there may be something to look up for a cleaned event. Asks nobody."""
    return (uploads.artifacts and _may_have_scripts(event)) or (
        uploads.debug_files and (native.has_addresses(event) or bool(java.mapping_ids(event)))
    )


def _may_have_scripts(event: JsonObject) -> bool:
    return any("release" in event or place.debug_id for place in javascript.places_of(event))


def detached(event: JsonObject) -> JsonObject:
    """A copy of a cleaned event that can be symbolicated while the event itself is used: the
    holders of its stack traces are copied, what they hold is shared and never changed."""
    copy = event.copy()
    for name in ("exception", "threads"):
        if name in copy:
            values = [holder.copy() for holder in copy[name]["values"]]
            copy[name] = copy[name] | {"values": values}
    return copy


class Symbolicator:
    """What one process knows of uploads. One thread at a time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = Reader()
        self._clock = clock
        self._scripts = ScriptReader(self._reader, clock=clock)
        self._uploaded: _Remembered[_Upload, _Parts | None] = _Remembered(clock)
        self._debug_files: _Remembered[tuple[int, Identity], Found | None] = _Remembered(clock)
        self._bundles: _Remembered[str, dict[str, str]] = _Remembered(clock, math.inf, BUNDLES)
        # Of contents, which never change.
        self._references: _Remembered[tuple[str, str | None], str | None] = _Remembered(
            clock, math.inf
        )

    def symbolicate(
        self, event: JsonObject, *, project_id: int, uploads: Uploads, until: float
    ) -> None:
        """Rewrite the frames of a cleaned event, in place; what is not found or broken by then
        stays as it was sent, with an error of the event that says so. `until` is a moment of the
        clock. Raises what the database raises."""
        if uploads.artifacts and _may_have_scripts(event):
            javascript.restore(event, _EventScripts(self, event, project_id, until))
        if uploads.debug_files and native.has_addresses(event):
            native.restore(event, _EventDebugFiles(self, project_id, until))
        if uploads.debug_files and java.mapping_ids(event):
            java.restore(event, _EventMappings(self, project_id, until))

    def close(self) -> None:
        """End the process that reads files."""
        self._reader.close()

    # Debug files --------------------------------------------------------------------------------

    def find_debug_files(
        self, project_id: int, identities: Sequence[Identity]
    ) -> dict[Identity, Found]:
        """Those that were uploaded. One statement at most, none for what has been asked for in the
        last seconds."""
        new = [each for each in identities if (project_id, each) not in self._debug_files]
        if new:
            found = queries.find_for_event(project_id, new)
            for each in new:
                self._debug_files.put((project_id, each), found.get(each))
        known = {each: self._debug_files.get((project_id, each)) for each in identities}
        return {each: file for each, file in known.items() if file is not None}

    def read_sources(
        self, bundle: Blob, paths: Sequence[str], until: float
    ) -> dict[str, list[str]]:
        """The lines of sources in a source bundle; nothing of a broken one."""
        try:
            self.seconds_until(until)
            with store.open_blob(bundle) as content:
                if bundle.checksum not in self._bundles:
                    self._bundles.put(bundle.checksum, source_bundles.read_places(content))
                places = self._bundles.get(bundle.checksum)
                return source_bundles.read_sources(content, places, paths[:MAX_SOURCES])
        except Exception:  # storages raise what they like, broken zips anything
            return {}

    def ask_about(self, blob: Blob, operation: str, until: float, **request: object) -> Message:
        """The engine's answer about a file. Raises Unusable."""
        try:
            seconds = self.seconds_until(until)
            request |= {"key": f"{operation} {blob.checksum}"}
            try:
                return self._reader.ask(operation, seconds=seconds, **request)
            except Missing:
                with local_path(blob) as path:
                    return self._reader.ask(operation, seconds=seconds, path=path, **request)
        except TooSlow as error:
            raise Unusable("native_symbolicator_failed", reason=str(error)) from error
        except (reader.Unreadable, OSError) as error:
            raise Unusable("native_bad_dsym", reason=str(error)) from error

    # Scripts ------------------------------------------------------------------------------------

    def seconds_until(self, until: float) -> float:
        """How long the engine may take: never so little that what it knows already is not found.
        Raises TooSlow when the time is up."""
        left = until - self._clock()
        if left <= 0:
            raise TooSlow("no time was left")
        return min(max(left, LEAST_SECONDS), scripts.SECONDS)

    def look_up(
        self, parts: "_Parts", positions: Sequence[tuple[int, int]], until: float
    ) -> list[Token | None]:
        """What a script has at these positions. Raises `scripts.Unusable`."""
        seconds = self.seconds_until(until)
        found = self._scripts.tokens(parts.key, parts.load, positions, seconds=seconds)
        return [None if token is None else Token(**token) for token in found]

    def find_parts(
        self, project_id: int, version: str, dist: str, places: Sequence[Place]
    ) -> dict[Place, "_Parts"]:
        """The scripts among `places` that were uploaded, with their maps. At most two statements,
        none for what has been asked for in the last seconds."""
        uploads = {place: _Upload(project_id, version, dist, place) for place in places}
        new = [place for place in places if uploads[place] not in self._uploaded]
        if new:
            found = self._find_parts(project_id, version, dist, new)
            for place in new:
                self._uploaded.put(uploads[place], found.get(place))
        known = {place: self._uploaded.get(uploads[place]) for place in places}
        return {place: parts for place, parts in known.items() if parts is not None}

    def _find_parts(
        self, project_id: int, version: str, dist: str, places: Sequence[Place]
    ) -> dict[Place, "_Parts"]:
        found = artifacts.find_artifacts(
            project_id,
            debug_ids={UUID(place.debug_id) for place in places if place.debug_id},
            version=version,
            dist=dist,
            urls={place.url for place in places},
        )
        parts: dict[Place, _Parts] = {}
        referred: dict[str, list[Place]] = {}
        for place in places:
            minified = found.by_url.get(place.url)
            source_map = None
            if place.debug_id:
                debug_id = UUID(place.debug_id)
                minified = found.by_debug_id.get((debug_id, "minified_source"), minified)
                source_map = found.by_debug_id.get((debug_id, "source_map"))
            if minified is None and source_map is None:
                continue
            parts[place] = _Parts(place.url, minified, source_map, None)
            reference = self._reference_of(minified) if minified else None
            if reference is None:
                if source_map is not None:
                    parts[place] = parts[place]._replace(map_url=f"{place.url}.map")
            elif reference.startswith("data:"):
                parts[place] = parts[place]._replace(map_url=place.url)
            else:
                map_url = javascript.join_url(place.url, reference)
                parts[place] = parts[place]._replace(map_url=map_url)
                if source_map is None:
                    referred.setdefault(map_url, []).append(place)
        if referred:
            maps = artifacts.find_artifacts(
                project_id, version=version, dist=dist, urls=list(referred)
            )
            for url, source_map in maps.by_url.items():
                for place in referred[url]:
                    parts[place] = parts[place]._replace(source_map=source_map)
        return parts

    def _reference_of(self, minified: Artifact) -> str | None:
        """Where a script says that its map is. Of an inline map only the beginning is kept."""
        for name in scripts.HEADERS:
            if minified.headers.get(name):
                return scripts.reference_of(b"", minified.headers)
        if minified.key not in self._references:
            try:
                content = artifacts.read_artifact(minified, scripts.MAX_SCRIPT)
                reference = scripts.reference_of(content, {})
            except Unreadable:
                reference = None
            if reference is not None and reference.startswith("data:"):
                reference = "data:"
            self._references.put(minified.key, reference)
        return self._references.get(minified.key)


class _Upload(NamedTuple):
    """What somebody may have uploaded a script as."""

    project_id: int
    version: str
    dist: str
    place: Place


class _Parts(NamedTuple):
    """An uploaded script and its map."""

    url: str
    minified: Artifact | None
    source_map: Artifact | None
    map_url: str | None
    """What its sources are relative to; None of a script that names no map."""

    @property
    def key(self) -> str:
        """Names the content of both."""
        files = (self.minified, self.source_map)
        return "|".join("/".join(map(str, file.key)) if file else "" for file in files)

    def load(self) -> tuple[bytes, bytes]:
        """The content of both, the script's b"" without one. Raises `scripts.Unusable`."""
        minified = b""
        if self.minified is not None:
            minified = _content(self.minified, scripts.MAX_SCRIPT)
        if self.source_map is not None:
            return minified, _content(self.source_map, scripts.MAX_MAP)
        reference = scripts.reference_of(minified, {})
        if reference is None or not reference.startswith("data:"):
            raise scripts.Broken("its map has gone")
        return minified, scripts.inline_map(reference)


class _EventScripts:
    """The uploads for one event, as `javascript.Scripts`."""

    def __init__(
        self, symbolicator: Symbolicator, event: JsonObject, project_id: int, until: float
    ) -> None:
        self._symbolicator = symbolicator
        self._project_id = project_id
        self._version = event.get("release", "")
        self._dist = event.get("dist", "")
        self._until = until

    def find(self, places: Sequence[Place]) -> Mapping[Place, Script]:
        found = self._symbolicator.find_parts(self._project_id, self._version, self._dist, places)
        return {
            place: _UploadedScript(self._symbolicator, parts, self._until)
            for place, parts in found.items()
        }

    def sources(self, urls: Sequence[str]) -> Mapping[str, Sequence[str]]:
        found = artifacts.find_artifacts(
            self._project_id,
            version=self._version,
            dist=self._dist,
            urls=urls[:MAX_SOURCES],
        )
        sources = {}
        for url, artifact in found.by_url.items():
            try:
                sources[url] = _lines(_content(artifact, MAX_SOURCE))
            except scripts.Unusable:
                continue
        return sources


@dataclass(slots=True)
class _UploadedScript:
    """As `javascript.Script`."""

    symbolicator: Symbolicator
    parts: _Parts
    until: float

    @property
    def map_url(self) -> str | None:
        return self.parts.map_url

    def tokens(self, positions: Sequence[tuple[int, int]]) -> list[Token | None]:
        map_url = self.parts.map_url or ""
        if self.parts.source_map is None and map_url != self.parts.url:
            raise Unusable("js_missing_source", url=map_url)
        try:
            return self.symbolicator.look_up(self.parts, positions, self.until)
        except scripts.Unusable as error:
            raise _error(error, "js_invalid_sourcemap", map_url) from error

    def lines(self) -> list[str]:
        if self.parts.minified is None:
            return []
        try:
            self.symbolicator.seconds_until(self.until)
            return _lines(_content(self.parts.minified, MAX_SOURCE))
        except scripts.Unusable as error:
            raise _error(error, "js_invalid_source", self.parts.url) from error


@dataclass(slots=True)
class _EventDebugFiles:
    """The debug files for one event, as `native.DebugFiles`."""

    symbolicator: Symbolicator
    project_id: int
    until: float
    found: dict[Image, Found] = field(default_factory=dict)

    def find(self, images: Sequence[Image]) -> Mapping[Image, native.DebugFile]:
        found = self.symbolicator.find_debug_files(
            self.project_id, [_identity(image) for image in images]
        )
        self.found = {
            image: found[_identity(image)] for image in images if _identity(image) in found
        }
        return {
            image: _UploadedDebugFile(self.symbolicator, each.file.symcache, self.until)
            for image, each in self.found.items()
            if each.file.symcache is not None
        }

    def sources(self, image: Image, paths: Sequence[str]) -> Mapping[str, Sequence[str]]:
        bundle = self.found[image].sources
        if bundle is None:
            return {}
        return self.symbolicator.read_sources(bundle.blob, paths, self.until)


def _identity(image: Image) -> Identity:
    return Identity(
        formats.read_debug_id(image.debug_id or "") or "",
        formats.read_code_id(image.code_id or "") or "",
    )


@dataclass(slots=True)
class _UploadedDebugFile:
    """As `native.DebugFile`."""

    symbolicator: Symbolicator
    symcache: Blob
    until: float

    def locations(self, addresses: Sequence[int]) -> list[list[Location]]:
        answer = self.symbolicator.ask_about(
            self.symcache, "addresses", self.until, addresses=addresses
        )
        return [[Location(**each) for each in located] for located in answer["locations"]]


@dataclass(slots=True)
class _EventMappings:
    """The mappings for one event, as `java.Mappings`."""

    symbolicator: Symbolicator
    project_id: int
    until: float

    def find(self, uuids: Sequence[str]) -> Mapping[str, java.ProguardMapping]:
        identities = {uuid: Identity(uuid, "") for uuid in uuids}
        found = self.symbolicator.find_debug_files(self.project_id, [*identities.values()])
        return {
            uuid: _UploadedMapping(self.symbolicator, found[identity].file.blob, self.until)
            for uuid, identity in identities.items()
            if identity in found and found[identity].file.format == Format.PROGUARD
        }


@dataclass(slots=True)
class _UploadedMapping:
    """As `java.ProguardMapping`."""

    symbolicator: Symbolicator
    blob: Blob
    until: float

    def names(self, calls: Sequence[Call], classes: Sequence[str]) -> Names:
        answer = self.symbolicator.ask_about(
            self.blob, "java", self.until, frames=[[*call] for call in calls], classes=classes
        )
        frames = [[Original(**each) for each in found] for found in answer["frames"]]
        return Names(frames, answer["classes"], answer["has_lines"])


def _error(error: scripts.Unusable, kind: str, url: str) -> Unusable:
    """As it is told to who reads the event."""
    if isinstance(error, TooSlow):
        return Unusable("fetch_timeout", url=url)
    return Unusable(kind, url=url, reason=str(error))


def _content(artifact: Artifact, limit: int) -> bytes:
    """Raises `scripts.Unusable`."""
    try:
        return artifacts.read_artifact(artifact, limit)
    except Unreadable as error:
        raise scripts.Broken(str(error)) from error


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


class _Remembered(Generic[K, V]):
    """Answers that are good for some seconds; the oldest make way."""

    def __init__(
        self, clock: Callable[[], float], seconds: float = FOUND_FOR, limit: int = REMEMBERED
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._limit = limit
        self._kept: dict[K, tuple[float, V]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._kept and self._clock() < self._kept[key][0]

    def get(self, key: K) -> V:
        return self._kept[key][1]

    def put(self, key: K, value: V) -> None:
        self._kept.pop(key, None)
        if len(self._kept) >= self._limit:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = self._clock() + self._seconds, value

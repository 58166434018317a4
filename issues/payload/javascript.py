"""Frames of minified scripts, put back to where their authors wrote them.

Where a script and its source map are, and what is in the map, `Scripts` says; here is what follows
from it for a stored event (events contract, section 3). Frames of which nothing is known stay as
they were sent, and what is missing or broken is noted in the event's `errors`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

from issues.payload.problems import MAX_PROBLEMS
from issues.payload.stacktrace import (
    MAX_FILENAME,
    MAX_PATH,
    context_around,
    is_url,
    lighten,
    source_line,
    unrestored,
)
from issues.payload.values import JsonObject, clean_text, trim

PLATFORMS = frozenset(("javascript", "node"))
MAX_FUNCTION = 256

NAMELESS = frozenset(("<unknown>", "<anonymous>", "?", "anonymous"))
"""Functions without a name of their own."""

_NOT_A_FILE = re.compile(
    r"<|\[|node:|native |internal/|webpack-internal:|webpack:|data:|blob:|about:"
    r"|(?:chrome|moz|safari|safari-web|ms-browser)-extension:"
)
_APPLICATION = re.compile(r"https?:|file:|app:|capacitor:|ionic:")
_SCHEME = re.compile(r"[a-zA-Z][\w+.-]+:")
_WEBPACK = re.compile(r"webpack://[^/]*/+")
_OTHERS_CODE = re.compile(r"(?:^|/)(?:node_modules|bower_components|~)/|^\(webpack\)|^webpack/")
_MODULE_NOISE = re.compile(
    r"(?:(?:(?:java)?scripts?|js|build|static|dist|[_.~][^/]*"
    r"|v?(?:\d+\.)*\d+|[a-f0-9]{7,8}|[a-f0-9]{32}|[a-f0-9]{40})?/)*"
)
_EXTENSION = re.compile(r"(?:[.-][a-f0-9]{7,})?(?:\.min|-min)?\.(?:[cm]?[jt]sx?|vue|svelte)$")


class Place(NamedTuple):
    """A minified script as frames know it."""

    url: str
    debug_id: str | None
    """A UUID in lower case, of the SDK's `debug_meta`."""


class Token(NamedTuple):
    """Where a position in a minified script comes from."""

    source: str | None
    line: int
    column: int
    name: str | None
    """What is at the position was called; of a call: the function called."""
    function: str | None
    """The function around it."""
    context_line: str | None
    pre_context: list[str]
    post_context: list[str]


class Unusable(Exception):
    """A script cannot be used. `kind` is the type of the event's error, `details` its data."""

    def __init__(self, kind: str, **details: str | int) -> None:
        super().__init__(kind)
        self.kind, self.details = kind, details


class Script(Protocol):
    """A minified script with its source map, or without one."""

    @property
    def map_url(self) -> str | None:
        """Where the map is: what its sources are relative to. None without a map."""

    def tokens(self, positions: Sequence[tuple[int, int]]) -> list[Token | None]:
        """What the map says of lines and columns, from 1. Raises Unusable."""

    def lines(self) -> list[str]:
        """Of the script itself. Raises Unusable."""


class Scripts(Protocol):
    """The scripts that were uploaded for an event."""

    def find(self, places: Sequence[Place]) -> Mapping[Place, Script]:
        """Those of `places` that there are."""

    def sources(self, urls: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The lines of sources that are not in their map, of those that there are."""


def places_of(event: JsonObject) -> list[Place]:
    """The scripts that a stored event's frames are in, without those that nobody can upload."""
    return list(dict.fromkeys(place for _, place in _frames(event, _debug_ids(event))))


def restore(event: JsonObject, scripts: Scripts) -> None:
    """Rewrite the frames of a stored event, in place. Holders of rewritten stack traces keep what
    was sent as `raw_stacktrace`."""
    _Restoration(event, scripts).run()


class _Restoration:
    def __init__(self, event: JsonObject, scripts: Scripts) -> None:
        self._event = event
        self._scripts = scripts
        self._debug_ids = _debug_ids(event)
        self._errors: list[JsonObject] = []
        self._tokens: dict[tuple[Place, int, int], Token | None] = {}
        self._lines: dict[Place, list[str]] = {}
        self._sources: Mapping[str, Sequence[str]] = {}

    def run(self) -> None:
        """All that is needed of a script is asked for at once."""
        self._found = self._scripts.find(places_of(self._event))
        self._look_up()
        if urls := self._separate_sources():
            self._sources = self._scripts.sources(urls)
        for holder in unrestored(self._event):
            self._restore(holder)
        if self._errors:
            self._event["errors"] = self._event.get("errors", []) + self._errors

    def _look_up(self) -> None:
        positions: dict[Place, dict[tuple[int, int], None]] = {}
        for frame, place in _frames(self._event, self._debug_ids):
            if place not in self._found:
                self._note_missing(frame, place)
            elif "colno" in frame or self._found[place].map_url is None:
                positions.setdefault(place, {})[frame["lineno"], frame.get("colno", 0)] = None
            else:
                self._note("js_no_column", url=place.url)
        for place, wanted in positions.items():
            script = self._found[place]
            try:
                if script.map_url is None:
                    self._lines[place] = script.lines()
                else:
                    for position, token in zip(wanted, script.tokens([*wanted]), strict=True):
                        self._tokens[place, *position] = token
            except Unusable as error:
                self._note(error.kind, **error.details)

    def _separate_sources(self) -> list[str]:
        """The addresses of sources that are not in their map."""
        return list(
            {
                self._source_of(place, token)[0]: None
                for (place, _, _), token in self._tokens.items()
                if token is not None and token.source and token.context_line is None
            }
        )

    def _source_of(self, place: Place, token: Token) -> tuple[str, str]:
        return _paths(clean_text(token.source or ""), self._found[place].map_url or "")

    def _restore(self, holder: JsonObject) -> None:
        raw = holder["stacktrace"]
        frames: list[JsonObject] = []
        is_restored = False
        called: str | None = None
        """What the frame before calls the function of this one."""
        for frame in raw["frames"]:
            place = _place_of(frame, self._event["platform"], self._debug_ids)
            token = self._token(frame, place)
            if place is not None and token is not None:
                frames.append(self._restored(frame, place, token, called))
                is_restored = True
            elif place in self._lines and "context_line" not in frame:
                frames.append(frame | context_around(self._lines[place], frame["lineno"]))
            else:
                frames.append(frame.copy())
            called = token.name if token is not None else None
        lighten(frames)
        if is_restored:
            holder["raw_stacktrace"] = raw
        holder["stacktrace"] = raw | {"frames": frames}

    def _token(self, frame: JsonObject, place: Place | None) -> Token | None:
        if place is None or "colno" not in frame:
            return None
        position = place, frame["lineno"], frame["colno"]
        token = self._tokens.get(position)
        if position in self._tokens and (token is None or token.source is None):
            self._note(
                "js_invalid_sourcemap_location",
                url=place.url,
                row=frame["lineno"],
                column=frame["colno"],
                sourcemap=self._found[place].map_url or "",
            )
            return None
        return token

    def _restored(
        self, frame: JsonObject, place: Place, token: Token, called: str | None
    ) -> JsonObject:
        map_url = self._found[place].map_url or ""
        abs_path, filename = self._source_of(place, token)
        restored = {
            **{key: value for key, value in frame.items() if key not in _REPLACED},
            "abs_path": trim(abs_path, MAX_PATH),
            "filename": trim(filename, MAX_FILENAME),
            "lineno": token.line,
            "colno": token.column,
            "data": {
                **frame.get("data", {}),
                "sourcemap": trim(map_url, MAX_PATH),
                "symbolicated": True,
                **{f"orig_{name}": frame[name] for name in _KEPT if name in frame},
            },
        }
        if function := _function(frame, token, called):
            restored["function"] = trim(clean_text(function), MAX_FUNCTION)
        if module := module_of(abs_path, filename):
            restored["module"] = trim(module, 256)
        if (is_own := _is_own(abs_path, filename)) is not None:
            restored["in_app"] = is_own
        if token.context_line is not None:
            restored["context_line"] = source_line(token.context_line)
            restored["pre_context"] = [source_line(line) for line in token.pre_context]
            restored["post_context"] = [source_line(line) for line in token.post_context]
        elif abs_path in self._sources:
            restored |= context_around(self._sources[abs_path], token.line)
        else:
            self._note("js_missing_sources_content", source=abs_path, sourcemap=map_url)
        return restored

    # Problems -----------------------------------------------------------------------------------

    def _note_missing(self, frame: JsonObject, place: Place) -> None:
        """Nobody uploads the scripts of others: those on a disk below `node_modules`."""
        wanted = place.debug_id is not None or _APPLICATION.match(place.url)
        if wanted and "/node_modules/" not in place.url and frame.get("in_app") is not False:
            self._note("js_missing_source", url=place.url)

    def _note(self, kind: str, **details: str | int) -> None:
        """What concerns many frames is said once."""
        cut = {name: trim(v, MAX_PATH) if type(v) is str else v for name, v in details.items()}
        if (error := {"type": kind, **cut}) not in self._errors and len(
            self._errors
        ) < MAX_PROBLEMS:
            self._errors.append(error)


_KEPT = ("function", "abs_path", "filename", "lineno", "colno")
_REPLACED = frozenset((*_KEPT, "module", "context_line", "pre_context", "post_context"))


# Frames and their scripts -------------------------------------------------------------------------


def _frames(event: JsonObject, debug_ids: Mapping[str, str]) -> Iterator[tuple[JsonObject, Place]]:
    platform = event["platform"]
    for holder in unrestored(event):
        for frame in holder["stacktrace"]["frames"]:
            if (place := _place_of(frame, platform, debug_ids)) is not None:
                yield frame, place


def _place_of(frame: JsonObject, platform: str, debug_ids: Mapping[str, str]) -> Place | None:
    path = frame.get("abs_path")
    if frame.get("platform", platform) not in PLATFORMS or not path or not frame.get("lineno"):
        return None
    if _NOT_A_FILE.match(path) or path.endswith("..."):  # cut: it would be of no use
        return None
    return Place(path, debug_ids.get(path))


def _debug_ids(event: JsonObject) -> dict[str, str]:
    """The debug ids of scripts, by their address in frames."""
    images = event.get("debug_meta", {}).get("images")
    found = {}
    for image in images if type(images) is list else ():
        if type(image) is not dict or image.get("type") != "sourcemap":
            continue
        path, debug_id = image.get("code_file"), image.get("debug_id")
        if type(path) is str and type(debug_id) is str and _UUID.fullmatch(debug_id.lower()):
            found[path] = debug_id.lower()
    return found


_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


# Names --------------------------------------------------------------------------------------------


def _function(frame: JsonObject, token: Token, called: str | None) -> str | None:
    """What the author called the function: the map's scopes know it, or else its caller does."""
    if token.function and token.function not in NAMELESS:
        return token.function
    if called:
        return called
    return token.function if token.function == "<anonymous>" else frame.get("function")


def _paths(source: str, map_url: str) -> tuple[str, str]:
    """The address of a source and its name. Bundlers have an address space of their own, in which
    the name is what is below it."""
    abs_path = join_url(map_url, source)
    if match := _WEBPACK.match(abs_path):
        name = abs_path[match.end() :]
        _, separator, package = name.rpartition("/~/")
        return abs_path, f"~/{package}" if separator else name
    if is_url(source):
        try:
            return abs_path, urlsplit(source).path.lstrip("/") or source
        except ValueError:
            pass
    return abs_path, source


def join_url(base: str, reference: str) -> str:
    """The address that `reference` has at `base`, whose scheme may be one of an SDK's own."""
    if _SCHEME.match(reference):
        return reference
    scheme, separator, rest = base.partition("://")
    try:
        if not separator:
            return urljoin(base, reference)
        joined = urljoin(f"http://{rest}", reference)
    except ValueError:
        return reference
    return f"{scheme}://{joined.removeprefix('http://')}"


def _is_own(abs_path: str, filename: str) -> bool | None:
    """Whether it is the application's code, None if its place does not tell."""
    if _OTHERS_CODE.search(filename) or _OTHERS_CODE.search(abs_path):
        return False
    return True if abs_path.startswith(("webpack:", "app:")) else None


def module_of(abs_path: str, filename: str) -> str | None:
    """A name for the source that stays when it is built or deployed anew: its path without what
    says where it lies, a version or a hash of its content."""
    path = abs_path.partition("://")[2].partition("/")[2] if is_url(filename) else filename
    path = path.partition("?")[0].partition("#")[0].rpartition("node_modules/")[2]
    start = _MODULE_NOISE.match(path)
    return _EXTENSION.sub("", path[start.end() if start else 0 :]) or None

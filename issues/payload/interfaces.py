"""The interfaces of an event that tell its story: exceptions, threads, the log message,
breadcrumbs, the template; and the smaller objects around it."""

import re
from typing import Any

from issues.payload.fields import (
    read_flags,
    read_identifier,
    read_integers,
    read_object,
    read_texts,
    read_tree,
    read_trees,
    read_values,
)
from issues.payload.levels import level_name
from issues.payload.message import fill_in
from issues.payload.problems import Problems
from issues.payload.stacktrace import read_context, read_stacktrace
from issues.payload.values import (
    JsonObject,
    json_text,
    read_timestamp,
    scalar_text,
    trim,
    trim_tree,
)

MAX_MESSAGE = 8192
MAX_CONTEXT = 8192
MAX_DEBUG_META = 256 * 1024

_EXCEPTION_TEXTS = {"type": 128, "module": 128}
_MAX_EXCEPTION_VALUE = 4096
_TYPED_VALUE = re.compile(r"(\w+):(.*)")
_MECHANISM_TEXTS = {"type": 128, "description": 1024, "help_link": 1024, "source": 128}
_MECHANISM_FLAGS = ("synthetic", "handled", "is_exception_group")
_MECHANISM_NUMBERS = ("exception_id", "parent_id")
_MECHANISM_TREES = {"data": 4096, "meta": 4096}
_THREAD_TEXTS = {"name": 1024, "state": 64}
_THREAD_FLAGS = ("crashed", "current", "main")
_CRUMB_TEXTS = {"type": 128, "category": 256, "event_id": 64}
_MAX_CRUMB_MESSAGE = 4096
_CRUMB_TREES = {"data": 4096}
_TEMPLATE_TEXTS = {"filename": 256, "abs_path": 2048}


def read_exception(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """`{"values": [exception…]}`, oldest first as sent (ingest contract, section 6)."""
    exceptions = [
        exception
        for index, item in enumerate(read_values(value, path, problems))
        if (exception := _read_single(item, f"{path}.values.{index}", problems))
    ]
    return {"values": exceptions} if exceptions else None


def _read_single(value: Any, path: str, problems: Problems) -> JsonObject | None:
    source = read_object(value, path, problems, "expected exception")
    if source is None:
        return None
    exception = read_texts(source, _EXCEPTION_TEXTS, path, problems)
    if source.get("value") is not None:
        exception["value"] = trim(json_text(source["value"]), _MAX_EXCEPTION_VALUE)
    exception |= _read_stacks(source, path, problems)
    if not (exception.get("type") or exception.get("value") or "stacktrace" in exception):
        problems.missing(f"{path}.type")
        return None
    mechanism = _read_mechanism(source.get("mechanism"), f"{path}.mechanism", problems)
    if mechanism:
        exception["mechanism"] = mechanism
    if (thread := read_identifier(source.get("thread_id"))) is not None:
        exception["thread_id"] = thread
    _split_type(exception)
    return exception


def _split_type(exception: JsonObject) -> None:
    """`TypeError: text` without a type names its type. Made-up exceptions have none to name."""
    if "type" in exception or exception.get("mechanism", {}).get("synthetic"):
        return
    match = _TYPED_VALUE.fullmatch(exception.get("value", ""))
    if match:
        exception["type"], exception["value"] = trim(match[1], 128), match[2].strip()


def _read_stacks(source: JsonObject, path: str, problems: Problems) -> JsonObject:
    stacks: JsonObject = {}
    for name in ("stacktrace", "raw_stacktrace"):
        if name in source:
            stack = read_stacktrace(source[name], f"{path}.{name}", problems)
            if stack:
                stacks[name] = stack
    return stacks


def _read_mechanism(value: Any, path: str, problems: Problems) -> JsonObject | None:
    source = read_object(value, path, problems, "expected mechanism")
    if not source:
        return None
    mechanism = {"type": "generic"} | read_texts(source, _MECHANISM_TEXTS, path, problems)
    mechanism |= read_flags(source, _MECHANISM_FLAGS, path, problems)
    mechanism |= read_integers(source, _MECHANISM_NUMBERS, path, problems)
    return mechanism | read_trees(source, _MECHANISM_TREES, path, problems)


def read_threads(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """`{"values": [thread…]}`."""
    threads = [
        thread
        for index, item in enumerate(read_values(value, path, problems))
        if (thread := _read_thread(item, f"{path}.values.{index}", problems))
    ]
    return {"values": threads} if threads else None


def _read_thread(value: Any, path: str, problems: Problems) -> JsonObject | None:
    source = read_object(value, path, problems, "expected thread")
    if not source:
        return None
    thread = read_texts(source, _THREAD_TEXTS, path, problems)
    thread |= read_flags(source, _THREAD_FLAGS, path, problems)
    if (identifier := read_identifier(source.get("id"))) is not None:
        thread["id"] = identifier
    return thread | _read_stacks(source, path, problems)


def read_logentry(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """`{"formatted", "message"?, "params"?}`: the text that people read and, where it was filled
    in or differs, the template that it was made from (ingest contract, section 6)."""
    if type(value) is not dict:
        value = {"message": value}
    message = _read_message(value.get("message"), f"{path}.message", problems)
    formatted = _read_message(value.get("formatted"), f"{path}.formatted", problems)
    params = value.get("params")
    if type(params) in (list, dict) and params:
        params = trim_tree(params, MAX_MESSAGE)
        formatted = formatted or trim(fill_in(message or "", params), MAX_MESSAGE)
    else:
        params = None
    entry = {
        "message": message if formatted and message != formatted else None,
        "params": params,
        "formatted": formatted or message,
    }
    return {key: item for key, item in entry.items() if item} if entry["formatted"] else None


def _read_message(value: Any, path: str, problems: Problems) -> str | None:
    if value is None:
        return None
    if type(value) in (dict, list):
        problems.invalid(path, value, "expected a string")
        return None
    return trim(json_text(value), MAX_MESSAGE)


def read_breadcrumbs(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """`{"values": [breadcrumb…]}`, in the order sent."""
    crumbs = [
        crumb
        for index, item in enumerate(read_values(value, path, problems))
        if (crumb := _read_crumb(item, f"{path}.values.{index}", problems))
    ]
    return {"values": crumbs} if crumbs else None


def _read_crumb(value: Any, path: str, problems: Problems) -> JsonObject | None:
    source = read_object(value, path, problems, "expected breadcrumb")
    if not source:
        return None
    crumb: JsonObject = {"type": "default"} | read_texts(source, _CRUMB_TEXTS, path, problems)
    crumb["level"] = level_name(source.get("level")) or "info"
    if source.get("timestamp") is not None:
        moment = read_timestamp(source["timestamp"])
        if moment is None:
            problems.invalid(f"{path}.timestamp", source["timestamp"], "expected a timestamp")
        else:
            crumb["timestamp"] = moment
    message = source.get("message")
    if message is not None:
        crumb["message"] = trim(json_text(message), _MAX_CRUMB_MESSAGE)
    return crumb | read_trees(source, _CRUMB_TREES, path, problems)


def read_template(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """A template file and the line in it that failed."""
    source = read_object(value, path, problems, "expected templateinfo")
    if not source:
        return None
    template = read_texts(source, _TEMPLATE_TEXTS, path, problems)
    template |= read_integers(source, ("lineno",), path, problems)
    template |= read_context(source, path, problems)
    return template or None


def read_contexts(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """Objects by name, each with its `type`, which is the name unless it says otherwise."""
    source = read_object(value, path, problems, "expected an object")
    contexts = {}
    for name, item in (source or {}).items():
        context = read_tree(item, f"{path}.{name}", problems, MAX_CONTEXT)
        if not context:
            continue
        context = {key: part for key, part in context.items() if part not in (None, "", [], {})}
        if context:
            if type(context.get("type")) is not str:
                context["type"] = name
            contexts[name] = context
    return contexts or None


def read_sdk(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """Name, version and parts of the SDK; nothing without the first two."""
    source = read_object(value, path, problems, "expected clientsdkinfo")
    if not source:
        return None
    sdk = read_texts(source, {"name": 256, "version": 256}, path, problems)
    for name in ("packages", "integrations"):
        if type(source.get(name)) is list and source[name]:
            sdk[name] = trim_tree(source[name], 4096)
    return sdk if "name" in sdk and "version" in sdk else None


def read_modules(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """Package names with their versions."""
    source = read_object(value, path, problems, "expected an object") or {}
    texts = ((name, scalar_text(version)) for name, version in source.items())
    return {trim(name, 200): trim(text, 200) for name, text in texts if text is not None} or None


def read_debug_meta(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """The images that addresses belong to: an app of a telephone has some hundred."""
    return read_tree(value, path, problems, MAX_DEBUG_META)

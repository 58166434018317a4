"""Readers of single attributes: the value if it is right, else nothing and a problem noted
under the attribute's dotted path (ingest contract, section 6)."""

from collections.abc import Mapping
from typing import Any

from issues.payload.problems import Problems
from issues.payload.values import JsonObject, json_text, scalar_text, trim, trim_tree


def read_texts(
    source: JsonObject, limits: Mapping[str, int], path: str, problems: Problems
) -> JsonObject:
    """The texts of `source` that `limits` names, cut to their limits, without the empty ones."""
    texts = {}
    for key, value in source.items():
        limit = limits.get(key)
        if limit is None or value is None:
            continue
        if type(value) is not str:
            problems.invalid(f"{path}.{key}", value, "expected a string")
        elif value:
            texts[key] = value if len(value) <= limit else trim(value, limit)
    return texts


def read_flags(
    source: JsonObject, names: tuple[str, ...], path: str, problems: Problems
) -> JsonObject:
    """The booleans of `source` among `names`."""
    flags = {}
    for name in names:
        value = source.get(name)
        if value is True or value is False:
            flags[name] = value
        elif value is not None:
            problems.invalid(f"{path}.{name}", value, "expected a boolean")
    return flags


def read_integers(
    source: JsonObject, names: tuple[str, ...], path: str, problems: Problems
) -> JsonObject:
    """The whole numbers of `source` among `names`, from 0 up; they may be written as text or
    with a fraction of zero."""
    integers = {}
    for name in names:
        value = source.get(name)
        if value is None:
            continue
        number = value if type(value) is int else _integer_of(value)
        if number is None or number < 0:
            problems.invalid(f"{path}.{name}", value, "expected an unsigned integer")
        else:
            integers[name] = number
    return integers


def _integer_of(value: Any) -> int | None:
    if type(value) is float and value.is_integer() and value < 2**63:
        return int(value)
    if type(value) is str and len(value) < 19 and value.isascii() and value.isdigit():
        return int(value)
    return None


def read_trees(
    source: JsonObject, sizes: Mapping[str, int], path: str, problems: Problems
) -> JsonObject:
    """The free-form objects of `source` that `sizes` names, cut to their sizes; none empty."""
    trees = {}
    for name, size in sizes.items():
        value = source.get(name)
        if value and (tree := read_tree(value, f"{path}.{name}", problems, size)):
            trees[name] = tree
    return trees


def read_tree(value: Any, path: str, problems: Problems, size: int) -> JsonObject | None:
    """A free-form object of about `size` characters; None if there is nothing in it."""
    source = read_object(value, path, problems, "expected an object")
    return trim_tree(source, size) if source else None


def read_object(value: Any, path: str, problems: Problems, expected: str) -> JsonObject | None:
    """An object as it is."""
    if type(value) is dict or value is None:
        return value
    problems.invalid(path, value, expected)
    return None


def read_identifier(value: Any) -> int | str | None:
    """A whole number, or a short text: how SDKs name threads."""
    if type(value) is int:
        return value
    text = scalar_text(value)
    return trim(text, 64) if text else None


def read_values(value: Any, path: str, problems: Problems) -> list[Any]:
    """The list in an interface that may be written as `{"values": […]}`, as a bare list or as
    its only element."""
    if type(value) is dict and "values" in value:
        value = value["values"]
    if type(value) is list:
        return value
    if type(value) is dict:
        return [value] if value else []
    if value is not None:
        problems.invalid(path, value, "expected a list or values object")
    return []


def read_pairs(value: Any, path: str, problems: Problems) -> list[list[str]]:
    """An object or a list of pairs as pairs of texts. The values of a list are joined with a
    comma; null ones are left out."""
    if type(value) is dict:
        pairs: list[Any] = list(value.items())
    elif type(value) is list:
        pairs = []
        for index, item in enumerate(value):
            if type(item) is list and len(item) == 2:
                pairs.append(item)
            elif item is not None:
                problems.invalid(f"{path}.{index}", item, "expected a tuple")
    else:
        if value is not None:
            problems.invalid(path, value, "expected an object")
        return []
    texts = ((scalar_text(key), pair_text(item)) for key, item in pairs)
    return [[key, text] for key, text in texts if key and text is not None]


def pair_text(value: Any) -> str | None:
    """The value of a header, cookie or query parameter as text."""
    if type(value) is str or value is None:
        return value
    if type(value) is list:
        return ",".join(json_text(item) for item in value)
    return json_text(value)

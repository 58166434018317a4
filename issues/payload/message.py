"""Log messages: the parameters filled into the placeholders of their template."""

import re
from typing import Any

from issues.payload.values import JsonObject, clean_text, json_text

_PERCENT = re.compile(
    r"%(?:\((?P<name>[^()]*)\))?(?P<flags>[-#0 +]{0,2}\d{0,2}(?:\.\d{1,2})?)"
    r"[hlL]?(?P<kind>[diouxXeEfFgGcrsa%])"
)
_BRACES = re.compile(r"\{(?P<name>\w*)\}")


def fill_in(template: str, params: list[Any] | JsonObject) -> str:
    """The text of a message: `%s`, `%(name)s`, `{}` and `{name}` replaced by the parameters
    (ingest contract, section 6). The template itself where a parameter is missing.

    Python's own operators are kept from a sender's template: they would look up attributes and
    pad to any width.
    """
    pattern = _PERCENT if _PERCENT.search(template) else _BRACES
    in_order = iter(params if type(params) is list else ())
    by_name = params if type(params) is dict else {str(i): p for i, p in enumerate(params)}

    def filled(match: re.Match[str]) -> str:
        form = match.groupdict("")
        if form.get("kind") == "%":
            return "%"
        value = by_name[form["name"]] if form["name"] else next(in_order)
        return _written(value, form.get("flags", ""), form.get("kind", "s"))

    try:
        return clean_text(pattern.sub(filled, template))
    except (KeyError, StopIteration):
        return template


def _written(value: Any, flags: str, kind: str) -> str:
    if kind not in "sra":
        try:
            return f"%{flags}{kind}" % value
        except (TypeError, ValueError, OverflowError):
            flags, kind = "", "s"
    if type(value) in (list, dict):
        value = json_text(value)
    return f"%{flags}{kind}" % value

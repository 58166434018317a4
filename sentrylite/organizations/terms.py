"""The small search language of lists of organizations, projects, teams and members."""

import re
from collections import defaultdict
from collections.abc import Collection

TEXT = ""
"""The key of the words that have none."""

WORD = re.compile(r'(?:(?P<key>!?[A-Za-z_.]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')

Terms = dict[str, list[str]]
"""The values by their keys, in the order in which they were written."""


def read_terms(text: str, known: Collection[str]) -> Terms | None:
    """`slug:acme rockets` to `{"slug": ["acme"], "": ["rockets"]}`.

    None when it asks for a key that is not known: then nothing is found (conventions contract,
    section 9). The words without a key are one text.
    """
    terms: Terms = defaultdict(list)
    for match in WORD.finditer(text):
        key = match["key"] or TEXT
        if key and key not in known:
            return None
        value = match["bare"] if match["quoted"] is None else match["quoted"]
        terms[key].append(value)
    if TEXT in terms:
        terms[TEXT] = [" ".join(terms[TEXT])]
    return dict(terms)


def ids(values: Collection[str]) -> list[int]:
    """Those of these values that can be ids."""
    return [
        int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 19
    ]

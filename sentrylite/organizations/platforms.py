"""The platforms that a project may say it runs on."""

import re

OTHER = "other"

# Languages, runtimes and systems; what follows after a dash is a framework on it.
FAMILIES = frozenset(
    """
    android apple as3 bun c capacitor cfml cocoa cordova csharp dart deno dotnet electron elixir
    erlang expo flutter go godot groovy haskell ionic java javascript kotlin kubernetes lua
    minidump native nintendo node objc ocaml perl php playstation powershell python r rails react
    ruby rust scala swift unity unreal wasm xamarin xbox
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)
PLATFORM = re.compile(r"([a-z0-9]+)(?:-[a-z0-9_]+)*")


def is_known(platform: str) -> bool:
    """Whether it is `other`, or a known family alone or with a framework: `python-django`."""
    match = PLATFORM.fullmatch(platform)
    return match is not None and (platform == OTHER or match[1] in FAMILIES)

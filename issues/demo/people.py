"""Who shops, and with what."""

import random
from itertools import accumulate
from typing import Any

FIRST_NAMES = """
    Ada Amir Anna Bea Bruno Carla Chen Dana David Elif Emil Eva Fatima Finn Greta Hugo Ines Ivan
    Jana Jonas Kofi Lena Luca Maja Marco Mia Nadia Noah Olga Omar Paula Pavel Rosa Sami Sara Theo
    Tomas Uma Vera Yuki
""".split()  # noqa: SIM905  readable, unlike a list of quoted words
LAST_NAMES = """
    Abel Berg Costa Diaz Ek Fischer Gruber Haas Ito Jansen Keller Lang Moreau Novak Okafor Petrov
    Quist Rossi Silva Tanaka Unger Vogel Weber Xu Young Zeman
""".split()  # noqa: SIM905
# Who makes the shop: their names, and the addresses in their commits.
DEVELOPERS = tuple(
    (name, f"{name.replace(' ', '.')}@shop.example.com".lower())
    for name in ("Ada Novak", "Kofi Lang", "Yuki Berg", "Rosa Keller", "Omar Vogel")
)
COUNTRIES = ("DE", "DE", "DE", "FR", "FR", "NL", "US", "US", "JP", "BR")

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0{mobile} Safari/537.36"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version}{mobile} Safari/604.1"
USER_AGENTS = (
    *(
        f"Mozilla/5.0 ({system}) {_CHROME.format(version=version, mobile=mobile)}"
        for system, version, mobile in (
            ("Windows NT 10.0; Win64; x64", 130, ""),
            ("Windows NT 10.0; Win64; x64", 129, ""),
            ("Macintosh; Intel Mac OS X 10_15_7", 130, ""),
            ("Linux; Android 14; Pixel 8", 130, " Mobile"),
            ("Linux; Android 13; SM-G991B", 128, " Mobile"),
        )
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) "
    + _SAFARI.format(version="17.6", mobile=" Mobile/15E148"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _SAFARI.format(version="17.5", mobile=""),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
)


class People:
    """The shop's customers. A few come all the time, most hardly ever."""

    def __init__(self, chance: random.Random, count: int = 600) -> None:
        self._all = [_person(chance, number) for number in range(1, count + 1)]
        self._visits = list(accumulate(1 / number for number in range(1, count + 1)))

    def pick(self, chance: random.Random) -> dict[str, Any]:
        return chance.choices(self._all, cum_weights=self._visits)[0]


def _person(chance: random.Random, number: int) -> dict[str, Any]:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "id": str(1000 + number),
        "email": f"{first}.{last}{number}@example.com".lower(),
        "username": f"{first}{number}".lower(),
        "name": f"{first} {last}",
        # Addresses that are for documentation.
        "ip_address": f"{chance.choice(('192.0.2', '198.51.100', '203.0.113'))}"
        f".{chance.randint(1, 254)}",
        "country": chance.choice(COUNTRIES),
        "user_agent": chance.choice(USER_AGENTS),
    }

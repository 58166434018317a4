"""The settings of a server as an operator would start one."""

import json
import os
import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
OPERATOR = {
    "DATABASE_URL": "postgres://sentrylite:secret@db.example.com/sentrylite",
    "SECRET_KEY": "o3vYq0J8mT2rXc5LwZ7dKf1uBn9sHa4GpEi6-VtRyQkMxNzC-7Wb2Fh5",
    "SENTRYLITE_URL": "https://errors.example.com",
}
SHOW = """
import json
from django.conf import settings
names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS",
         "SECURE_HSTS_SECONDS", "DEBUG"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def shown(**environment: str) -> dict[str, object]:
    return json.loads(manage("shell", "-v", "0", "-c", SHOW, **environment).stdout)


def test_djangos_own_check_finds_nothing_to_say() -> None:
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **OPERATOR)
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_with_an_address_of_https_cookies_are_secure() -> None:
    assert shown(**OPERATOR) == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "errors.example.com"],
        "CSRF_TRUSTED_ORIGINS": ["https://errors.example.com"],
        "SECURE_HSTS_SECONDS": 0,
        "DEBUG": False,
    }
    plain = shown(**OPERATOR | {"SENTRYLITE_URL": "http://errors.example.com"})
    assert (plain["SESSION_COOKIE_SECURE"], plain["CSRF_COOKIE_SECURE"]) == (False, False)


def test_strict_transport_security_is_opted_into() -> None:
    assert shown(**OPERATOR, SENTRYLITE_HSTS_SECONDS="31536000")["SECURE_HSTS_SECONDS"] == 31536000

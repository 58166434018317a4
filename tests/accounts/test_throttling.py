"""Guessing passwords: at the admin's door and at invitations, from one address and from many."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from issues.maintenance import maintain
from sentrylite.accounts import throttling
from sentrylite.accounts.models import LoginAttempts, User
from sentrylite.accounts.throttling import Attempt, TooManyAttempts
from sentrylite.organizations import invitations
from tests import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = reverse("admin:login")

Guess = Callable[..., int]


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.com", PASSWORD)


@pytest.fixture
def guess(ada: User) -> Guess:
    """`guess(password)`: the status of the answer; 302 is signed in."""

    def guess(password: str = "wrong", *, account: str = "ada", address: str = "192.0.2.1") -> int:
        sent = {"username": account, "password": password}
        return Client().post(LOGIN, sent, REMOTE_ADDR=address).status_code

    return guess


def later(**time: float) -> None:
    """Let it be later, for what was counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_loginattempts SET since = since - %(time)s,"
            " signed_in_at = signed_in_at - %(time)s",
            {"time": timedelta(**time)},
        )


def test_the_right_password_signs_in_however_often(guess: Guess) -> None:
    assert [guess(PASSWORD) for _ in range(52)] == [302] * 52


def test_after_five_wrong_ones_even_the_right_one_has_to_wait(guess: Guess) -> None:
    assert [guess() for _ in range(6)] == [200] * 5 + [429]
    assert guess(PASSWORD) == 429
    later(minutes=14)
    assert guess(PASSWORD) == 429
    later(minutes=1)
    assert guess(PASSWORD) == 302


def test_what_is_refused_does_not_make_the_wait_longer(guess: Guess) -> None:
    for _ in range(10):
        guess()
        later(minutes=1.4)
    later(minutes=1)
    assert guess(PASSWORD) == 302


def test_the_answer_says_when_to_come_back(client: Client, guess: Guess) -> None:
    for _ in range(5):
        guess(address="127.0.0.1")
    answer = client.post(f"{LOGIN}?next=/admin/", {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Wait 15 minutes" in answer.content.decode()
    assert 'href="/admin/login/?next=/admin/"' in answer.content.decode()
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert client.get(LOGIN).status_code == 200


def test_a_right_one_begins_anew(guess: Guess) -> None:
    assert [guess() for _ in range(4)] == [200] * 4
    assert guess(PASSWORD) == 302
    assert [guess() for _ in range(5)] == [200] * 5


def test_letter_case_and_blanks_are_no_way_around(guess: Guess) -> None:
    assert [guess(account=name) for name in ("ada", "Ada", " ADA ", "ada", "aDa")] == [200] * 5
    assert guess(account="adA") == 429


def test_an_address_may_try_fifty_accounts(guess: Guess) -> None:
    answers = [guess(account=f"somebody-{number}") for number in range(52)]
    assert answers == [200] * 50 + [429] * 2
    assert guess(PASSWORD) == 429
    assert guess(PASSWORD, address="192.0.2.2") == 302


def test_all_addresses_of_a_network_of_ipv6_are_one(guess: Guess) -> None:
    answers = [guess(address=f"2001:db8::{number}") for number in range(1, 7)]
    assert answers == [200] * 5 + [429]
    assert guess(PASSWORD, address="2001:db8:0:1::1") == 302


def test_many_addresses_do_not_help(guess: Guess) -> None:
    answers = [guess(address=f"192.0.2.{number}") for number in range(1, 23)]
    assert answers == [200] * 20 + [429] * 2
    assert guess(PASSWORD, address="198.51.100.1") == 429


def test_strangers_do_not_lock_out_the_owner(guess: Guess) -> None:
    """Who has signed in from an address before can again, whatever others do meanwhile."""
    assert guess(PASSWORD, address="198.51.100.1") == 302
    for hour in range(3):
        later(hours=1)
        assert 429 in {guess(address=f"192.0.2.{number}") for number in range(1, 23)}, hour
        assert guess(PASSWORD, address="198.51.100.1") == 302


def test_one_stranger_does_not_lock_out_anybody_else(guess: Guess) -> None:
    assert [guess() for _ in range(25)][-1] == 429
    assert guess(PASSWORD, address="192.0.2.2") == 302


def test_an_address_is_known_for_ninety_days(guess: Guess) -> None:
    assert guess(PASSWORD, address="198.51.100.1") == 302
    later(days=91)
    for number in range(1, 23):
        guess(address=f"192.0.2.{number}")
    assert guess(PASSWORD, address="198.51.100.1") == 429


def test_unknown_accounts_are_treated_alike(guess: Guess) -> None:
    assert [guess(account="nobody") for _ in range(6)] == [200] * 5 + [429]


def test_the_page_of_an_invitation_counts_too(guess: Guess, client: Client, ada: User) -> None:
    invitation = factories.OrganizationMemberFactory(user=None, email="new@example.com")
    now = datetime.now(UTC)
    invitation.token_expires_at = now + timedelta(days=1)
    invitation.save()
    assert invitations.send(invitation.pk, "http://testserver", now)
    [link] = [line for line in mail.outbox[-1].body.splitlines() if "/accept/" in line]
    sent = {"action": "sign-in", "email": "ada@example.com", "password": "wrong"}
    answers = [client.post(link, sent, REMOTE_ADDR="192.0.2.1").status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]
    assert guess(PASSWORD) == 429


@pytest.mark.django_db(transaction=True)
def test_attempts_that_come_together_are_counted(ada: User) -> None:
    now = datetime.now(UTC)

    def attempt(_: int) -> bool:
        try:
            Attempt("ada", "192.0.2.1", now)
        except TooManyAttempts:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 5


def test_neither_names_nor_addresses_are_kept(guess: Guess) -> None:
    guess(account="hunter2")
    assert LoginAttempts.objects.count() == 3
    for row in LoginAttempts.objects.all():
        assert "hunter2" not in str(vars(row))
        assert "192.0.2.1" not in str(vars(row))


def test_maintenance_forgets_what_is_over(guess: Guess, now: datetime) -> None:
    guess()
    guess(PASSWORD, address="198.51.100.1")
    assert throttling.prune(datetime.now(UTC)) == 0
    maintain(datetime.now(UTC) + timedelta(days=1))
    [known] = LoginAttempts.objects.all()
    assert known.signed_in_at
    assert throttling.prune(datetime.now(UTC) + timedelta(days=91)) == 1

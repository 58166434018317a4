import psycopg2
import pytest
from django.db import Error, connection

from sentrylite.api import errors

GONE = psycopg2.DatabaseError("server closed the connection unexpectedly")


def wrapped(error: Exception) -> Exception:
    """As Django raises what its driver does."""
    with pytest.raises(Error) as caught, connection.wrap_database_errors:
        raise error
    return caught.value


@pytest.mark.parametrize(
    "error", [GONE, psycopg2.OperationalError("gone"), psycopg2.InterfaceError()]
)
def test_a_database_that_is_gone_is_said_to_be(error: Exception) -> None:
    response = errors.answer(wrapped(error), {})
    assert response.status_code == 503
    assert response.data == {"detail": "The database is not available."}


def test_a_full_disk_is_said_to_be() -> None:
    with pytest.raises(OSError) as caught, open("/dev/full", "w") as file:
        file.write("x")
        file.flush()
    response = errors.answer(caught.value, {})
    assert response.status_code == 503
    assert response.data == {"detail": "There is no space left for files."}


@pytest.mark.parametrize("error", [psycopg2.DataError("bad"), psycopg2.IntegrityError("twice")])
def test_what_the_database_refuses_is_an_error_of_ours(error: Exception) -> None:
    assert errors.answer(wrapped(error), {}).status_code == 500

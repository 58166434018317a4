"""SQL that a connection parses and plans once and then only executes.

Planning a read of a few small rows from several tables costs the database more than reading them.
"""

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Cursor = TypeVar("Cursor", bound=Any)

# The names that each of the driver's connections has prepared.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Statement:
    """A read with named parameters: `Statement("find_it", "… = %(id)s", id="bigint")`.

    The names and types of the parameters are given in the order in which they are declared to the
    database. Text that is to be sent as an array is an array literal (`sentrylite.arrays`).
    """

    def __init__(self, name: str, sql: str, **types: str) -> None:
        places = {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
        self._name = name
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {sql % places}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({name})s' for name in types)})"

    def __repr__(self) -> str:
        return f"<Statement {self._name}>"

    def run(self, cursor: Cursor, **parameters: Any) -> Cursor:
        """Execute it on a cursor, Django's or psycopg2's own; returns the cursor, to fetch from."""
        connection = cursor.connection
        names = _prepared.setdefault(connection, set())
        if self._name not in names:
            with connection.cursor() as own:
                if not names:
                    # By itself the server may go on to plan for each set of parameters.
                    own.execute("SET plan_cache_mode = force_generic_plan")
                own.execute(self._prepare)
            names.add(self._name)
        cursor.execute(self._execute, parameters)
        return cursor

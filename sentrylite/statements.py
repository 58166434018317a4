"""SQL that a connection parses and plans once and then only executes.

Planning a read of a few small rows from several tables costs the database more than reading them.
"""

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Cursor = TypeVar("Cursor", bound=Any)

# What each of the driver's connections has prepared.
_prepared: WeakKeyDictionary[Any, set["Statement"]] = WeakKeyDictionary()


class Statement:
    """With named parameters: `Statement("find_it", "… = %(id)s", id="bigint")`, or for batches of
    rows with columns: `Statement("add_them", "… FROM unnest(%s::bigint[], %s::text[])")`.

    The names and types of the parameters are given in the order in which they are declared to the
    database; columns are cast where they stand. Text that is to be sent as an array is an array
    literal (`sentrylite.arrays`).
    """

    def __init__(self, name: str, sql: str, **types: str) -> None:
        self._name = name
        if types:
            places = {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
            self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {sql % places}"
            self._execute = f"EXECUTE {name} ({', '.join(f'%({name})s' for name in types)})"
        else:
            columns = sql.count("%s")
            numbers = tuple(f"${number + 1}" for number in range(columns))
            self._prepare = f"PREPARE {name} AS {sql % numbers}"
            self._execute = f"EXECUTE {name} ({', '.join(['%s'] * columns)})"

    def __repr__(self) -> str:
        return f"<Statement {self._name}>"

    def run(self, cursor: Cursor, *columns: Any, **parameters: Any) -> Cursor:
        """Execute it on a cursor, Django's or psycopg2's own; returns the cursor, to fetch from."""
        connection = cursor.connection
        prepared = _prepared.setdefault(connection, set())
        if self not in prepared:
            with connection.cursor() as own:
                if not prepared:
                    # By itself the server may go on to plan for each set of parameters.
                    own.execute("SET plan_cache_mode = force_generic_plan")
                own.execute(self._prepare)
            prepared.add(self)
        cursor.execute(self._execute, columns or parameters)
        return cursor

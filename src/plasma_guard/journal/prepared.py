"""Statements compiled once and run by the driver itself: SQLAlchemy's way to it costs ten times SQLite's.

They are written, typed and compiled with SQLAlchemy all the same, so they are as portable as the others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, ReturnsRows
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = sqlite.dialect(dbapi=sqlite.pysqlite.dialect.import_dbapi())
_Convert = Callable[[Any], Any]


class Prepared:
    """One statement; `sets` are the columns that an INSERT or UPDATE takes its values for.

    Parameters are given by name, results come as dictionaries by column; both are converted as the columns'
    types say. A list inside the statement (`IN`) must be one of `json_each`, as its length is not known yet.
    """

    def __init__(self, statement: ClauseElement, sets: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=None if sets is None else list(sets))
        if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
            raise TypeError(f"expected a statement with parameters by position, got {compiled}")
        self._sql = compiled.string
        self._parameters = [self._parameter(compiled, name) for name in compiled.positiontup]
        self._columns: list[tuple[str, _Convert | None]] = []
        if isinstance(statement, ReturnsRows):
            self._columns = [
                (column.name, column.type.result_processor(_DIALECT, None))
                for column in statement.exported_columns
            ]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it; return how many rows it changed."""
        return self._execute(connection, values).rowcount

    def run_many(self, connection: Connection, values: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each."""
        cursor = connection.connection.cursor()
        _driven(cursor.executemany, self._sql, [self._bound(each) for each in values])

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run it; return all rows."""
        return [self._row(row) for row in self._execute(connection, values).fetchall()]

    def row(self, connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Run it; return the first row, None when there is none."""
        found = self._execute(connection, values).fetchall()
        return self._row(found[0]) if found else None

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> DBAPICursor:
        cursor = connection.connection.cursor()
        _driven(cursor.execute, self._sql, self._bound(values))
        return cursor

    def _bound(self, values: Mapping[str, Any]) -> list[Any]:
        return [take(values) for take in self._parameters]

    def _row(self, row: Sequence[Any]) -> dict[str, Any]:
        return {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self._columns, row, strict=True)
        }

    @staticmethod
    def _parameter(compiled: SQLCompiler, name: str) -> Callable[[Mapping[str, Any]], Any]:
        """Return what takes one parameter out of the values given, or is it where the statement has it."""
        bind = compiled.binds[name]
        convert = bind.type.bind_processor(_DIALECT)
        if not bind.required:
            fixed = bind.effective_value if convert is None else convert(bind.effective_value)
            return lambda _values: fixed
        key = bind.key
        if convert is None:
            return lambda values: values[key]
        return lambda values: convert(values[key])


def command(connection: Connection, sql: str) -> None:
    """Run a statement without parameters, such as SAVEPOINT."""
    _driven(connection.connection.cursor().execute, sql)


def _driven(run: Callable[..., object], sql: str, *arguments: Any) -> None:
    """Raise what the driver raises as SQLAlchemy does, so that all errors of the journal are of one tree."""
    try:
        run(sql, *arguments)
    except _DIALECT.loaded_dbapi.Error as error:
        raise DBAPIError.instance(sql, None, error, _DIALECT.loaded_dbapi.Error) from error

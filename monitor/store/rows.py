"""A connection inside a transaction: what all that is stored is read and written through."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Connection
from sqlalchemy.orm import Session


class Rows:
    """The means of everything that works inside a transaction.

    What every poll does goes through `connection`, with statements that are built once. The session serves what is
    rare.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._undo: list[Callable[[], object]] = []

    @cached_property
    def session(self) -> Session:
        """Give the ORM's view of the connection, made when it is first asked for."""
        return Session(self.connection, autoflush=False, expire_on_commit=False)

    def on_rollback(self, undo: Callable[[], object]) -> None:
        """Have something in memory undone as well, should the transaction fail."""
        self._undo.append(undo)

    def finish(self) -> None:
        """Write what the session still holds, and let it forget what it has read: the connection may change that."""
        if "session" in self.__dict__:
            self.session.flush()
            self.session.expunge_all()

    def roll_back(self) -> None:
        """Undo what was done in memory."""
        for undo in self._undo:
            undo()

"""What the program remembers of itself between runs: a value by its name."""

from __future__ import annotations

from sqlalchemy import delete

from monitor.store.rows import Rows
from monitor.store.schema import StateRow


class StateRows(Rows):
    """Names and values, inside a transaction."""

    def state(self, name: str) -> str:
        """Give what is kept under a name, empty if nothing."""
        row = self.session.get(StateRow, name)
        return row.value if row else ""

    def set_state(self, name: str, value: str) -> None:
        """Keep a value under a name, in the place of the one before."""
        self.session.merge(StateRow(name=name, value=value))
        self.session.flush()

    def clear_state(self, name: str) -> None:
        """Keep nothing under a name any more."""
        self.session.execute(delete(StateRow).where(StateRow.name == name))

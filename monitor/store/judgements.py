"""What the store knows of the operator's judgements: which items tell one story, and which do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import and_, delete, or_, select

from monitor.model import Judgement
from monitor.store.rows import Rows
from monitor.store.schema import JudgementRow


class JudgementRows(Rows):
    """Judgements, inside a transaction."""

    def judgements(self, topic: str) -> list[Judgement]:
        """Give all judgements on a topic's items, oldest first."""
        rows = self.session.scalars(select(JudgementRow).where(JudgementRow.topic == topic).order_by(JudgementRow.id))
        return [Judgement(one=row.one, other=row.other, same=row.same) for row in rows]

    def judge(self, topic: str, pairs: Iterable[tuple[int, int]], *, same: bool, now: datetime) -> None:
        """Record that the two items of each pair tell one story, or do not; an earlier word on them is forgotten."""
        for pair in pairs:
            one, other = sorted(pair)
            self._forget(topic, [one], [other])
            self.session.add(JudgementRow(topic=topic, one=one, other=other, same=same, made=now))
        self.session.flush()

    def withdraw_judgements(self, topic: str, items: Collection[int], others: Collection[int], *, same: bool) -> None:
        """Forget what was judged so between the items of two groups: the operator has changed their mind."""
        self._forget(topic, items, others, same=same)

    def _forget(self, topic: str, items: Collection[int], others: Collection[int], **wanted: bool) -> None:
        one, other = JudgementRow.one, JudgementRow.other
        across = or_(and_(one.in_(items), other.in_(others)), and_(one.in_(others), other.in_(items)))
        self.session.execute(delete(JudgementRow).where(JudgementRow.topic == topic, across).filter_by(**wanted))

"""A story's members in, the independent sources among them out."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Member, Source


def independent_sources(members: Sequence[Member]) -> tuple[Source, ...]:
    """Group members by owner."""
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(member.owner, []).append(member)
    return tuple(Source((owner,), tuple(member.id for member in group)) for owner, group in groups.items())

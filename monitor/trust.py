"""How a server's 304s have stood their tests -> how to ask it this time, and what to think of it then."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.model import NotModified, Response, Trust, Validators

# Some servers say 304 whatever they are asked: a Last-Modified of 2041 stopped a feed for good (FreshRSS #1020), and so
# did an ETag that never changed (miniflux-legacy #218). One document a day is what it costs to find out.
TEST_EVERY = timedelta(days=1)
# Servers are mended. One that was not hides items for a day at most before it is found out again.
FORGIVE_AFTER = timedelta(days=30)


def form_request(validators: Validators, trust: Trust, *, now: datetime) -> tuple[Validators, bool]:
    """Give the validators to ask with, and whether to test the 304 that they may bring."""
    if trust.until is not None and trust.until <= now:
        return validators, True
    return (validators if trust.believed else Validators(body_hash=validators.body_hash)), False


def weigh_answer(trust: Trust, answer: Response | NotModified, *, new_items: int, now: datetime) -> Trust:
    """Believe a server from its first answer until a 304 of its hides new items.

    Other bytes alone prove nothing: many documents hold the time at which they were made.
    """
    if answer.tested and new_items:
        return Trust(believed=False, until=now + FORGIVE_AFTER)
    if answer.tested or trust.until is None:
        return Trust(believed=True, until=now + TEST_EVERY)
    return trust

"""How a server's 304s are tested, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.model import NotModified, Response, Trust, Validators
from monitor.trust import FORGIVE_AFTER, TEST_EVERY, form_request, weigh_answer
from tests.makers import NOW

STORED = Validators(etag='"1"', last_modified="Mon, 03 Apr 2017 09:00:00 GMT", body_hash="abc")
ALL_OF_IT = Validators(body_hash="abc")
LATER, BEFORE = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        pytest.param(Trust(), (STORED, False), id="never asked"),
        pytest.param(Trust(until=LATER), (STORED, False), id="believed"),
        pytest.param(Trust(until=NOW), (STORED, True), id="due for a test"),
        pytest.param(Trust(believed=False, until=LATER), (ALL_OF_IT, False), id="found out"),
        pytest.param(Trust(believed=False, until=BEFORE), (STORED, True), id="given another chance"),
    ],
)
def test_a_server_is_asked_as_it_deserves(trust: Trust, expected: tuple[Validators, bool]) -> None:
    assert form_request(STORED, trust, now=NOW) == expected


def changed(*, tested: bool) -> Response:
    return Response("https://kurier.example/rss", 200, {}, b"news", STORED, tested=tested)


def unchanged(*, tested: bool) -> NotModified:
    return NotModified(200 if tested else 304, {}, STORED, tested=tested)


@pytest.mark.parametrize(
    ("trust", "answer", "new_items", "believed", "until"),
    [
        pytest.param(Trust(), changed(tested=False), 20, True, NOW + TEST_EVERY, id="the first answer"),
        pytest.param(Trust(until=LATER), changed(tested=False), 1, True, LATER, id="news"),
        pytest.param(Trust(until=LATER), unchanged(tested=False), 0, True, LATER, id="a 304"),
        pytest.param(Trust(until=BEFORE), changed(tested=False), 1, True, BEFORE, id="due, but it said no 304"),
        pytest.param(Trust(until=BEFORE), unchanged(tested=True), 0, True, NOW + TEST_EVERY, id="stood the test"),
        pytest.param(Trust(until=BEFORE), changed(tested=True), 0, True, NOW + TEST_EVERY, id="another date within"),
        pytest.param(Trust(until=BEFORE), changed(tested=True), 1, False, NOW + FORGIVE_AFTER, id="hid an item"),
        pytest.param(
            Trust(believed=False, until=BEFORE), changed(tested=True), 1, False, NOW + FORGIVE_AFTER, id="hid another"
        ),
        pytest.param(
            Trust(believed=False, until=BEFORE), unchanged(tested=True), 0, True, NOW + TEST_EVERY, id="forgiven"
        ),
        pytest.param(Trust(believed=False, until=LATER), changed(tested=False), 1, False, LATER, id="not yet forgiven"),
    ],
)
def test_a_server_is_believed_until_its_304_hides_an_item(
    trust: Trust, answer: Response | NotModified, new_items: int, *, believed: bool, until: datetime
) -> None:
    assert weigh_answer(trust, answer, new_items=new_items, now=NOW) == Trust(believed=believed, until=until)

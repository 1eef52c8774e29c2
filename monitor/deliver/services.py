"""A Message and a channel URL -> accepted, or a DeliveryError without a secret in it; the only module that knows Apprise."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from http.client import responses
from threading import Thread
from typing import TypeVar
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, AppriseResult, NotificationManager, NotifyBase, NotifyFormat, OverflowMode
from apprise.decorators import notify
from apprise.plugins.email import NotifyEmail

from monitor.errors import DeliveryError
from monitor.model import Format, Medium, Message, Secret

T = TypeVar("T")

# Mail is slow: a server that greylists or scans takes seconds for each of its seven commands.
SEND_TIMEOUT = timedelta(seconds=30)

# The statuses that mostly stay until somebody acts: a bad request, token, right, address. A webhook that is deployed
# anew says 404 for a minute as well, and a proxy that restarts 403: no answer ends a delivery before its time.
_PERMANENT = {400, 401, 403, 404, 410}
# Apprise tells an HTTP status only in the words of its log.
_STATUS = re.compile(r"(?:error=|HTTP |\()([1-5]\d\d)\b")
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)
# Pieces of a URL no longer than this are too common in any text to be told from it.
_SHORT = 3
_SEPARATORS = (r"[^\w.-]+", r"[^\w]+", r"[/?&=@:#,+\s]+")

# ntfy makes an attachment of more than 4,096 bytes, where Apprise counts characters: of any script, three bytes at most.
# Its title is none of them, whatever Apprise counts.
_BODY_LIMITS = {"ntfy": 1_300, "ntfys": 1_300}
# For some services Apprise escapes once more, which makes a body longer, and would split what has grown too long: of
# eight characters, a message may fill seven.
_ROOM = 7
# Mail programs show messages of one subject together, Zulip those of one title.
_THREADS = {"mailto", "mailtos", "zulip"}

# Apprise logs URLs, and passwords below WARNING; urllib3 logs paths, which hold tokens. What a delivery needs of it
# comes with its result, so nothing goes on to the handlers that this program, or what embeds it, has set up.
for _name in ("apprise", "urllib3"):
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).setLevel(logging.WARNING)

_SERVICES = NotificationManager()  # type: ignore[no-untyped-call]  # Apprise leaves it untyped
# No deadline of Apprise's: it would move the call into its shared pool, where six hung calls hold up all others.
# No images of Apprise's: the reader's phone would fetch them from a third party.
_ASSET = AppriseAsset(
    app_id="monitor",
    app_desc="monitor",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    async_mode=False,
    service_timeout=0,
)


@notify(on="print", name="Print", body_format=NotifyFormat.TEXT)  # type: ignore[no-untyped-call, untyped-decorator]  # Apprise's own
def _print_message(body: str, title: str, *_args: object, **_kwargs: object) -> bool:
    """Serve `print://`: the message on standard output, where a terminal that lacks a character shows `?`."""
    text = f"\n{title}\n{'─' * len(title)}\n{body}\n" if title else f"\n{body}\n"
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
    return True


def check_channel_url(url: Secret) -> str:
    """Say what is wrong with a channel's URL, without showing any of it but its scheme; empty if Apprise takes it."""
    if _make_service(url) is not None:
        return ""
    found = _SCHEME.match(url.reveal())
    if found is None:
        return "an Apprise URL starts with its service's name, as in mailto://, tgram:// or ntfy://"
    scheme = found[1].lower()
    if scheme in {"http", "https"}:
        return f"Apprise knows no service at this {scheme}:// address; a webhook of your own is json:// or jsons://"
    if scheme not in _SERVICES:
        near = get_close_matches(scheme, _SERVICES.schemas(), n=1)  # type: ignore[no-untyped-call]  # the same
        return f"Apprise knows no service '{scheme}://'" + (f": did you mean {near[0]}://?" if near else "")
    return _explain_service(scheme)


def _explain_service(scheme: str) -> str:
    service = _SERVICES[scheme]
    if not service.enabled:
        needs = service.requirements.get("packages_required") or "software that this system does not have"
        return f"{scheme}:// cannot be used here, it needs {needs if isinstance(needs, str) else ', '.join(needs)}"
    forms = sorted((form.replace("{schema}", scheme) for form in service.templates), key=len)
    form = f"{forms[0]} or, in full, {forms[-1]}" if len(forms) > 1 else forms[0]
    return f"this {service.service_name} URL lacks a part or has a bad one; its form is {form}"


async def send_message(url: Secret, message: Message, *, timeout: timedelta = SEND_TIMEOUT) -> None:  # noqa: ASYNC109 - a thread is waited for, which cannot be cancelled
    """Send one message to one channel URL, in a thread of its own.

    Raises:
        DeliveryError: it was not accepted, or not within `timeout`, when it may yet arrive. The message holds no
            part of the URL.
    """
    service = _make_service(url)
    if service is None:
        raise DeliveryError(check_channel_url(url), permanent=True)
    if isinstance(service, NotifyEmail):
        service.headers |= _thread_headers(message)
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            result = await asyncio.wrap_future(_start(partial(_notify, service, message)))
    except TimeoutError as error:
        seconds = timeout.total_seconds()
        raise DeliveryError(f"{service.service_name} has not answered within {seconds:.3g} s") from error
    if not result:
        raise _explain(result, url, str(service.service_name))


def find_medium(url: Secret) -> Medium:
    """Say what the service behind a channel URL takes: `?format=` in the URL, else what Apprise's plugin takes first.

    A title that counts as a part of the body, as at Discord, is none: Apprise would split a body of full length.

    Raises:
        DeliveryError: Apprise does not take the URL.
    """
    service = _make_service(url)
    if service is None:
        raise DeliveryError(check_channel_url(url), permanent=True)
    scheme = url.reveal().strip().partition("://")[0].lower()
    untitled = service.overflow_amalgamate_title and scheme not in _BODY_LIMITS
    return Medium(
        scheme=scheme,
        format=Format(service.resolve_format(None).value),
        title_limit=0 if untitled else max(0, service.title_maxlen),
        body_limit=_BODY_LIMITS.get(scheme, service.body_maxlen * _ROOM // 8),
        threads=scheme in _THREADS,
    )


def _make_service(url: Secret) -> NotifyBase | None:
    """Let Apprise read the URL; what the URL may not decide is set here. None: it cannot be used."""
    service = Apprise.instantiate(url.reveal(), asset=_ASSET)
    if service is None:
        return None
    service.overflow_mode = OverflowMode.SPLIT  # the default sends what the service then refuses
    service.retry = 0  # retries are ours: Apprise's own end with the program
    service.optional = False  # an optional service would report every failure as a success
    # Apprise hangs up after 4 s, and what the service accepts after that would be sent again for 24 hours.
    service.socket_read_timeout = max(service.socket_read_timeout, SEND_TIMEOUT.total_seconds())
    service.redirects = False  # a redirect may lead to an address inside the network
    return service


def _notify(service: NotifyBase, message: Message) -> AppriseResult:
    apprise = Apprise(asset=_ASSET)
    apprise.add(service)
    return apprise.notify(body=message.body, title=message.title, body_format=NotifyFormat(message.format.value))


def _thread_headers(message: Message) -> dict[str, str]:
    """Make a mail a part of its story's thread (RFC 5322, section 3.6.4).

    The first mail's Message-ID is not ours to choose. So all refer to one that was never sent: mail programs gather
    what shares a reference whether they have seen it or not (Zawinski, "message threading").
    """
    if not message.thread:
        return {}
    root = f"<story.{message.thread}@monitor.invalid>"
    return {"References": root} | ({"In-Reply-To": root} if message.reply else {})


def _start(work: Callable[[], T]) -> Future[T]:
    """Do the work in a thread that never keeps the program from exiting, as a pool's threads would."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
            future.set_exception(error)

    Thread(target=run, name="deliver", daemon=True).start()
    return future


def _explain(result: AppriseResult, url: Secret, service: str) -> DeliveryError:
    """Make an error of what Apprise logged, without any part of the URL."""
    lines = [entry.message for entry in result.logs()]
    found = next((match for line in lines if (match := _STATUS.search(line))), None)
    if found is None:
        return DeliveryError(f"{service}: {_scrub(' '.join(lines), url) or 'not accepted'}")
    status = int(found[1])
    phrase = responses.get(status, "")
    return DeliveryError(
        f"{service} answered {status} {phrase}".rstrip(), permanent=status in _PERMANENT, status=status
    )


def _scrub(text: str, url: Secret) -> str:
    """Star out every piece of the URL but its scheme, as written and decoded, whatever its case."""
    raw = url.reveal().partition("://")[2]
    pieces = {raw}.union(*(re.split(separators, form) for form in (raw, unquote(raw)) for separators in _SEPARATORS))
    long = sorted((piece for piece in pieces if len(piece) > _SHORT), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, long)), "***", text, flags=re.IGNORECASE) if long else text

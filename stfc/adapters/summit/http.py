"""The platform Summit over HTTP (SUMMIT_API, HTTP)."""

import hashlib
import time
from typing import Any
from urllib.parse import quote

from stfc.adapters.summit import answers
from stfc.adapters.summit.exchange import Answer, Exchange, http_date
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.errors import (
    ChecksumError,
    FileNotAvailableError,
    PlatformError,
    ProvisioningRefusedError,
    ServerFaultError,
    SubscriberUnknownError,
)
from stfc.services.ports import PlatformHealth, PlatformInvoice, Subscriber

_DECODED_LIMIT = 64 * 1024 * 1024


class HttpSummitGateway:
    """``ports.SummitGateway`` over HTTP. No token and no number ever reaches a log or an error's facts.

    Args:
        base_url: where ``v1/…`` begins.
        token: for ``Authorization: Bearer``.
        connections: at most so many requests at a time.
        file_timeout: seconds for one whole answer, from sending the request to the last byte.
        size_limit: the most decoded bytes that an answer may have.
        longest_rest: the most seconds of a ``Retry-After`` that are honoured.
        page: how many descriptors to ask for at a time.

    Raises:
        SettingsError: address or token cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        connections: int = 32,
        file_timeout: float = 60.0,
        size_limit: int = _DECODED_LIMIT,
        longest_rest: float = 3_600.0,
        page: int = 1_000,
    ) -> None:
        self._page = page
        self._exchange = Exchange(
            base_url,
            token,
            connections=connections,
            whole_seconds=file_timeout,
            size_limit=size_limit,
            longest_rest=longest_rest,
        )

    async def __aenter__(self) -> "HttpSummitGateway":
        await self._exchange.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._exchange.close()

    def resting(self) -> float:
        """Seconds for which the platform wants no request, whichever gateway of this process was told so."""
        return self._exchange.throttle.resting()

    def rest(self, seconds: float) -> None:
        """Ask nothing for ``seconds``, neither here nor in any other gateway of this process to the same platform."""
        self._exchange.throttle.hold(seconds)

    async def health(self) -> PlatformHealth:
        """Whether the platform is up, and how long it took to say so."""
        started = time.perf_counter()
        answer = await self._exchange.ask("GET", "v1/health")
        found = _json(answer)
        if answers.status(found) != "ok":
            raise ServerFaultError(cause="unhealthy")
        latency_ms = (time.perf_counter() - started) * 1000
        return PlatformHealth(answers.version(found), latency_ms, http_date(answer.date))

    async def month(self, competence: Competence) -> dict[str, Descriptor]:
        """All descriptors of the competence. One that is not of the agreed form is left out, so that asking for it
        alone says what is wrong with it; a page that brings nothing new ends the listing."""
        found: dict[str, Descriptor] = {}
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            query = {"competence": str(competence), "limit": str(self._page)} | ({"cursor": cursor} if cursor else {})
            page = _json(await self._exchange.ask("GET", "v1/billing-files", query=query))
            items = answers.items(page)
            fresh = {item["contract"]: item for item in items if isinstance(item.get("contract"), str)}
            fresh = {contract: item for contract, item in fresh.items() if contract not in seen}
            seen.update(fresh)
            found |= _readable(fresh, competence)
            following = answers.next_cursor(page)
            if not fresh or following is None or following == cursor:
                return found
            cursor = following

    async def descriptor(self, contract: str, competence: Competence) -> Descriptor:
        """One contract's descriptor; not available and unknown are told apart by the platform's code."""
        path = f"{_subscriber(contract)}/billing-files/{competence}"
        answer = await self._exchange.ask("GET", path)
        if answer.status == 404:
            raise _missing(answer, contract, competence)
        return answers.descriptor(_json(answer), competence, contract)

    async def fetch(self, descriptor: Descriptor) -> bytes:
        """The file's decoded bytes; the checksum is of these."""
        if not descriptor.available:
            raise FileNotAvailableError(contract=descriptor.contract, competence=str(descriptor.competence))
        answer = await self._exchange.download(descriptor.href)
        if answer.status == 404:
            raise _missing(answer, descriptor.contract, descriptor.competence)
        if answer.status != 200:
            raise ServerFaultError(status=answer.status, cause="status")
        if answer.content_type == "text/html" or answer.body[:64].lstrip().startswith(b"<"):
            raise ServerFaultError(status=answer.status, cause="html")
        computed = hashlib.sha256(answer.body).hexdigest()
        if descriptor.sha256 not in (None, computed):
            raise ChecksumError(announced=descriptor.sha256, computed=computed)
        return answer.body

    async def provision(self, subscriber: Subscriber) -> str:
        """Create or update the subscriber; doing it again changes nothing."""
        wish: dict[str, Any] = {
            "name": subscriber.name,
            "document": subscriber.document,
            "closing_day": subscriber.closing_day,
            "lines": list(subscriber.lines),
            "plan": subscriber.plan,
        }
        answer = await self._exchange.ask("PUT", _subscriber(subscriber.contract), body=wish)
        if answer.status == 422:
            reason = answers.problem_code(answer.body) or "422"
            raise ProvisioningRefusedError(contract=subscriber.contract, reason=reason)
        return answers.status(_json(answer))

    async def invoices(self, contract: str, since: Competence, until: Competence) -> list[PlatformInvoice]:
        """The platform's own bills of the contract."""
        query = {"from": str(since), "until": str(until)}
        answer = await self._exchange.ask("GET", f"{_subscriber(contract)}/invoices", query=query)
        if answer.status == 404:
            raise _missing(answer, contract, since)
        return [answers.invoice(item) for item in answers.items(_json(answer))]


def _subscriber(contract: str) -> str:
    return f"v1/subscribers/{quote(contract, safe='')}"


def _json(answer: Answer) -> dict[str, Any]:
    if answer.status not in (200, 201):
        raise ServerFaultError(status=answer.status, cause="status")
    if not answer.content_type.endswith("json"):
        raise ServerFaultError(status=answer.status, cause="html" if "html" in answer.content_type else "json")
    return answers.document(answer.body)


def _readable(items: dict[str, dict[str, Any]], competence: Competence) -> dict[str, Descriptor]:
    found = {}
    for contract, item in items.items():
        try:
            found[contract] = answers.descriptor(item, competence, contract)
        except ServerFaultError:
            continue
    return found


def _missing(answer: Answer, contract: str, competence: Competence) -> PlatformError:
    match answers.problem_code(answer.body):
        case "file_not_available":
            return FileNotAvailableError(contract=contract, competence=str(competence))
        case "subscriber_unknown":
            return SubscriberUnknownError(contract=contract)
    return ServerFaultError(status=404, cause="status")

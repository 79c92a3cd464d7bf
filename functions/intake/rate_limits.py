"""Rate limits: whether a submission is accepted at all, since anybody can reach the form.

There are no counters. Each intake carries its pages and a keyed hash of where it came from, and Firestore adds those up on
request, so a limit costs no write and cannot drift from what was really accepted:

    pages of the last 24 hours            over the budget: 503 to new submissions
    pages of one client's 24 hours        over its share of the budget: 429
    submissions of one client's hour      over the limit: 429

While a bill is being read, its pages count; in the end, its OCR calls count, which are what it cost. So nobody can close the
form with blank pages or with bills that fail, and each client uses up its own share first.

Two things are counted, because only one address can be trusted. Cloud Run reports the address that called it as the last one
in X-Forwarded-For, whatever the caller writes. For an agent that is Hosting's edge, which many agents share. The agent's own
address is in headers that anybody can forge, even through Hosting: Fastly passes on a Fastly-Client-IP that a client
sends (https://www.fastly.com/documentation/reference/http/headers/Fastly-Client-IP). But Fastly and Cloud Run each append the
address that called them to X-Forwarded-For (https://www.fastly.com/documentation/reference/http/headers/X-Forwarded-For), so a
client that forges an address leaves its own behind it. A client is therefore identified by the whole trail, and forged
requests are not counted against the victim. The peer has its own, higher limit, which forging does not evade.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from intake.clock import SYSTEM_CLOCK
from intake.errors import ClientQuotaExceeded, DailyQuotaExceeded, PageQuotaExceeded, TooManySubmissions

if TYPE_CHECKING:
    from intake.cloud.firestore.counts import Counts
    from intake.model import Intake
    from intake.ports import Clock

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)
HARD_FACTOR = 2
"""An intake whose pages would lift the day over this many times its budget is refused when they are counted. What `submit` let
in before the budget was spent ends here at the latest."""

APPENDED_HOPS = 3
"""Maximum addresses that are appended on the way through Hosting: the client's, an edge's where another shields it, and the
last one's. The client wrote any addresses before them."""
CLIENTS_SHARE = 0.2
"""Part of the day's pages that one client may have read: twice the longest bill at the usual budget, a hundred usual ones."""


@dataclass(frozen=True)
class Caller:
    """Where a request comes from; "" where that is not known.

    Attributes:
        client: The trail of addresses that it came along: the browser as the proxy before us names it, then the last hops.
        peer: Address that called us.
        hops: Addresses in X-Forwarded-For, including those that the client wrote.
    """

    client: str
    peer: str
    hops: int = field(default=1, compare=False)

    @classmethod
    def of(cls, header: Callable[[str], str | None], remote: str) -> Caller:
        """Read the addresses of a request.

        Args:
            header: Returns the value of a header of the request.
            remote: Address of the connection.
        """
        hops = [hop for hop in map(str.strip, (header("X-Forwarded-For") or "").split(",")) if hop] or [remote]
        trail = [header("Fastly-Client-IP") or "", *hops[-APPENDED_HOPS:]]
        return cls(" ".join(filter(None, map(_network, trail))), _network(hops[-1]), len(hops))


def _network(address: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 one, which is what one customer's connection gets; "" if neither."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)


@dataclass(frozen=True)
class Admission:
    """Decides; a limit of 0 is none.

    Attributes:
        counts: What was taken in so far.
        pages_per_day: Pages within 24 hours.
        per_client: Submissions of one client within an hour.
        per_peer: Submissions through one peer within an hour.
        address_key: Key of the hash; without one no addresses are counted.
        clock: The time.
    """

    counts: Counts
    pages_per_day: int
    per_client: int
    per_peer: int
    address_key: str
    clock: Clock = SYSTEM_CLOCK

    def admit(self, caller: Caller) -> dict[str, str]:
        """Let a new submission in.

        Args:
            caller: Where it comes from.

        Returns:
            What its intake has to carry so that it is counted later: hashes, never an address.

        Raises:
            DailyQuotaExceeded: The pages of the day are spent.
            TooManySubmissions: Too many, or too many pages, came from there.
            TemporaryError: Firestore did not answer.
        """
        now = self.clock.now()
        if self.pages_per_day and self.counts.pages_since(now - DAY) >= self.pages_per_day:
            raise DailyQuotaExceeded(self.pages_per_day)
        if not self.address_key:
            return {}
        origin = {}
        for kind, address, limit in (
            ("client", caller.client, self.per_client),
            ("peer", caller.peer, self.per_peer),
        ):
            if not limit or not address:
                continue
            hashes = [self._hash(address, moment) for moment in (now, now - HOUR)]
            if self.counts.submissions_since(kind, hashes, now - HOUR, limit) >= limit:
                raise TooManySubmissions(limit)
            origin[kind] = hashes[0]
        share = self._share
        if share and caller.client:
            hashes = [self._hash(caller.client, now - hours * HOUR) for hours in range(25)]
            if self.counts.pages_since(now - DAY, hashes) >= share:
                raise TooManySubmissions(share, "pages", "a day", "tomorrow")
        return origin

    def take_pages(self, intake: Intake, pages: int) -> None:
        """Refuse a bill whose pages, now that they are counted, would go far beyond the day's budget or its client's share.

        Raises:
            PageQuotaExceeded: They would go beyond the budget.
            ClientQuotaExceeded: They would go beyond the share, with what came from there in the same hour.
            TemporaryError: Firestore did not answer.
        """
        if not self.pages_per_day:
            return
        since = self.clock.now() - DAY
        if self.counts.pages_since(since) + pages > HARD_FACTOR * self.pages_per_day:
            raise PageQuotaExceeded
        client = intake.origin.get("client")
        # The intake itself is among them, as one page.
        if client and self.counts.pages_since(since, [client]) + pages > self._share + 1:
            raise ClientQuotaExceeded

    @property
    def _share(self) -> int:
        return int(self.pages_per_day * CLIENTS_SHARE)

    def _hash(self, address: str, moment: datetime) -> str:
        # With the hour in it, a hash says nothing about the same address in another hour.
        hour = int(moment.timestamp() // HOUR.total_seconds())
        return hmac.new(self.address_key.encode(), f"{hour}|{address}".encode(), hashlib.sha256).hexdigest()[:32]

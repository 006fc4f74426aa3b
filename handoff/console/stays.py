"""One record for each stay on a page, however often the page looks again by itself."""

import hmac
from dataclasses import dataclass, field

from bot.domain.ids import Milliseconds
from handoff.console.forms import number
from handoff.console.visits import AGAIN, Visit
from handoff.staff import Mark

STAY = Milliseconds(60_000)
"""Pages look again every twenty seconds or more often. After a longer gap it is a new stay."""


@dataclass(frozen=True, slots=True)
class Stays:
    """Tickets that say: this screen's look is recorded. Only we can make them."""

    mark: Mark = field(repr=False)

    def ticket(self, visit: Visit, on: str, looked: int, now: Milliseconds) -> str:
        """For the page that shows `on`, recorded up to entry `looked`; it holds a short while."""
        return f"{looked}.{now}.{self._signed(visit, on, looked, now)}"

    def looked(self, visit: Visit, on: str, now: Milliseconds) -> int | None:
        """Up to where the look at `on` is recorded; None when it is not."""
        written, _, rest = visit.request.query.get(AGAIN, "").partition(".")
        written_at, _, signed = rest.partition(".")
        looked, at = number(written), number(written_at)
        if looked is None or at is None or not at <= now <= at + STAY:
            return None
        ours = self._signed(visit, on, looked, Milliseconds(at)).encode()
        return looked if hmac.compare_digest(ours, signed.encode(errors="replace")) else None

    def _signed(self, visit: Visit, on: str, looked: int, at: Milliseconds) -> str:
        parts = (visit.session.token, on, str(looked), str(at))
        return self.mark("console-stay", *parts).hex()[:32]

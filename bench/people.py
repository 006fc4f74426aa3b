"""People who answer questions as fast as the service lets them."""

from dataclasses import dataclass

from aiohttp import ClientSession
from redis.asyncio import Redis

from bench.load import Step
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from tests.support.person import Person
from tests.support.process import ServiceProcess

ROUTE = ("yes", "no", "questions", "no_code", "go_on", "me", "adult", "dont_know")
FALLBACKS = ("sometimes", "questions", "dont_know", "no_code", "go_on", "end", "skip")


class Walker:
    """One person who answers question after question, and begins anew when there are no more."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._person: Person | None = None
        self._step = 0

    @property
    def token(self) -> str:
        """The token of the present conversation."""
        return self._person.token if self._person else ""

    async def answers(self, session: ClientSession) -> None:
        """One input."""
        if self._person is None or self._step >= len(ROUTE) + 12:
            self._person, self._step = Person(session, self._url), 0
            await self._person.opens()
            return
        offered = self._person.choices
        wanted = (*ROUTE[self._step : self._step + 1], *FALLBACKS, offered[0])
        self._step += 1
        await self._person.presses(next(choice for choice in wanted if choice in offered))


def turns(url: str, clients: int, each: int) -> list[list[Step]]:
    """What the clients do: a start, then questions of the questionnaire."""
    walkers = [Walker(url) for _ in range(clients)]
    return [[walker.answers] * each for walker in walkers]


@dataclass(frozen=True, slots=True)
class Stored:
    """What one conversation takes in Redis."""

    turns: int
    count: int


async def bytes_a_conversation(service: ServiceProcess) -> Stored:
    """The bytes that Redis itself counts for the keys of a conversation of twenty turns."""
    walker, inputs = Walker(service.url), len(ROUTE) + 12
    async with ClientSession() as session:
        for _ in range(inputs):
            await walker.answers(session)
    id = walker.token.partition(".")[0]
    client = await connect(EmbeddedRedis(service.data).url)
    if not isinstance(client, Redis):
        raise AssertionError("the private server is a single one")  # noqa: TRY004
    try:
        count = 0
        async for name in client.scan_iter(match=f"fp:{{{id}}}:*"):
            count += int(await client.execute_command("MEMORY", "USAGE", name, "SAMPLES", "0"))
    finally:
        await client.aclose()
    return Stored(inputs, count)

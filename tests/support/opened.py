"""What Redis holds, as it stands there and as the installation's key opens it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.redis_referrals import RedisReferrals
from bot.adapters.redis_store import _entry_place, _Keys, _state_place
from bot.adapters.sealing import InstallationKey, WrappedKey
from bot.domain.ids import ConversationId


@dataclass
class Opened:
    """Everything of one conversation, decrypted."""

    id: str
    state: bytes = b""
    log: dict[str, list[bytes]] = field(default_factory=dict)
    """What was said, by the letter of its author."""

    aside: list[bytes] = field(default_factory=list)
    referrals: list[bytes] = field(default_factory=list)


async def raw(client: Any) -> bytes:
    """The names and values of all keys, as bytes one after the other."""
    seen = b""
    async for name in client.scan_iter(count=1000):
        kind = (await client.type(name)).decode()
        seen += name + b"\n"
        match kind:
            case "string":
                seen += await client.get(name)
            case "hash":
                for pair in (await client.hgetall(name)).items():
                    seen += b"\n".join(pair)
            case "list":
                seen += b"\n".join(await client.lrange(name, 0, -1))
            case "set":
                seen += b"\n".join(await client.smembers(name))
            case "zset":
                seen += b"\n".join(await client.zrange(name, 0, -1))
            case "none":
                continue
            case _:
                raise AssertionError(f"a kind of key that nobody looks into: {kind}")
        seen += b"\n"
    return seen


async def opened(client: Any, key: InstallationKey) -> AsyncIterator[Opened]:
    """Every conversation, decrypted. A kind of key that this does not know is a failure."""
    async for name in client.scan_iter(match="fp:{*}:c", count=1000):
        id = ConversationId(name.decode().split("{")[1].split("}")[0])
        names = _Keys(id)
        there = {n.decode() async for n in client.scan_iter(match=f"fp:{{{id}}}:*", count=1000)}
        assert there <= {*names.all(), names.erased}, "a key that the canary test does not open"
        seal = key.unwrap(WrappedKey(await client.get(names.key)), id)
        version, state = await client.hmget(names.record, "version", "state")
        found = Opened(id=id, state=seal.open(state, _state_place(id, int(version))))
        base = int(await client.hget(names.record, "base") or 0)
        for seq, entry in enumerate(await client.lrange(names.log, 0, -1), start=base + 1):
            letter = entry[:1]
            plain = seal.open(entry[1:], _entry_place(id, seq, letter))
            found.log.setdefault(letter.decode(), []).append(plain)
        for sealed in (await client.hgetall(names.aside)).values():
            found.aside.append(seal.open(sealed, f"{id}:aside".encode()))
        referrals = await RedisReferrals(client, key).load_all(id)
        found.referrals.extend(one.record for one in referrals.values())
        yield found

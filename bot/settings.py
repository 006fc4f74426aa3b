"""What a deployment decides. Read once, from the environment, into a frozen object."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.facts import Mode
from bot.errors import StartError

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, in which flows/ and locales/ stand."""


def _networks(written: object) -> object:
    """Networks and single addresses, with commas or spaces between them."""
    if not isinstance(written, str):
        return written
    try:
        found = tuple(map(ip_network, written.replace(",", " ").split()))
    except ValueError:
        raise ValueError(
            "it takes addresses and networks, such as 127.0.0.1, 10.0.0.0/8"
        ) from None
    if any(network.prefixlen == 0 for network in found):
        raise ValueError("whoever trusts every address lets everybody choose their own")
    return found


class Settings(BaseSettings):
    """Each field is read from `FIRSTPOINT_<NAME>`, `redis_url` also from `REDIS_URL`."""

    model_config = SettingsConfigDict(
        env_prefix="FIRSTPOINT_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    mode: Annotated[Mode, Field(description="demonstration (loopback only) or production")] = (
        Mode.DEMONSTRATION
    )
    organisation: Annotated[
        str,
        Field(
            max_length=80,
            description="the organisation that runs the service, as people know it",
        ),
    ] = ""
    host: Annotated[str, Field(description="the address the chat listens on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="the chat's port")] = 8080
    console_host: Annotated[
        str, Field(description="the address the console for staff listens on")
    ] = "127.0.0.1"
    console_port: Annotated[
        int, Field(ge=0, le=65535, description="the console's port, never the chat's")
    ] = 8081
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        BeforeValidator(_networks),
        Field(
            description="addresses and networks of the proxies in front of the chat, whose "
            "X-Forwarded-For is believed"
        ),
    ] = ()
    claim_seconds: Annotated[
        int,
        Field(
            ge=5,
            le=600,
            description="seconds until a conversation goes back to the queue when the console "
            "of its operator is not heard of",
        ),
    ] = 60
    exit_url: Annotated[
        str,
        Field(
            pattern=r"^https://[!-~]+$",
            max_length=200,
            description="the harmless page that the exit button of the web chat opens",
        ),
    ] = "https://www.bbc.com/weather"
    data: Annotated[Path, Field(description="the folder of the embedded Redis")] = Path(
        "~/.local/share/firstpoint"
    ).expanduser()
    key_file: Annotated[
        Path,
        Field(description="the installation's key; outside the data folder, never in a backup"),
    ] = Path("~/.config/firstpoint/installation.key").expanduser()
    erased_folder: Annotated[
        Path,
        Field(
            description="where ids of erased conversations are noted for restores; outside the "
            "data folder, best on another disk"
        ),
    ] = Path("~/.local/state/firstpoint/erased").expanduser()
    redis_url: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("REDIS_URL", "FIRSTPOINT_REDIS_URL"),
            description="a server, Sentinel or Cluster of your own instead of the embedded Redis",
        ),
    ] = None
    replicas: Annotated[
        int, Field(ge=0, le=5, description="replicas that must confirm each input")
    ] = 0
    content: Annotated[
        Path, Field(description="the folder that holds flows/, locales/ and nlu/")
    ] = ROOT
    receivers: Annotated[
        Path | None,
        Field(description="the folder of the receivers' files; flows/receivers without it"),
    ] = None
    drop: Annotated[
        Path, Field(description="the folder from which receivers fetch encrypted packages")
    ] = Path("~/.local/share/firstpoint-drop").expanduser()
    interpreter: Annotated[
        str,
        Field(
            pattern=r"^(own|off|http://[!-~]+)$",
            description="what interprets typed words: own (a process beside this one), off, or "
            "the address on this machine of one that runs under its own account",
        ),
    ] = "own"
    interpreter_token: Annotated[
        str,
        Field(
            max_length=200,
            repr=False,
            description="the token of an interpreter that runs under its own account",
        ),
    ] = ""
    keep_minutes: Annotated[
        int, Field(ge=5, le=1440, description="minutes an unfinished conversation is kept")
    ] = 30
    keep_waiting_hours: Annotated[
        int, Field(ge=1, le=720, description="hours a conversation is kept that waits for a human")
    ] = 72
    keep_code_days: Annotated[
        int, Field(ge=1, le=90, description="days a conversation with a return code is kept")
    ] = 30


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        StartError: a value is not possible, or a combination is dangerous.
    """
    settings = _possible()
    if settings.console_port == settings.port != 0:
        raise StartError(
            "The console for staff cannot share the chat's port. Set FIRSTPOINT_CONSOLE_PORT to "
            "another one."
        )
    demonstration = settings.mode is Mode.DEMONSTRATION
    if demonstration and not (is_loopback(settings.host) and is_loopback(settings.console_host)):
        raise StartError(
            "The demonstration listens only on this machine. For another address set "
            "FIRSTPOINT_MODE=production, which shows verified content only."
        )
    if settings.mode is Mode.PRODUCTION and not settings.organisation.strip():
        raise StartError(
            "People must be told who runs this chat. Set FIRSTPOINT_ORGANISATION to the name "
            "under which they know you."
        )
    address = urlsplit(settings.interpreter)
    if address.scheme and not is_loopback(address.hostname or ""):
        raise StartError(
            "What people type must not leave this machine. Set FIRSTPOINT_INTERPRETER to an "
            "address on it, such as http://127.0.0.1:5005."
        )
    if settings.key_file.resolve().is_relative_to(settings.data.resolve()):
        raise StartError(
            "The key file must not lie in the data folder: whoever copies the data would have "
            "the key as well. Set FIRSTPOINT_KEY_FILE to another place."
        )
    return settings


def content_folder() -> Path:
    """The folder of the content, also where nothing could start: authors have only content.

    Raises:
        StartError: a value is not possible.
    """
    return _possible().content


def _possible() -> Settings:
    """Settings each of which is possible by itself."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, mistake['loc'])).upper()}: {mistake['msg']}"
            for mistake in error.errors(include_input=False, include_url=False)
        )
        raise StartError(f"A setting is not possible. {wrong}") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Encryption of everything that stands in the store about a person.

Each conversation has a key of its own, and that key is stored only wrapped by the installation's
key, which never lies in the data folder. Deleting the wrapped key is erasing the conversation.
AES-256-GCM with random 96-bit nonces throughout (NIST SP 800-38D): a conversation key seals far
fewer than 2**32 values, and what a value belongs to is bound in as associated data, so that
nothing can be moved to another place unnoticed.
"""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import CorruptStateError, StartError

WrappedKey = NewType("WrappedKey", bytes)

_KEY_BYTES = 32
_NONCE_BYTES = 12
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens values with one key."""

    _key: bytes = field(repr=False)

    def close(self, plain: bytes, place: bytes) -> bytes:
        """`plain` encrypted, bound to `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed for `place`.

        Raises:
            CorruptStateError: it was sealed with another key or for another place, or changed.
        """
        try:
            return AESGCM(self._key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise CorruptStateError("a sealed value does not open") from None


@dataclass(frozen=True, slots=True)
class InstallationKey:
    """The one key that everything hangs on. It never leaves this object."""

    _key: bytes = field(repr=False)
    _made: dict[str, bytes] = field(default_factory=dict[str, bytes], repr=False, compare=False)
    """The keys derived from it, one for each purpose: they are few, and named in the code."""

    def new_conversation_key(self, conversation: str) -> WrappedKey:
        """A fresh key for a conversation, wrapped."""
        return WrappedKey(
            self._wrapping().close(secrets.token_bytes(_KEY_BYTES), conversation.encode())
        )

    def unwrap(self, wrapped: WrappedKey, conversation: str) -> Seal:
        """The conversation's key.

        Raises:
            CorruptStateError: the key belongs to another conversation or installation.
        """
        return Seal(self._wrapping().open(wrapped, conversation.encode()))

    def mark(self, purpose: str, *parts: str) -> bytes:
        """32 bytes that only this installation can make of `parts`, for one purpose."""
        message = "\x00".join(parts).encode(errors="surrogatepass")
        return hmac.digest(self._derived(f"mark:{purpose}"), message, sha256)

    def _wrapping(self) -> Seal:
        return Seal(self._derived("wrap"))

    def _derived(self, purpose: str) -> bytes:
        if purpose not in self._made:
            info = f"firstpoint:{purpose}".encode()
            derivation = HKDF(SHA256(), _KEY_BYTES, salt=None, info=info)
            self._made[purpose] = derivation.derive(self._key)
        return self._made[purpose]


def read_or_make_key(file: Path) -> InstallationKey:
    """The installation's key from `file`, which is made when it is not there.

    Raises:
        StartError: the file is readable by others, or is not a key.
    """
    if not file.exists():
        try:
            _make_key(file)
        except OSError as error:
            raise StartError(
                f"There is no key file {file}, and none can be made: {error.strerror}."
            ) from None
    if not _is_private(file.stat(), os.getuid()):
        raise StartError(f"The key file {file} can be read by others. Run: chmod 600 {file}")
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise StartError(f"The key file {file} does not hold a key of {_KEY_BYTES} bytes.")
    return InstallationKey(key)


def _is_private(found: os.stat_result, account: int) -> bool:
    """Whether only `account`, and root, can read the file.

    A credential of systemd belongs to root and lets the account of the service in by an access
    control list, which shows as permission for the group; that group has no members but root.
    """
    listed = account != 0 and found.st_uid == 0 and found.st_gid == 0
    return not found.st_mode & (0o037 if listed else 0o077)


def _make_key(file: Path) -> None:
    """Two processes that start at once agree on one key: the first link wins."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

r"""How a document is closed for one receiver, so that only they read it and know it is from us.

    firstpoint-package 1\n
    PACKAGE_ID\n
    KEY_ID of the receiver\n
    HPKE (RFC 9180, base mode): the encapsulated key, then the ciphertext

The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; `info` is the three lines. What
is encrypted: an Ed25519 signature (64 bytes) over `SIGNED`, the three lines and the document; the
document's length (4 bytes, big-endian); the document; zeros up to a multiple of 4096 bytes, so
that the size tells nothing. The signature lies inside: nobody else learns who wrote, and nobody
can take it off. docs/referral.md explains it to receivers.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bot.domain.consent import PackageId
from handoff.referral.receivers import key_id

MAGIC = b"firstpoint-package 1"
SIGNED = b"firstpoint-package 1 signature\x00"
STEP = 4096
MOST_BYTES = 1024 * 1024
_LINES = 3
_SIGNATURE_BYTES = 64
_LENGTH_BYTES = 4

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class EnvelopeError(ValueError):
    """The envelope does not open; the message says why, and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what this installation sends."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "Signer":
        """The signer of 32 secret bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_key(self) -> bytes:
        """What receivers check signatures with."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, signed: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(signed)


def seal(document: bytes, package: PackageId, receiver_key: bytes, signer: Signer) -> bytes:
    """`document` in an envelope that only the receiver can open."""
    head = _head(package, receiver_key)
    body = signer.sign(SIGNED + head + document)
    body += len(document).to_bytes(_LENGTH_BYTES) + document
    body += bytes(-len(body) % STEP)
    return head + _SUITE.encrypt(body, X25519PublicKey.from_public_bytes(receiver_key), head)


def unseal(envelope: bytes, private_key: X25519PrivateKey, sender_key: bytes) -> bytes:
    """The document in an envelope of that sender.

    Raises:
        EnvelopeError: it is for another key, from somebody else, or changed on its way.
    """
    package, closed = _taken_apart(envelope)
    head = _head(package, private_key.public_key().public_bytes_raw())
    if not envelope.startswith(head):
        raise EnvelopeError("it is for another receiver's key")
    try:
        body = _SUITE.decrypt(closed, private_key, head)
    except (InvalidTag, ValueError):
        raise EnvelopeError("it was changed, or is for another key") from None
    signature, rest = body[:_SIGNATURE_BYTES], body[_SIGNATURE_BYTES:]
    length = int.from_bytes(rest[:_LENGTH_BYTES])
    document = rest[_LENGTH_BYTES : _LENGTH_BYTES + length]
    try:
        sender = Ed25519PublicKey.from_public_bytes(sender_key)
        sender.verify(signature, SIGNED + head + document)
    except (InvalidSignature, ValueError):
        raise EnvelopeError("it is not signed by that sender") from None
    return document


def package_of(envelope: bytes) -> PackageId:
    """The id that an envelope carries outside.

    Raises:
        EnvelopeError: it is no envelope.
    """
    return _taken_apart(envelope)[0]


def _head(package: PackageId, receiver_key: bytes) -> bytes:
    return b"\n".join((MAGIC, package.encode(), key_id(receiver_key).encode(), b""))


def _taken_apart(envelope: bytes) -> tuple[PackageId, bytes]:
    parts = envelope[:MOST_BYTES].split(b"\n", _LINES)
    if len(envelope) > MOST_BYTES or len(parts) <= _LINES or parts[0] != MAGIC:
        raise EnvelopeError("it is no package of this kind")
    try:
        return PackageId(parts[1].decode("ascii")), parts[_LINES]
    except UnicodeDecodeError:
        raise EnvelopeError("it is no package of this kind") from None

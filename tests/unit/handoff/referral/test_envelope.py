"""Only the receiver opens it, only we can have made it, and nothing in it can be changed."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from handoff.referral.envelope import (
    MAGIC,
    STEP,
    EnvelopeError,
    Signer,
    package_of,
    seal,
    unseal,
)
from tests.support.referrals import PACKAGE, PUBLIC, RECEIVER_KEY, SIGNER

DOCUMENT = b'{"what": "zq-canary"}'
ENVELOPE = seal(DOCUMENT, PACKAGE, PUBLIC, SIGNER)
OTHER = X25519PrivateKey.from_private_bytes(b"\x07" * 32)


@given(document=st.binary(max_size=20_000))
def test_what_was_sealed_opens(document: bytes) -> None:
    envelope = seal(document, PACKAGE, PUBLIC, SIGNER)
    assert unseal(envelope, RECEIVER_KEY, SIGNER.public_key) == document
    assert package_of(envelope) == PACKAGE


def test_nothing_of_it_can_be_read_from_outside() -> None:
    assert b"zq-canary" not in ENVELOPE
    assert SIGNER.public_key not in ENVELOPE
    head = ENVELOPE.split(b"\n", 3)[:3]
    assert head[:2] == [MAGIC, PACKAGE.encode()]


def test_the_size_tells_nothing() -> None:
    sizes = {len(seal(b"x" * n, PACKAGE, PUBLIC, SIGNER)) for n in (0, 10, 500, 4000)}
    assert len(sizes) == 1
    assert len(seal(b"x" * STEP, PACKAGE, PUBLIC, SIGNER)) - sizes.pop() == STEP


def test_the_same_document_never_looks_the_same() -> None:
    assert seal(DOCUMENT, PACKAGE, PUBLIC, SIGNER) != ENVELOPE


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(EnvelopeError, match="another receiver"):
        unseal(ENVELOPE, OTHER, SIGNER.public_key)


def test_another_key_does_not_open_it_with_a_changed_head_either() -> None:
    theirs = seal(b"", PACKAGE, OTHER.public_key().public_bytes_raw(), SIGNER)
    head, body = theirs.rsplit(b"\n", 1)[0], ENVELOPE.split(b"\n", 3)[3]
    head = b"\n".join(theirs.split(b"\n", 3)[:3])
    with pytest.raises(EnvelopeError, match="changed"):
        unseal(head + b"\n" + body, OTHER, SIGNER.public_key)


def test_another_sender_is_found_out() -> None:
    foreign = Signer.from_seed(b"x" * 32)
    with pytest.raises(EnvelopeError, match="not signed by that sender"):
        unseal(seal(DOCUMENT, PACKAGE, PUBLIC, foreign), RECEIVER_KEY, SIGNER.public_key)
    with pytest.raises(EnvelopeError, match="not signed"):
        unseal(ENVELOPE, RECEIVER_KEY, b"no key")


def test_it_cannot_pass_as_another_package() -> None:
    renamed = ENVELOPE.replace(PACKAGE.encode(), b"0" + PACKAGE.encode()[1:], 1)
    with pytest.raises(EnvelopeError, match="changed"):
        unseal(renamed, RECEIVER_KEY, SIGNER.public_key)


@given(place=st.integers(0, len(ENVELOPE) - 1), bit=st.integers(0, 7))
def test_any_changed_bit_is_refused(place: int, bit: int) -> None:
    changed = bytearray(ENVELOPE)
    changed[place] ^= 1 << bit
    with pytest.raises(EnvelopeError):
        unseal(bytes(changed), RECEIVER_KEY, SIGNER.public_key)


@given(length=st.integers(0, len(ENVELOPE) - 1))
def test_any_cut_is_refused(length: int) -> None:
    with pytest.raises(EnvelopeError):
        unseal(ENVELOPE[:length], RECEIVER_KEY, SIGNER.public_key)


@given(noise=st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    for found in (noise, MAGIC + b"\n" + noise):
        with pytest.raises(EnvelopeError):
            unseal(found, RECEIVER_KEY, SIGNER.public_key)

"""Everything we raise on purpose.

    FirstpointError
    ├── StartError            the service cannot start; the sentence says what to do
    ├── StoreError            the store did not do what it was asked
    │   ├── StoreUnavailable    it does not answer, is full or read-only; try again later
    │   └── CorruptState        what it holds cannot be read
    ├── GoneError             the conversation was erased, has ended, or never was
    ├── ViewEndedError        the page was left; the conversation may still be there
    ├── FullError             the conversation has become too long for more words
    └── RefusedError          what a member of staff wanted is not possible now, and why

No message contains words, ids or addresses of a person.
"""

from enum import Enum


class FirstpointError(Exception):
    """The root of our exceptions."""


class StartError(FirstpointError):
    """The service cannot start."""


class StoreError(FirstpointError):
    """The store did not do what it was asked."""


class StoreUnavailableError(StoreError):
    """The store does not answer, is full or read-only. Nothing was saved, or it is unknown."""


class CorruptStateError(StoreError):
    """The store holds something that cannot be read, or that was tampered with."""


class GoneError(FirstpointError):
    """There is no such conversation: erased, kept long enough, or never begun."""


class ViewEndedError(FirstpointError):
    """The view that the input comes from was left; the conversation may still be there."""


class FullError(FirstpointError):
    """The conversation has become too long to take more words. Its ways out still work."""


class RefusedError(FirstpointError):
    """It is not possible now; `reason` says why. Nothing was changed."""

    def __init__(self, reason: Enum) -> None:
        super().__init__(reason.value)
        self.reason = reason

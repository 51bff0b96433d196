"""The error tree. An error's class says what the caller should do next.

    PurnaError
    ├── RetryLater          try the same call again, it may work (store busy, broker down)
    ├── GiveUp              the same call will never work
    │   ├── BadInput        what was sent is wrong; names the field and the reason
    │   │   └── BadPayload  a device sent it; carries the reject code of the firmware contract
    │   ├── NotFound        no such thing
    │   ├── Conflict        the thing is not in a state that allows it
    │   └── Denied          not allowed for this caller
    ├── AskOperator         a person must change something (busy port, unwritable folder)
    └── StartAgain          this process can't be trusted any more: end it, a new one may work

Programming errors are never wrapped into these: they stay what they are and fail loudly.
"""

from __future__ import annotations


class PurnaError(Exception):
    """Base of all errors that Purna raises on purpose.

    Parameters
    ----------
    code
        Stable dotted name, for programs and for the message catalogue (``order.state``).
    detail
        One English sentence for logs; people see the catalogue's text for ``code``.
    **params
        Values that the catalogue's text refers to.
    """

    status = 500

    def __init__(self, code: str, detail: str = "", **params: object) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail or code
        self.params = params


class RetryLater(PurnaError):
    """The same call may work in a moment."""

    status = 503


class GiveUp(PurnaError):
    """The same call will never work."""

    status = 400


class BadInput(GiveUp):
    """What was sent is wrong; ``field`` names where."""

    status = 422

    def __init__(self, code: str, detail: str = "", *, field: str = "", **params: object) -> None:
        super().__init__(code, detail, field=field, **params)
        self.field = field


class BadPayload(BadInput):
    """A device sent something that the firmware contract does not allow."""


class NotFound(GiveUp):
    """There is no such thing."""

    status = 404


class Conflict(GiveUp):
    """The thing is not in a state that allows the call, or somebody else was faster."""

    status = 409


class Denied(GiveUp):
    """The caller may not do this."""

    status = 403


class AskOperator(PurnaError):
    """A person has to change something outside the program; the detail says what."""

    status = 500


class StartAgain(PurnaError):
    """Nobody knows what this process's view of the world is worth (a sync failed, a lock is lost).

    Nothing may be done about it inside: the process ends, and its supervisor starts a new one that
    looks at what is really there.
    """

    status = 500

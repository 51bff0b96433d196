"""The data folder: everything an installation keeps, and the lock that makes it the only one."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from purna.core.errors import AskOperator
from purna.db.lock import claim


class DataFolder:
    """Paths inside the data folder, and a lock for whoever runs the platform on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def catalogue(self) -> Path:
        return self.path / "catalogue"

    @property
    def mappings(self) -> Path:
        """How devices with firmware of other people speak."""
        return self.path / "mappings"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine.sqlite"

    @property
    def waveforms(self) -> Path:
        return self.path / "waveforms.sqlite"

    @property
    def accounts(self) -> Path:
        """The installation's own accounts at the endpoint."""
        return self.path / "endpoint-accounts.json"

    @property
    def sessions(self) -> Path:
        """MQTT sessions of the endpoint's clients."""
        return self.path / "sessions.sqlite"

    @property
    def authority(self) -> Path:
        """The authority that signs device certificates."""
        return self.path / "authority"

    @property
    def clock(self) -> Path:
        return self.path / "clock.json"

    @property
    def heartbeat(self) -> Path:
        """Counters of the ingest process, renewed every second while it makes progress."""
        return self.path / "ingest.json"

    @property
    def standby(self) -> Path:
        """Sign of life of an ingest process that waits to take over."""
        return self.path / "ingest-standby.json"

    @property
    def forwarded(self) -> Path:
        """How far the forwarder to another store has come."""
        return self.path / "forwarded.json"

    @property
    def forwarding(self) -> Path:
        """State of the forwarder, renewed every second while it makes progress."""
        return self.path / "forwarding.json"

    @property
    def rescored(self) -> Path:
        """How far late readings have been looked at for scoring windows again."""
        return self.path / "rescored"

    @property
    def fleet(self) -> Path:
        """State of the simulated fleet of a demonstration."""
        return self.path / "fleet.state"

    def create(self) -> None:
        """Make the folder, readable by its owner only.

        Raises
        ------
        AskOperator
            When it can't be made or written to.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.write_text("")
            probe.unlink()
            self.catalogue.mkdir(exist_ok=True)
            self.models.mkdir(exist_ok=True)
        except OSError as error:
            raise AskOperator(
                "folder.unwritable",
                f"The data folder {self.path} can't be written ({error.strerror}): "
                "give another one with --data, or make it writable.",
            ) from error

    def lock(self) -> None:
        """Claim the folder for this process until it ends.

        Raises
        ------
        AskOperator
            When another Purna runs on it.
        """

        def refusal(owner: str) -> AskOperator:
            return AskOperator(
                "folder.locked",
                f"Another Purna (process {owner}) already runs on {self.path}: "
                "stop it first, or give this one another folder with --data.",
            )

        self._lock = claim(self.path / "purna.lock", refusal)

    def release(self) -> None:
        """Give the folder up again; the end of the process does so too."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

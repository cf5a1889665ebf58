"""The budget as a ledger: what a job may cost is reserved before it is handed out and settled when it ends.

Epochs are a contract: ``spent + reserved <= limit`` holds at every moment, so the limit cannot be overrun. Wall and device
time are caps: work stops within the epoch that is running when they are reached. Disk is checked before a newcomer is let in.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from ranknosh.core.records import Token
from ranknosh.errors import BudgetExceeded


@dataclass(frozen=True)
class Limits:
    """None means no limit. ``epochs``: training epochs of candidates; seconds of wall and device time; bytes of checkpoints."""

    epochs: int | None = None
    wall_seconds: float | None = None
    device_seconds: float | None = None
    disk_bytes: int | None = None


@dataclass
class Ledger:
    """Epochs spent and reserved under ``limit`` (None: unlimited). Tokens name reservations."""

    limit: int | None = None
    spent: int = 0
    reserved: dict[Token, int] = field(default_factory=dict, init=False)
    _held: int = field(default=0, init=False)

    @property
    def committed(self) -> int:
        return self.spent + self._held

    @property
    def left(self) -> int | None:
        """Epochs that may still be reserved; None without a limit."""
        return None if self.limit is None else self.limit - self.committed

    def fits(self, epochs: int) -> bool:
        return self.limit is None or self.committed + epochs <= self.limit

    def room(self, epochs: int) -> int:
        """How many jobs of ``epochs`` each fit."""
        return sys.maxsize if self.limit is None else max((self.limit - self.committed) // epochs, 0)

    def reserve(self, token: Token, epochs: int) -> None:
        """Set ``epochs`` aside for a job. Raises BudgetExceeded where they do not fit, before anything was run."""
        if token in self.reserved:
            raise BudgetExceeded(f"job {token} is reserved already; settle it before reserving again")
        if not self.fits(epochs):
            raise BudgetExceeded(
                f"job {token} needs {epochs} epochs, but of {self.limit} only {self.left} are left; do not start it"
            )
        self.reserved[token] = epochs
        self._held += epochs

    def settle(self, token: Token, epochs: int) -> None:
        """Release a reservation and charge the epochs that were run. Raises BudgetExceeded where more ran than reserved."""
        held = self.reserved.pop(token, 0)
        if epochs > held:
            raise BudgetExceeded(f"job {token} ran {epochs} epochs, but only {held} were reserved")
        self._held -= held
        self.spent += epochs

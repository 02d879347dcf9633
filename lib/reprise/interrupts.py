"""Ctrl-C at safe points: a first signal waits until what is under way is whole, a second one ends at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from types import FrameType
from typing import Any, ClassVar, NoReturn

SAME = 0.1
"""Seconds within which two signals are one: wrappers pass on a Ctrl-C that the terminal has sent already."""


class Interrupts:
    """While it is open, SIGINT and SIGTERM are remembered; the code asks for them where it is safe to stop.

    The first one is answered in the terminal at once. A second one ends the process there and then, as
    SIGKILL does: nothing is saved, and what was under way counts as not done. What is remembered when the
    block ends is handed to the handlers that were there before. Inside another block, and outside the main
    thread, where Python takes no signals, opening one changes nothing.

    Attributes:
        pending: Number of the signal that is remembered; None if there is none.
    """

    _open: ClassVar[Interrupts | None] = None

    def __init__(self) -> None:
        self.pending: int | None = None
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is not threading.main_thread():
            return self
        if Interrupts._open is not None:
            return Interrupts._open
        # SIGINT first: a Ctrl-C before this line finds nothing changed, one after it is remembered.
        for number in (signal.SIGINT, signal.SIGTERM):
            if (handler := signal.getsignal(number)) not in (None, signal.SIG_IGN):
                self._before[number] = handler
                signal.signal(number, self._remember)
        Interrupts._open = self
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if Interrupts._open is not self:
            return
        self._restore()
        if kind is None and self.pending is not None:
            self.act()

    def act(self) -> NoReturn:
        """Stop here: hand the signal to the handler that was there before, so SIGTERM ends the process.

        Raises:
            KeyboardInterrupt: The signal was SIGINT, or the handler before came back.
        """
        number = self.pending
        self._restore()
        if number is not None:
            signal.raise_signal(number)
        raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.pending is None:
            self.pending, self._since = number, now
            say("\nstopping as soon as what is under way is whole; once more ends at once, without saving\n")
        elif now - self._since > SAME and not _worker():  # which its parent ends
            os._exit(128 + number)

    def _restore(self) -> None:
        Interrupts._open = None
        # SIGINT last: a Ctrl-C before it is restored is remembered, one after it finds everything restored.
        for number in (signal.SIGTERM, signal.SIGINT):
            if number in self._before:
                signal.signal(number, self._before.pop(number))


def say(text: str) -> None:
    """Write to the terminal from a signal handler, where Python's own streams may be in mid-write."""
    if not _worker():  # its parent has said it
        with contextlib.suppress(OSError):
            os.write(2, text.encode())


def _worker() -> bool:
    return multiprocessing.parent_process() is not None

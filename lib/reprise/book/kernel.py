"""The kernel that executes chapters: ipykernel's own, whose threads end in an order that cannot abort it.

ipykernel 7 closes its output thread, and the sockets through which other threads reach it, while the control
thread may still be answering the request to shut down. On a busy machine libzmq then polls a descriptor which
is closed, writes ``Assertion failed: pfd.revents & POLLIN`` to standard error and aborts the process after
its last cell; or the control thread waits for an output thread that is gone, until the kernel is killed.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__" and (sys.path[0] == "" or Path(sys.path[0]) == Path.cwd()):
    # As in ipykernel's launcher: no file beside a chapter may stand in for a module that the kernel needs.
    del sys.path[0]

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

from reprise.book import inputs

_LONGEST_FOLDER = 80
"""Bytes; the path of a socket may have a hundred or so."""


class ChapterKernelApp(IPKernelApp):
    """ipykernel's application; all that sends output has ended before the output thread is closed."""

    def start(self) -> None:
        """Serve until the shutdown request, then wait for the threads that were answering it."""
        try:
            super().start()
        finally:
            for thread in (self.control_thread, self.shell_channel_thread):
                if thread is not None and thread.is_alive():
                    thread.stop()
                    thread.join()


def manager_class(folder: Path) -> type[AsyncKernelManager]:
    """A kernel manager that starts this interpreter, whatever kernel specs lie on the machine.

    Args:
        folder: An empty folder for the kernel's connection file and sockets.
    """

    class InterpreterKernelManager(AsyncKernelManager):
        @default("connection_file")
        def _own_connection_file(self) -> str:
            return str(folder / "kernel.json")

        @default("transport")
        def _sockets_in_the_folder(self) -> str:
            # Ports are chosen before the kernel binds them: another one that starts at the same time may take
            # them, and this one dies. They serve only where there are no sockets in the file system.
            return "ipc" if os.name == "posix" and len(os.fsencode(folder)) <= _LONGEST_FOLDER else "tcp"

        @property
        def kernel_spec(self) -> KernelSpec:
            command = [sys.executable, "-Xfrozen_modules=off", "-m", "reprise.book.kernel"]
            # Only its own log, on the terminal: it warns of loopback sockets and reports each interrupt.
            command += ["-f", "{connection_file}", "--IPKernelApp.log_level=CRITICAL"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    return InterpreterKernelManager


if __name__ == "__main__":
    if target := os.environ.get(inputs.VARIABLE):
        inputs.note(Path(target))
    ChapterKernelApp.launch_instance()

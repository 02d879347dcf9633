"""The command line. Heavy imports wait until a command needs them, so that help answers at once."""

import sys

import typer

from ..places import UserError
from ..training import Diverged
from . import claims, data, studies

_INTERRUPTED = 130  # as shells have it: 128 + SIGINT

app = typer.Typer(
    help="Re-execute, inspect and publish the studies of the book.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(studies.app)
app.add_typer(claims.app)
app.add_typer(data.data_app, name="data")


def main() -> None:
    """Entry point.

    Problems that a person can mend end with one message and exit code 2, a training that diverged with 1,
    Ctrl-C with 130; what was finished stays.
    """
    try:
        # Not in standalone mode, in which errors end in typer's own words.
        status = app(standalone_mode=False) or 0
        if status == _INTERRUPTED:  # typer turns Ctrl-C into an exit of its own
            raise KeyboardInterrupt
        sys.exit(status)
    except UserError as error:
        print(f"reprise: {error}", file=sys.stderr)
        sys.exit(2)
    except Diverged as error:
        print(f"reprise: training diverged: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        print(
            "\nstopped; finished units and training progress are kept, the same command goes on",
            file=sys.stderr,
        )
        sys.exit(_INTERRUPTED)
    except Exception as error:
        # Click's own complaints (unknown option, missing argument) know how to show themselves.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()  # type: ignore[attr-defined]
            sys.exit(error.exit_code)  # type: ignore[attr-defined]
        raise

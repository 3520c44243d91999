"""The command line: one module per command, and the one place where errors become exit codes."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

from obsctl import __version__
from obsctl.cli.options import for_typer, option
from obsctl.errors import ObsctlError

if TYPE_CHECKING:
    import typer

EXIT_USAGE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
STOPPED = {EXIT_INTERRUPTED: "interrupted", 143: "terminated"}

# The order in which `--help` lists them.
COMMANDS = (
    "init", "validate", "render", "plan", "up", "check", "status", "logs", "down", "schema",
    "explain", "alert", "instrument", "secrets",
)  # fmt: skip
# Those that are run again and again, mostly without options.
PLAIN = frozenset({"validate", "render", "plan", "up", "check", "status"})


def build_app(only: str | None = None) -> "typer.Typer":
    """The Typer app; with `only`, just that command's module is imported."""
    import typer

    app = typer.Typer(
        help="One project file in, a running, proven observability stack out.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in (only,) if only in COMMANDS else COMMANDS:
        module = import_module(f"obsctl.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(for_typer(module.command))
    app.callback()(for_typer(_options))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from obsctl.console import print_data

        print_data(f"obsctl {__version__}")
        raise SystemExit(0)


def _options(
    _version: Annotated[
        bool,
        option(
            "--version", "-V", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
    # Taken out of the arguments by run(), so that it may stand anywhere; here for --help.
    _debug: Annotated[
        bool, option("--debug", help="Show a traceback when obsctl has a bug.")
    ] = False,
) -> None:
    """One project file in, a running, proven observability stack out."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; every error ends here as plain words and an exit code."""
    debug = "--debug" in arguments
    rest = [argument for argument in arguments if argument != "--debug"]
    first = next((argument for argument in rest if not argument.startswith("-")), None)
    try:
        if rest == [first] and first in PLAIN:
            # A command without options is its function, and needs no Typer.
            import_module(f"obsctl.cli.{first}").command()
        else:
            build_app(only=first)(args=rest, prog_name="obsctl")
    except ObsctlError as error:
        from obsctl.console import print_problems

        print_problems(error.problems)
        return error.exit_code
    except SystemExit as exit_:
        return _told(exit_.code if isinstance(exit_.code, int) else 1)
    except KeyboardInterrupt:
        return _told(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for users
        return _without_directory() or _report_bug(error, debug=debug)
    return 0


def _told(exit_code: int) -> int:
    """A signal outside of `up` arrives as a bare exit code."""
    if word := STOPPED.get(exit_code):
        from obsctl.console import print_note

        print_note(f"\n{word}")
    return exit_code


def _without_directory() -> int:
    """Tell that the current directory is gone, the one way in which every path fails; else 0."""
    from pathlib import Path

    try:
        Path.cwd()
    except FileNotFoundError:
        from obsctl.console import print_note

        print_note("error: the current directory is gone\nhint: change to one that exists")
        return EXIT_USAGE
    return 0


def _report_bug(error: Exception, *, debug: bool) -> int:
    from obsctl.console import print_note

    if debug:
        import traceback

        print_note("".join(traceback.format_exception(error)).rstrip())
    else:
        print_note(f"error: obsctl has a bug: {type(error).__name__}: {error}")
        print_note("hint: run again with `--debug` and report what it prints")
    return EXIT_BUG

"""Options as plain data: Typer, which takes longer to import than a no-op `up`, reads them last."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple


class Option(NamedTuple):
    """What typer.Option takes, kept until Typer is there."""

    names: tuple[str, ...]
    settings: dict[str, Any]


def option(*names: str, **settings: Any) -> Option:  # noqa: ANN401 - Typer's to judge
    """As typer.Option, for an Annotated parameter of a command."""
    return Option(names, settings)


def for_typer(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its options in Typer's own form."""
    for name, hint in command.__annotations__.items():
        for given in getattr(hint, "__metadata__", ()):
            if isinstance(given, Option):
                command.__annotations__[name] = Annotated[hint.__origin__, _typed(given)]
    return command


def _typed(given: Option) -> Any:  # noqa: ANN401 - the type is Typer's own
    import typer

    return typer.Option(*given.names, **given.settings)

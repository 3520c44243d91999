"""Jinja2 as obsctl uses it: `[[ value ]]`, `#%` line statements, a serialiser for each value."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2 import TemplateSyntaxError as SyntaxFault

from obsctl.conventions import TEMPLATES_DIRECTORY
from obsctl.errors import Location, Problem, RenderError
from obsctl.render import yaml_text

SUFFIX = ".j2"


def templates_root() -> Path:
    """The built-in templates: inside the package in a wheel, beside it in a checkout."""
    packaged = Path(str(files("obsctl") / TEMPLATES_DIRECTORY))
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "templates"


class Templates:
    """All templates by output path; those of the project come before the built-in ones."""

    def __init__(self, root: Path) -> None:
        self._own = root / TEMPLATES_DIRECTORY
        self.built_in = _names(templates_root())
        self.own = _names(self._own) if self._own.is_dir() else ()
        # Compiling the built-in ones takes most of a render's time: once per process is enough.
        self._environment = (
            _environment((self._own, templates_root())) if self.own else _built_in_environment()
        )

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """The text of an output file; RenderError names the template's line."""
        template = name + SUFFIX
        try:
            return self._environment.get_template(template).render(context)
        except SyntaxFault as error:
            raise self._error(template, error.lineno, str(error.message)) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise self._error(template, _line_of(error, template), str(error)) from None

    def _error(self, template: str, line: int, message: str) -> RenderError:
        is_own = template.removesuffix(SUFFIX) in self.own
        path = (self._own if is_own else templates_root()) / template
        lines = path.read_text(encoding="utf-8").splitlines()
        shown = self._own / template if is_own else Path(TEMPLATES_DIRECTORY) / template
        source = lines[line - 1] if 0 < line <= len(lines) else None
        location = Location(shown, line, 1, len(source or " "))
        return RenderError(Problem(f"template: {message}", location, source=source))


@cache
def _built_in_environment() -> Environment:
    return _environment((templates_root(),))


def _environment(directories: tuple[Path, ...]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(directories),
        autoescape=False,  # noqa: S701 - no HTML here; every value passes a serialiser
        auto_reload=False,  # else each of thousands of files looks whether its template changed
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="[[",
        variable_end_string="]]",
        # Prometheus, Alertmanager and Grafana own `{{ }}`; grok patterns have `\[%{`.
        block_start_string="[@%",
        block_end_string="%@]",
        comment_start_string="[@#",
        comment_end_string="#@]",
        line_statement_prefix="#%",
    )
    environment.filters |= {
        "yaml": _yaml,
        "block": _block,
        "json": _json,
        "logstash": logstash_string,
        "comment": _comment,
        "camel": _camel,
    }
    return environment


def logstash_string(text: str) -> str:
    """A value as a string of Logstash's configuration language.

    It has no escapes unless an option turns them on: a string is quoted by the quote that it
    does not hold.
    """
    if '"' not in text:
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    raise ValueError("Logstash cannot quote a text that holds both kinds of quotes")


def _yaml(value: object) -> str:
    return yaml_text.scalar(_defined(value))


def _block(value: object, indent: int = 0) -> str:
    return yaml_text.block(_defined(value), indent)


def _defined(value: object) -> object:
    if isinstance(value, StrictUndefined):
        str(value)  # raises, and names what is missing
    return value


def _json(value: object) -> str:
    return json.dumps(_defined(value), ensure_ascii=False, allow_nan=False)


def _comment(text: str) -> str:
    """Text that stays within one comment line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _camel(name: str) -> str:
    """db_query_duration as JavaScript spells it: dbQueryDuration."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _names(directory: Path) -> tuple[str, ...]:
    return tuple(
        sorted(
            path.relative_to(directory).as_posix().removesuffix(SUFFIX)
            for path in directory.rglob(f"*{SUFFIX}")
            if path.is_file()
        )
    )


def _line_of(error: BaseException, template: str) -> int:
    """The template's line that was being rendered when `error` was raised."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(template):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

"""Stack -> files; pure but for the templates that it reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from obsctl.conventions import COMPOSE_FILE, GENERATED_HEADER, LABEL_SPEC_HASH
from obsctl.errors import Problem, RenderError
from obsctl.render import json_text, patches, views
from obsctl.render.compose import add_spec_hashes, compose_document
from obsctl.render.environment import Templates
from obsctl.render.instrumentation import FOLDER, applications
from obsctl.render.rendered import RenderedFile
from obsctl.stack.model import Stack

__all__ = ["RenderedFile", "render"]

_ON_DEMAND: Mapping[str, Callable[[Stack], bool]] = {
    "prometheus/rules_slow_test.yml": lambda stack: any(test.slow for test in stack.rule_tests),
    "prometheus/web_client.yml": lambda stack: stack.web is not None,
}
# Beyond this, what the serialisers alone have written is the rules of hundreds of services, and
# reading it back would take longer than all the rest; promtool does it before `up`.
_REREAD_MAX = 2**20


def render(stack: Stack, root: Path) -> tuple[RenderedFile, ...]:
    """Every file under stack/ but the manifest, sorted by path; same input, same bytes.

    `root` is the project's directory: its templates/ override the built-in ones by path. Raises
    RenderError for a template that fails or gives no YAML or JSON, ProjectFileError for a patch
    on a file that is not rendered.
    """
    templates = Templates(root)
    context = {"header": GENERATED_HEADER, **views.context(stack)}
    names = [name for name in _wanted(stack, templates) if name != COMPOSE_FILE]
    files = {name: templates.render(name, context) for name in names}
    files |= dict(_dashboards(stack)) | dict(_runbooks(stack))
    files |= dict(applications(stack.instrumentation, templates))
    patches.check_paths(stack.patches, (*files, COMPOSE_FILE))
    for patch in stack.patches:
        if patch.path != COMPOSE_FILE:
            files[patch.path] = patches.patched_text(patch.path, files[patch.path], patch.content)
    files[COMPOSE_FILE] = _compose(stack, templates, context, files)
    others = {*templates.own, *(patch.path for patch in stack.patches)}
    _check_syntax({p: t for p, t in files.items() if p in others or len(t) < _REREAD_MAX})
    return tuple(RenderedFile(PurePosixPath(path), files[path]) for path in sorted(files))


def _wanted(stack: Stack, templates: Templates) -> Iterator[str]:
    """The project's additions, and built-in templates of what this stack mounts."""
    mounted = [f"{d.source}/" for service in stack.services for d in service.directories]
    for name in sorted({*templates.built_in, *templates.own}):
        if name.startswith(FOLDER):
            continue  # one for each application, under its own name
        if name not in templates.built_in or name == COMPOSE_FILE:
            yield name
        elif name in _ON_DEMAND:
            if _ON_DEMAND[name](stack):
                yield name
        elif name.startswith(tuple(mounted)):
            yield name


def _dashboards(stack: Stack) -> Iterator[tuple[str, str]]:
    # Services of one kind share theirs: each list is written once.
    shared = {id(dashboard.model.get("panels")): "" for dashboard in stack.dashboards}
    for dashboard in stack.dashboards:
        text = json_text.text(dashboard.model, shared)
        yield f"grafana/dashboards/{dashboard.uid}.json", text


def _runbooks(stack: Stack) -> Iterator[tuple[str, str]]:
    for page in stack.runbooks:
        yield f"runbooks/{page.alert}.md", views.runbook_text(page)
    if stack.runbooks:
        yield "runbooks/README.md", views.runbook_index(stack)


def _compose(
    stack: Stack, templates: Templates, context: Mapping[str, Any], files: Mapping[str, str]
) -> str:
    """Data first: patches and spec hashes are made on it, then it is written down."""
    document: Any = compose_document(stack)
    for patch in stack.patches:
        if patch.path == COMPOSE_FILE:
            document = patches.merge(document, patch.content)
    add_spec_hashes(document, files)
    comments = {service.name: service.comments for service in stack.services}
    rest = {key: value for key, value in document.items() if key not in {"name", "services"}}
    names = {"compose": document, "rest": rest, "comments": comments}
    text = templates.render(COMPOSE_FILE, {**context, **names})
    return _hashed_anew(text, files) if COMPOSE_FILE in templates.own else text


def _hashed_anew(text: str, files: Mapping[str, str]) -> str:
    """The project's own template may say more than the data: its hashes cover what it says."""
    document = patches.parsed(COMPOSE_FILE, text)
    before = _hashes(document)
    add_spec_hashes(document, files)
    for name, spec_hash in _hashes(document).items():
        text = text.replace(before.get(name) or spec_hash, spec_hash)
    return text


def _hashes(document: Any) -> dict[str, str]:  # noqa: ANN401 - parsed YAML
    services = document.get("services") if isinstance(document, dict) else None
    return {
        name: str((definition.get("labels") or {}).get(LABEL_SPEC_HASH) or "")
        for name, definition in (services or {}).items()
    }


def _check_syntax(files: Mapping[str, str]) -> None:
    problems = tuple(_syntax_problems(files.items()))
    if problems:
        raise RenderError(*problems)


def _syntax_problems(files: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for path, text in files:
        if path.endswith(patches.PATCHABLE):
            try:
                patches.check_syntax(path, text)
            except ValueError as error:
                reason = " ".join(str(error).split())
                hint = "see the template of that path under templates/, or its patch"
                yield Problem(f"rendered `{path}` cannot be read back: {reason}", hint=hint)

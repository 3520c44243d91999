"""The generated code of applications: its names are the catalogue's, and nothing is overwritten."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from obsctl.cli import run
from obsctl.cli.pipeline import build

RENAMED = {
    "express": {
        "requests_metric": "own_requests_total",
        "duration_metric": "own_seconds",
        "route_duration_metric": "own_route_seconds",
        "method_label": "own_method",
        "route_label": "own_route",
        "status_label": "own_status",
        "unmatched_route": "own-unmatched",
        "db_query_metric": "own_query_seconds",
        "db_operation_label": "own_operation",
        "db_collection_label": "own_collection",
        "cache_requests_metric": "own_cache_total",
        "cache_result_label": "own_result",
        "transactions_metric": "own_transactions_total",
        "transaction_label": "own_type",
        "active_users_metric": "own_users",
        "revenue_metric": "own_revenue_total",
        "revenue_label": "own_currency",
    },
    "fastapi": {
        "requests_metric": "own_requests_total",
        "duration_metric": "own_seconds",
        "route_duration_metric": "own_route_seconds",
        "response_size_metric": "own_bytes",
        "method_label": "own_method",
        "route_label": "own_route",
        "status_label": "own_status",
        "unmatched_route": "own-unmatched",
        "transactions_metric": "own_transactions_total",
        "transaction_label": "own_type",
        "active_users_metric": "own_users",
        "revenue_metric": "own_revenue_total",
        "revenue_label": "own_currency",
    },
}
CODE = {"express": "metrics.middleware.cjs", "fastapi": "app_metrics.py"}
SPELLED = (
    "http_requests_total", "http_request_duration", "db_query_duration_seconds", '"status',
    "status_code", '"handler"', '"route"', '"method"', '"operation"', '"collection"',
)  # fmt: skip


def project(folder: Path, kind: str, settings: Mapping[str, object]) -> Path:
    lines = "\n".join(f"      {key}: {value}" for key, value in settings.items())
    file = folder / "obsctl.yaml"
    file.write_text(
        f"version: 1\nproject: p\nservices:\n  shop:\n    kind: {kind}\n"
        f'    targets: ["localhost:3000"]\n    settings:\n{lines}\n'
    )
    return file


def rendered(file: Path) -> dict[str, str]:
    return {str(each.path): each.text for each in build(file).files}


@pytest.mark.parametrize("kind", RENAMED)
def test_every_name_in_the_code_is_the_one_of_the_settings(kind: str, tmp_path: Path) -> None:
    settings = {**RENAMED[kind], "duration_buckets": [0.125, 2, 5, 77]}
    files = rendered(project(tmp_path, kind, settings))
    code = files[f"instrumentation/shop/{CODE[kind]}"]
    assert [name for name in RENAMED[kind].values() if f'"{name}"' not in code] == []
    assert "".join(code.split()).find("buckets:[0.125,2,5,77]" if kind == "express" else
                                      "buckets=[0.125,2,5,77,]") > 0  # fmt: skip
    body = code.replace("res.statusCode", "").replace("writableFinished", "")
    found = [name for name in SPELLED if name in body.replace("http_requests_total = ", "")]
    # There they are names of variables, and keys of ASGI's own.
    own = {"http_requests_total", "http_request_duration", '"status', '"route"', '"method"'}
    assert set(found) <= (own if kind == "fastapi" else set())


@pytest.mark.parametrize("kind", RENAMED)
def test_rules_and_dashboards_ask_for_nothing_that_the_code_does_not_set(
    kind: str, tmp_path: Path
) -> None:
    files = rendered(project(tmp_path, kind, {**RENAMED[kind], "minimum_rate": 0.1}))
    code = files[f"instrumentation/shop/{CODE[kind]}"]
    asked = [text for path, text in files.items() if path.endswith((".json", "rules.yml"))]
    used = [name for name in RENAMED[kind].values() if any(name in text for text in asked)]
    assert {"own_requests_total", "own_route", "own_status", "own_seconds"} <= set(used)
    assert [name for name in used if f'"{name}"' not in code] == []


def test_a_kind_that_extends_express_has_its_code(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "koa.yaml").write_text("extends: express\ntitle: Koa\n")
    files = rendered(project(tmp_path, "koa", {"minimum_rate": 1}))
    assert "instrumentation/shop/metrics.middleware.cjs" in files


def test_own_templates_override_and_add_files(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "instrumentation" / "express"
    own.mkdir(parents=True)
    (own / "logger.cjs.j2").write_text("// mine: [[ app.service ]]\n")
    (own / "more.js.j2").write_text("// more: [[ app.logs ]]\n")
    files = rendered(project(tmp_path, "express", {"minimum_rate": 1}))
    assert files["instrumentation/shop/logger.cjs"] == "// mine: shop\n"
    assert files["instrumentation/shop/more.js"] == "// more: 127.0.0.1:5000\n"
    assert "instrumentation/express/more.js" not in files


@pytest.mark.parametrize("value", ["1.1", "-0.1", "yes", "text"])
def test_a_sample_rate_is_a_share(value: str, tmp_path: Path) -> None:
    file = project(tmp_path, "express", {"traces_sample_rate": value})
    assert run(["render", "--file", str(file)]) == 3
    assert not (tmp_path / "stack").exists()


def instrument(*arguments: str) -> int:
    return run(["instrument", *arguments])


def test_files_are_written_and_never_overwritten_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert instrument("express", "--output", "app") == 0
    names = {path.name for path in (tmp_path / "app").iterdir()}
    assert names == {
        "README.md", "errorReporter.cjs", "instrument.cjs", "logger.cjs", "metrics.middleware.cjs",
    }  # fmt: skip
    (tmp_path / "app" / "logger.cjs").write_text("mine\n")
    (tmp_path / "app" / "instrument.cjs").unlink()
    capsys.readouterr()
    assert instrument("express", "--output", "app") == 2
    assert "`app/logger.cjs` exists and differs" in capsys.readouterr().err
    assert (tmp_path / "app" / "logger.cjs").read_text() == "mine\n"
    assert not (tmp_path / "app" / "instrument.cjs").exists()
    assert instrument("express", "--output", "app", "--force") == 0
    said = capsys.readouterr().err
    assert "overwrote app/logger.cjs" in said
    assert "wrote app/instrument.cjs" in said
    assert "errorReporter" not in said  # unchanged


def test_without_output_all_files_go_to_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert instrument("fastapi") == 0
    said = capsys.readouterr()
    assert said.out.count("==> ") == 4
    assert "no obsctl.yaml here" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["express"], "several services are of the kind `express`"),
        (["express", "--service", "three"], "of that kind are `one`, `two`"),
        (["fastapi"], "no service is of the kind `fastapi`"),
        (["express", "--service", "one", "--output", "obsctl.yaml/x"], "not a directory"),
        (["express", "--service", "one", "-o", "obsctl.yaml"], "name another directory"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    services = "".join(f"  {n}: {{ kind: express, targets: ['a:1'] }}\n" for n in ("one", "two"))
    (tmp_path / "obsctl.yaml").write_text(f"version: 1\nproject: p\nservices:\n{services}")
    assert instrument(*arguments) == 2
    assert told in capsys.readouterr().err

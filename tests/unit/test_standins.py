"""The pure parts of the kit's stand-ins: settings, parsing, matching, rights, shapes."""

import base64
import importlib
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from obsctl.project.passwords import hashed

Json = Any
Node = Any  # of a module that only the image's folder has
_IMAGES = Path(__file__).parents[1] / "kit" / "images"
_FOLDERS = ("_shared", "grafana", "elasticsearch", "logstash", "kibana", "mongodb-exporter")

SAVED_OBJECTS = "xpack.encryptedSavedObjects"


@pytest.fixture(autouse=True)
def _paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each image's folder is a place of modules, as it is in the container."""
    for folder in _FOLDERS:
        monkeypatch.syspath_prepend(str(_IMAGES / folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    for name, module in list(sys.modules.items()):
        if str(_IMAGES) in str(getattr(module, "__file__", "")):
            del sys.modules[name]


def load(name: str) -> ModuleType:
    return importlib.import_module(name)


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class TestShared:
    def test_faults_have_names_and_numbers(self) -> None:
        faults = load("standin").Faults(["slow:0.5", " unhealthy", ""])
        assert faults.names == {"slow": 0.5, "unhealthy": 0.0}

    def test_routes_authenticate_and_control(self) -> None:
        standin = load("standin")
        app = standin.App()
        app.route("GET", "/x/{name}", lambda r: standin.Response(200, r.params["name"]))
        assert app.handle(standin.Request("HEAD", "/x/a%20b")).body == "a b"
        assert app.handle(standin.Request("POST", "/x/a")).status == 404
        body = json.dumps({"faults": ["unhealthy"]}).encode()
        app.handle(standin.Request("POST", "/__standin__/fault", body=body))
        assert "unhealthy" in app.faults
        assert standin.Request("GET", "/", headers=basic("u", "p:q")).basic() == ("u", "p:q")

    def test_passwords_are_kept_as_hashes(self) -> None:
        http = load("standin_http")
        hashed = http.hash_password("secret")
        assert "secret" not in hashed
        assert http.password_matches("secret", hashed)
        assert not http.password_matches("other", hashed)


class TestGrafana:
    def test_a_file_and_a_value_exclude_each_other(self, tmp_path: Path) -> None:
        settings = load("grafana_settings")
        file = tmp_path / "password"
        file.write_text("from file\n")
        name = "GF_SECURITY_ADMIN_PASSWORD"
        assert settings.resolve_files({f"{name}__FILE": str(file)}) == {name: "from file"}
        with pytest.raises(settings.SettingsError, match="exclusive"):
            settings.resolve_files({f"{name}__FILE": str(file), name: "x"})

    def test_the_admin_password_is_fixed_at_the_first_start(self, tmp_path: Path) -> None:
        database = load("grafana_settings").Database(tmp_path)
        database.initialise("admin", "first")
        database.initialise("admin", "second")
        assert database.accepts("admin", "first")
        assert not database.accepts("admin", "second")

    def test_provisioning_expands_variables_and_files(self, tmp_path: Path) -> None:
        expand = load("grafana_provisioning").expand
        (tmp_path / "s").write_text("pa$$word\n")
        given = {"a": "$X-${X}-$$X", "b": [f"$__file{{{tmp_path}/s}}"], "c": "$__env{X}", "d": 1}
        wanted = {"a": "v-v-$X", "b": ["pa$$word"], "c": "v", "d": 1}
        assert expand(given, {"X": "v"}) == wanted

    def test_a_uid_cannot_be_pinned_on_a_known_name(self) -> None:
        provisioning = load("grafana_provisioning")
        source = {"name": "A", "type": "prometheus", "uid": "one"}
        known = provisioning.provision([{"datasources": [source]}], [], {})
        changed = {"datasources": [{**source, "uid": "two"}]}
        with pytest.raises(provisioning.ProvisioningError, match="data source not found"):
            provisioning.provision([changed], known, {})
        deleted = {**changed, "deleteDatasources": [{"name": "A", "orgId": 1}]}
        assert provisioning.provision([deleted], known, {})[0]["uid"] == "two"

    def test_prune_removes_what_left_the_files(self) -> None:
        provision = load("grafana_provisioning").provision
        one, two = ({"name": n, "type": "loki"} for n in "AB")
        known = provision([{"datasources": [one, two]}], [], {})
        assert len(provision([{"datasources": [one]}], known, {})) == 2
        assert len(provision([{"datasources": [one], "prune": True}], known, {})) == 1

    def test_secrets_are_shown_by_name_only(self) -> None:
        provisioning = load("grafana_provisioning")
        source = {"name": "A", "type": "x", "secureJsonData": {"basicAuthPassword": "s3cret"}}
        view = provisioning.public_view(
            provisioning.provision([{"datasources": [source]}], [], {})[0]
        )
        assert view["secureJsonFields"] == {"basicAuthPassword": True}
        assert "s3cret" not in json.dumps(view)

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            ({"title": "x", "elements": {}}, "v2 format"),
            ({"dashboard": {"title": "x"}}, "title cannot be empty"),
            ([], "not an object"),
        ],
    )
    def test_only_classic_dashboards_load(self, body: object, reason: str) -> None:
        parse = load("grafana_dashboards").parse_dashboard
        with pytest.raises(load("grafana_provisioning").ProvisioningError, match=reason):
            parse(json.dumps(body), "x.json")

    def test_a_broken_dashboard_keeps_the_last_good_one(self, tmp_path: Path) -> None:
        (tmp_path / "dashboards").mkdir()
        (tmp_path / "files" / "sub").mkdir(parents=True)
        options = {"path": str(tmp_path / "files"), "foldersFromFilesStructure": True}
        document = {"apiVersion": 1, "providers": [{"name": "p", "options": options}]}
        (tmp_path / "dashboards" / "p.yml").write_text(json.dumps(document))
        file = tmp_path / "files" / "sub" / "a.json"
        file.write_text('{"title": "A", "uid": "a"}')
        dashboards = load("grafana_dashboards").Dashboards(tmp_path)
        dashboards.reload()
        file.write_text("{")
        dashboards.scan()
        assert dashboards.by_uid["a"]["meta"]["folderTitle"] == "sub"
        file.unlink()
        dashboards.scan()
        assert dashboards.by_uid == {}

    def test_intervals_and_times(self) -> None:
        query = load("grafana_query")
        expr = "rate(x[$__rate_interval])+y[${__range}]"
        assert query.interpolate(expr, {}, 30.0, 300.0) == "rate(x[60s])+y[300s]"
        assert query.parse_time("now-1h30m", 10_000.0) == 4600.0
        assert query.parse_time("2000", 0.0) == 2.0


class TestElasticsearch:
    def test_settings_come_from_dotted_names(self) -> None:
        settings = load("es_settings")
        environment = {
            "discovery.type": "single-node",
            "xpack.security.enabled": "true",
            "ES_SETTING_CLUSTER_ROUTING__X": "1",
            "PATH": "/bin",
        }
        found = settings.read_settings("cluster: {name: a}", environment, ["-Enode.name=n"])
        assert found["cluster.name"] == "a"
        assert found["cluster.routing_x"] == "1"
        assert found["node.name"] == "n"
        with pytest.raises(settings.SettingsError, match="unknown setting"):
            settings.read_settings("", {**environment, "clutser.name": "x"}, [])
        with pytest.raises(settings.SettingsError, match="discovery") as error:
            settings.read_settings("", {"xpack.security.enabled": "true"}, [])
        assert error.value.code == 78

    @pytest.mark.parametrize(("mode", "accepted"), [(0o400, True), (0o600, True), (0o444, False)])
    def test_the_password_file_needs_its_mode(
        self, tmp_path: Path, mode: int, *, accepted: bool
    ) -> None:
        settings = load("es_settings")
        file = tmp_path / "password"
        file.write_text("secret\n")
        file.chmod(mode)
        environment = {"ELASTIC_PASSWORD_FILE": str(file)}
        if accepted:
            assert settings.bootstrap_password(environment) == "secret"
        else:
            with pytest.raises(settings.SettingsError, match="but actually has: 444"):
                settings.bootstrap_password(environment)
        with pytest.raises(settings.SettingsError, match="mutually exclusive"):
            settings.bootstrap_password({**environment, "ELASTIC_PASSWORD": "x"})

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"match_all": {}}, True),
            ({"term": {"log.level": "error"}}, True),
            ({"term": {"log.level.keyword": {"value": "warn"}}}, False),
            ({"match": {"message": "nobody WORLD"}}, True),
            ({"match": {"message": {"query": "nobody world", "operator": "and"}}}, False),
            ({"match_phrase": {"message": "hello world"}}, True),
            ({"terms": {"tags": ["x", "b"]}}, True),
            ({"exists": {"field": "service.name"}}, True),
            ({"range": {"@timestamp": {"gte": "2026-11-23T09:00:00Z", "lt": "now"}}}, False),
            ({"range": {"@timestamp": {"lte": 1795435200000, "format": "epoch_millis"}}}, True),
            (
                {"bool": {"filter": [{"match_all": {}}], "must_not": {"exists": {"field": "x"}}}},
                True,
            ),
            ({"bool": {"should": [{"term": {"tags": "z"}}, {"term": {"tags": "a"}}]}}, True),
            ({"query_string": {"query": 'log.level:error AND "hello world"'}}, True),
            ({"query_string": {"query": "NOT log.level:error OR tags:z"}}, False),
            ({"query_string": {"query": "service.name:back*"}}, True),
        ],
    )
    def test_queries(self, query: dict[str, Any], *, found: bool) -> None:
        document = {
            "@timestamp": "2126-11-23T12:00:00.000Z" if "lt" in str(query) and not found
            else "2026-11-23T12:00:00.000Z",
            "message": "Hello, world",
            "log": {"level": "error"},
            "service.name": "backend",
            "tags": ["a", "b"],
        }  # fmt: skip
        assert load("es_query").matches(query, document) is found

    def test_unknown_clauses_are_errors(self) -> None:
        with pytest.raises(load("es_dates").QueryError, match="unknown query"):
            load("es_query").matches({"fuzzy": {}}, {})

    @pytest.fixture
    def node(self, tmp_path: Path) -> Node:
        settings = {"xpack.security.enabled": "true", "cluster.name": "c"}
        node = load("es_api").Node(
            load("es_store").Store(tmp_path), settings, load("standin").Faults()
        )
        load("es_admin_routes").AdminRoutes(node)
        load("es_document_routes").DocumentRoutes(node)
        node.management.bootstrap("changeme")
        return node

    def ask(
        self, node: Node, method: str, path: str, body: Json = None, user: str = "elastic"
    ) -> tuple[int, Any]:
        """Answer one request without a socket."""
        parts, _, query = path.partition("?")
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        arguments = {p.split("=")[0]: [p.split("=")[1]] for p in query.split("&") if p}
        request = load("standin").Request(method, parts, arguments, basic(user, "changeme"), data)
        response = node.handle(request)
        return response.status, response.body

    def test_security_is_on(self, node: Node) -> None:
        response = node.handle(load("standin").Request("GET", "/"))
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic realm")
        assert self.ask(node, "GET", "/")[1]["tagline"] == "You Know, for Search"
        assert self.ask(node, "GET", "/", user="nobody")[0] == 401

    def test_a_writer_may_create_but_not_read(self, node: Node) -> None:
        index = {"names": ["logs-*-*"], "privileges": ["auto_configure", "create_doc"]}
        role = {"cluster": ["monitor"], "indices": [index]}
        assert self.ask(node, "PUT", "/_security/role/w", role) == (
            200,
            {"role": {"created": True}},
        )
        user = {"password": "changeme", "roles": ["w"]}
        assert self.ask(node, "POST", "/_security/user/w", user) == (200, {"created": True})
        stamp = {"@timestamp": "2026-11-23T10:00:00Z"}
        lines: list[dict[str, Any]] = [
            {"create": {"_index": "logs-a-b"}}, stamp,
            {"create": {"_index": "other"}}, stamp,
            {"create": {"_index": "logs-a-b"}}, {"message": "no time"},
        ]  # fmt: skip
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        _, answer = self.ask(node, "POST", "/_bulk", body, user="w")
        assert [item["create"]["status"] for item in answer["items"]] == [201, 403, 400]
        status, refused = self.ask(node, "GET", "/logs-*-*/_search", user="w")
        assert (status, refused["error"]["type"]) == (403, "security_exception")
        assert self.ask(node, "PUT", "/_security/role/x", {}, user="w")[0] == 403

    def test_data_streams_take_creates_only_and_follow_their_template(self, node: Node) -> None:
        template = {
            "settings": {"index.number_of_replicas": 0, "index.lifecycle.prefer_ilm": False},
            "lifecycle": {"data_retention": "14d"},
        }
        self.ask(node, "PUT", "/_component_template/logs@custom", {"template": template})
        document = {"@timestamp": "2026-11-23T10:00:00Z"}
        assert self.ask(node, "PUT", "/logs-a-b/_doc/1", document)[0] == 400
        assert self.ask(node, "PUT", "/logs-a-b/_create/1", document)[0] == 201
        assert self.ask(node, "PUT", "/logs-a-b/_create/1", document)[0] == 409
        (stream,) = self.ask(node, "GET", "/_data_stream/logs-*")[1]["data_streams"]
        assert stream["lifecycle"]["data_retention"] == "14d"
        assert stream["next_generation_managed_by"] == "Data stream lifecycle"
        assert self.ask(node, "GET", "/_cluster/health")[1]["status"] == "green"
        self.ask(node, "PUT", "/_data_stream/logs-*-*/_lifecycle", {"data_retention": "1d"})
        (stream,) = self.ask(node, "GET", "/_data_stream/logs-a-b")[1]["data_streams"]
        assert stream["lifecycle"]["data_retention"] == "1d"

    def test_an_index_of_ilm_changes_its_manager_with_a_setting(self, node: Node) -> None:
        document = {"@timestamp": "2026-11-23T10:00:00Z"}
        assert self.ask(node, "PUT", "/logs-a-b/_create/1", document)[0] == 201
        self.ask(node, "PUT", "/_data_stream/logs-*-*/_lifecycle", {"data_retention": "1d"})

        def managers() -> set[str]:
            (stream,) = self.ask(node, "GET", "/_data_stream/logs-a-b")[1]["data_streams"]
            return {one["managed_by"] for one in stream["indices"]}

        assert managers() == {"Index Lifecycle Management"}
        setting = {"index.lifecycle.prefer_ilm": False}
        assert self.ask(node, "PUT", "/logs-*-*/_settings", setting)[0] == 200
        assert managers() == {"Data stream lifecycle"}

    def test_documents_outlive_the_process(self, node: Node, tmp_path: Path) -> None:
        self.ask(node, "POST", "/logs-a-b/_doc", {"@timestamp": "2026-11-23T10:00:00Z", "n": 1})
        again = load("es_store").Store(tmp_path)
        assert [d["n"] for d in again.indices["logs-a-b"].documents.values()] == [1]

    def test_objects_and_texts_do_not_mix(self, node: Node) -> None:
        stamp = {"@timestamp": "2026-11-23T10:00:00Z"}
        assert self.ask(node, "POST", "/logs-a-b/_doc", {**stamp, "host": {"name": "x"}})[0] == 201
        status, body = self.ask(node, "POST", "/logs-a-b/_doc", {**stamp, "host": "x"})
        assert (status, body["error"]["type"]) == (400, "document_parsing_exception")

    def test_health_times_out_with_408(self, node: Node) -> None:
        node.faults.names = {"unhealthy": 0.0}
        path = "/_cluster/health?wait_for_status=yellow&timeout=0s"
        status, body = self.ask(node, "GET", path)
        assert (status, body["timed_out"], body["status"]) == (408, True, "red")

    def test_delete_by_query_and_count(self, node: Node) -> None:
        for number in range(3):
            document = {"@timestamp": "2026-11-23T10:00:00Z", "n": number}
            self.ask(node, "POST", "/logs-a-b/_doc", document)
        query = {"query": {"term": {"n": 1}}}
        assert self.ask(node, "POST", "/logs-*/_delete_by_query", query)[1]["deleted"] == 1
        assert self.ask(node, "GET", "/logs-*/_count")[1]["count"] == 2
        found = self.ask(node, "POST", "/logs-*/_search", {"sort": [{"n": "desc"}], "size": 1})[1]
        assert found["hits"]["hits"][0]["_source"]["n"] == 2

    def test_lost_streams_are_acknowledged_and_forgotten(self, node: Node) -> None:
        body = json.dumps({"faults": ["lose-data-stream", "lose-template"]}).encode()
        node.handle(load("standin").Request("POST", "/__standin__/fault", body=body))
        self.ask(node, "PUT", "/_component_template/logs@custom", {"template": {}})
        assert self.ask(node, "GET", "/_component_template/logs@custom")[0] == 404


class TestLogstash:
    CONFIG = """
    # comment
    input { tcp { id => "in" port => 5000 codec => json_lines } gelf { port => 12201 } }
    filter {
      if [type] == "nodejs" and !([level] in ["a", "b"]) {
        mutate { rename => { "level" => "[log][level]" } remove_field => ["type", "secret"] }
      } else if [message] =~ /drop/ { drop {} }
      else { mutate { add_tag => ["other"] } }
      date { match => ["time", "UNIX_MS"] remove_field => ["time"] }
      translate { source => "s" target => "d" dictionary => { "k" => "v" } }
    }
    output { elasticsearch { hosts => ["http://es:9200"] user => "u" password => "${PW}"
      data_stream => "true" data_stream_namespace => "${NS:prod}" } }
    """

    def test_a_pipeline_is_parsed_and_followed(self) -> None:
        sections = load("logstash_pipeline").compile_config(self.CONFIG, {"PW": "secret"})
        (output,) = sections["output"]
        assert output.options["password"] == "secret"  # noqa: S105
        assert output.options["data_stream_namespace"] == "prod"
        run = load("logstash_filters").run
        event = {"type": "nodejs", "level": "x", "time": 1000, "s": "k"}
        assert run(sections["filter"], event, lambda _: None)
        assert event == {
            "log": {"level": "x"}, "@timestamp": "1970-01-01T00:00:01.000Z", "s": "k", "d": "v",
        }  # fmt: skip
        assert not run(sections["filter"], {"message": "drop me"}, lambda _: None)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("input { tcp { port => 1 }", "Expected one of"),
            ("input { tcp { prot => 1 port => 1 } }", "Unknown setting 'prot'"),
            ("input { tpc { } }", "Couldn't find any input plugin named 'tpc'"),
            ("outptu { }", "Expected one of input, filter, output"),
            ('output { stdout { id => "${NOPE}" } }', "`NOPE` is not defined"),
            (
                'output { elasticsearch { data_stream => "true" index => "x" } }',
                "Invalid data stream configuration",
            ),
            ('filter { mutate { id => "a" } mutate { id => "a" } }', "Two plugins"),
        ],
    )
    def test_broken_pipelines_are_refused(self, text: str, reason: str) -> None:
        error = load("logstash_tokens").ConfigurationError
        with pytest.raises(error, match=reason):
            load("logstash_pipeline").compile_config(text, {})

    def test_events_choose_their_data_stream(self) -> None:
        output = load("logstash_output")
        options = {"data_stream_dataset": "app"}
        event = {"data_stream": {"dataset": "nodejs"}, "@metadata": {"x": 1}}
        name = output.target(event, options)
        assert name == "logs-nodejs-default"
        stream = {"type": "logs", "dataset": "nodejs", "namespace": "default"}
        assert output.document(event, options, name) == {"data_stream": stream}
        assert output.target({}, {"index": "x-%{[a][b]}"}) is None

    def test_settings(self) -> None:
        settings = load("logstash_settings")
        assert settings.read_settings("api: {http: {port: ${P:1}}}", {}) == {"api.http.port": 1}
        with pytest.raises(settings.SettingsError, match="doesn't exist"):
            settings.read_settings("api.htp.port: 1", {})
        found = settings.from_environment({"LOG_LEVEL": "debug", "LS_JAVA_OPTS": "x"})
        assert found == {"log.level": "debug"}
        assert settings.read_arguments(["-t", "-f", "/x"])["path.config"] == "/x"
        with pytest.raises(settings.SettingsError, match="Unrecognised"):
            settings.read_arguments(["--nope"])

    def test_codecs_and_protocols(self) -> None:
        inputs = load("logstash_inputs")
        assert list(inputs.decode('{"a": 1}', "json_lines")) == [{"a": 1}]
        (broken,) = inputs.decode("oops", "json_lines")
        assert broken == {"message": "oops", "tags": ["_jsonparsefailure"]}
        gelf = {"short_message": "m", "_app": "x", "timestamp": 1.5}
        event = inputs.gelf_event(zlib.compress(json.dumps(gelf).encode()))
        assert event == {"message": "m", "app": "x", "@timestamp": "1970-01-01T00:00:01.500Z"}
        chunks = inputs.Chunks()
        header = b"\x1e\x0f12345678"
        assert chunks.add(header + b"\x01\x02B") is None
        assert chunks.add(header + b"\x00\x02A") == b"AB"
        body = b'{"message":"m"}'
        frame = b"2J" + (7).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
        packed = zlib.compress(frame)
        data = inputs.Buffer(b"2C" + len(packed).to_bytes(4, "big") + packed)
        assert list(inputs.lumberjack(data.read)) == [(7, {"message": "m"})]

    def test_a_persisted_queue_survives(self, tmp_path: Path) -> None:
        events = load("logstash_queue").EventQueue(tmp_path / "q")
        events.offer({"a": 1}, 0)
        again = load("logstash_queue").EventQueue(tmp_path / "q")
        assert again.take(10, 0.001) == [{"a": 1}]
        again.finish(1)
        assert not (tmp_path / "q").exists()


class TestKibana:
    def test_files_merge_in_order_and_variables_expand(self, tmp_path: Path) -> None:
        settings = load("kibana_settings")
        first, second = tmp_path / "1.yml", tmp_path / "2.yml"
        first.write_text("server.port: 1\nelasticsearch: {username: kibana_system}\n")
        second.write_text("server.port: 2\nelasticsearch.password: ${PW}\n")
        arguments = ["-c", str(first), "-c", str(second), "--server.name=x"]
        found = settings.read_settings(arguments, {"PW": "p"}, tmp_path / "none")
        assert found == {
            "server.port": 2, "server.name": "x",
            "elasticsearch.username": "kibana_system", "elasticsearch.password": "p",
        }  # fmt: skip
        with pytest.raises(settings.SettingsError, match="Unknown environment variable"):
            settings.read_settings(arguments, {}, tmp_path / "none")

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"elasticsearch.username": "elastic"}, 78),
            ({"xpack.security.encryptionKey": "short"}, 78),
            ({f"{SAVED_OBJECTS}.keyRotation.decryptionOnlyKeys": ["short"]}, 78),
            (
                {
                    f"{SAVED_OBJECTS}.encryptionKey": "k" * 32,
                    f"{SAVED_OBJECTS}.keyRotation.decryptionOnlyKeys": ["k" * 32],
                },
                78,
            ),
            ({"sever.port": 1}, 64),
        ],
    )
    def test_bad_settings_end_the_start(self, given: dict[str, Any], code: int) -> None:
        settings = load("kibana_settings")
        with pytest.raises(settings.SettingsError) as error:
            settings.check(given)
        assert error.value.code == code

    def test_a_secret_is_read_with_a_key_that_is_given_only(self) -> None:
        connectors, objects, standin = map(load, ("kibana_connectors", "kibana_objects", "standin"))
        kept = objects.SavedObjects(None)
        stored: dict[str, Any] = {}
        kept.put = lambda one: stored.setdefault(one["id"], one)
        kept.find = lambda _: list(stored.values())
        kept.get = lambda _, name: stored[name]

        def with_keys(primary: str, *former: str) -> Node:
            name = f"{SAVED_OBJECTS}.encryptionKey"
            given = {name: primary, f"{SAVED_OBJECTS}.keyRotation.decryptionOnlyKeys": former}
            return connectors.Connectors(kept, given)

        body = json.dumps({"name": "n", "connector_type_id": ".index"}).encode()
        made = with_keys("one").create(standin.Request("POST", "/", body=body)).body
        use = standin.Request("POST", "/", params={"id": made["id"]})
        with pytest.raises(standin.HttpError):
            with_keys("two").execute(use)
        with pytest.raises(standin.HttpError):
            with_keys("two").rotate_key(["superuser"])
        assert with_keys("two", "one").execute(use).status == 200
        found = with_keys("two", "one").rotate_key(["superuser"]).body
        assert found == {"total": 1, "successful": 1, "failed": 0}
        assert with_keys("two").execute(use).status == 200
        with pytest.raises(standin.HttpError):
            with_keys("one").execute(use)

    def test_not_ready_before_elasticsearch_and_xsrf_after(self) -> None:
        server, standin = load("kibana_server"), load("standin")
        app = server.Kibana({}, standin.Faults())
        assert app.handle(standin.Request("GET", "/")).status == 503
        assert app.handle(standin.Request("GET", "/api/status")).status == 503
        app.started, app.reason = True, ""
        assert app.handle(standin.Request("GET", "/")).headers["Location"] == "/login?next=%2F"
        refused = app.handle(standin.Request("POST", "/api/data_views/data_view"))
        assert (refused.status, "kbn-xsrf" in refused.body["message"]) == (400, True)
        assert app.handle(standin.Request("GET", "/s/default/api/data_views")).status == 401

    def test_the_import_file_is_found(self) -> None:
        objects = load("kibana_objects")
        body = (
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="x.ndjson"\r\n\r\n'
            b'{"type":"search"}\n\r\n--B--\r\n'
        )
        text = objects.multipart_file("multipart/form-data; boundary=B", body)
        assert text == '{"type":"search"}\n'


class TestMongodbExporter:
    def test_hello_makes_the_round_trip(self) -> None:
        import io

        wire = load("mongodb_wire")
        document = {"hello": 1, "$db": "admin", "ok": 1.0, "inner": {"yes": True}}
        assert wire.read_message(io.BytesIO(wire.message(document))) == document
        with pytest.raises(wire.WireError):
            wire.read_message(io.BytesIO(b"HTTP/1.1 400 Bad Request"))

    def test_flags(self) -> None:
        server = load("mongodb_server")
        arguments = ["--collector.diagnosticdata", "--no-mongodb.direct-connect"]
        options = server.parse_flags(arguments, {"MONGODB_URI": "mongodb://m:1/admin"})
        assert options.collectors == {"diagnosticdata"}
        assert server.server_of(options.uri) == ("m", 1)
        assert server.server_of("mongodb://u:p@host/?x=1") == ("host", 27017)
        with pytest.raises(server.FlagError, match="unknown flag"):
            server.parse_flags(["--nope"], {})

    def test_only_a_password_of_its_file_is_let_in(self, tmp_path: Path) -> None:
        web, standin = load("mongodb_web"), load("standin")
        file = tmp_path / "web.yml"
        value = hashed(b"pa$w'o\"r\\d", 4)
        file.write_text(f"basic_auth_users:\n  ops: {value}\n")
        access = web.WebAccess(str(file))
        access.check(standin.Request("GET", "/", headers=basic("ops", "pa$w'o\"r\\d")))
        for headers in ({}, basic("ops", "wrong"), basic("other", "pa$w'o\"r\\d")):
            with pytest.raises(standin.HttpError):
                access.check(standin.Request("GET", "/", headers=headers))
        file.write_text("tls_server_config: {}\n")
        with pytest.raises(web.WebError, match="TLS"):
            web.WebAccess(str(file))

    def test_metrics_need_their_collector(self) -> None:
        metrics = load("mongodb_metrics")
        assert metrics.exposition(metrics.collect(None, set())) == (
            '# TYPE mongodb_up gauge\nmongodb_up{cluster_role=""} 0.0\n'
        )
        names = {name for name, _, _ in metrics.collect({"ok": 1}, set())}
        assert names == {"mongodb_up"}
        text = metrics.exposition(metrics.collect({"setName": "rs0"}, {"diagnosticdata"}))
        assert 'mongodb_ss_connections{cl_role="mongod",cl_id="",rs_nm="rs0"' in text
        assert "mongodb_rs_myState" in text


class TestEncryption:
    PREFIX = "xpack.security.http.ssl"

    def files(self, **given: str) -> Any:  # noqa: ANN401 - of the stand-in's own module
        settings = {f"{self.PREFIX}.{name}": value for name, value in given.items()}
        return load("es_settings").http_certificate(settings, Path("/config"))

    def test_elasticsearch_wants_both_files_below_its_configuration(self) -> None:
        assert self.files() is None
        assert self.files(enabled="false", certificate="a.crt") is None
        found = self.files(enabled="true", certificate="certs/a.crt", key="/config/a.key")
        assert found == (Path("/config/certs/a.crt"), Path("/config/a.key"))
        error = load("es_settings").SettingsError
        with pytest.raises(error, match="requires a key and certificate"):
            self.files(enabled="true", certificate="a.crt")
        for outside in ("/run/secrets/a.crt", "../a.crt"):
            with pytest.raises(error, match="access to read the file is blocked"):
                self.files(enabled="true", certificate=outside, key="a.key")

    def test_kibana_ends_without_the_authority_that_it_is_given(self) -> None:
        kibana = load("kibana_settings")
        assert kibana.authorities({}) is None
        with pytest.raises(kibana.SettingsError, match="No such file"):
            kibana.authorities({"elasticsearch.ssl.certificateAuthorities": ["/absent/ca.crt"]})

"""Secrets whose files are gone: which of them may be made anew as if they had never been."""

from dataclasses import replace

import pytest

from obsctl.engine.desired.model import DesiredVolume
from obsctl.engine.planning.observe import Container, Observed, Resource
from obsctl.engine.preflight.lost_secrets import LostSecret, lost_secrets
from tests.unit.engine_samples import container, desired, observed, service

WANTED = desired(
    *map(service, ("grafana", "elasticsearch", "kibana", "prometheus", "mongodb-exporter"))
)
ALL = (
    "elastic_password",
    "grafana_admin_password",
    "grafana_secret_key",
    "kibana_encryption_key",
    "kibana_system_password",
    "mongodb_password",
    "web_password",
)


def lost(seen: Observed) -> dict[str, LostSecret]:
    return {one.secret: one for one in lost_secrets(WANTED, seen, ALL)}


def test_nothing_is_lost_where_nothing_ran() -> None:
    assert lost(Observed()) == {}


def test_what_a_volume_was_made_with_is_lost_and_nothing_else() -> None:
    found = lost(observed(WANTED))
    assert found.keys() == set(ALL[:4])
    assert all(f"`secrets/{name}` is gone" in one.message for name, one in found.items())
    assert {name for name, one in found.items() if not one.can_renew} == {"grafana_secret_key"}
    for name, one in found.items():
        assert one.can_renew is (f"`obsctl up --new-secret {name}`" in str(one.hint))
    begin = "docker rm -f erp-grafana-1 && docker volume rm -f erp_grafana && obsctl up"
    assert begin in str(found["grafana_secret_key"].hint)
    assert "no data are lost" in str(found["elastic_password"].hint)
    # Its data are in Elasticsearch.
    assert "erp_elasticsearch" in found["kibana_encryption_key"].message


@pytest.mark.parametrize(
    ("gone", "kept"),
    [
        ("erp_grafana", {"elastic_password", "kibana_encryption_key"}),
        # A Kibana that comes to an Elasticsearch of before has never had a key.
        ("erp_kibana", {"elastic_password", "grafana_admin_password", "grafana_secret_key"}),
        ("erp_elasticsearch", {"grafana_admin_password", "grafana_secret_key"}),
    ],
)
def test_without_its_volume_a_secret_is_free(gone: str, kept: set[str]) -> None:
    assert lost(observed(WANTED, without=(gone,))).keys() == kept


def test_a_volume_of_somebody_else_is_none_of_ours() -> None:
    """Which is refused for its name; one that the file calls external is used as it is."""
    seen = Observed(volumes=(Resource("erp_grafana", "other"),))
    assert lost(seen) == {}
    outside = {**WANTED.volumes, "erp_grafana": DesiredVolume("erp_grafana", {}, external=True)}
    found = lost_secrets(replace(WANTED, volumes=outside), seen, ALL)
    assert {one.secret for one in found} == {"grafana_admin_password", "grafana_secret_key"}


def test_a_key_is_taken_from_the_container_that_runs_with_it() -> None:
    def hint(*containers: Container) -> str:
        return str(lost(observed(WANTED, *containers))["grafana_secret_key"].hint)

    command = "docker exec erp-grafana-1 cat /run/secrets/grafana_secret_key"
    assert command in hint(container("grafana"))
    assert "from a backup" in hint(container("grafana", "exited"))


def test_what_an_exporter_signs_in_with_is_known_elsewhere() -> None:
    def exporter(secret: str) -> Observed:
        mounts = {"Mounts": [{"Destination": f"/run/secrets/{secret}"}]}
        return Observed((container("mongodb-exporter", inspected=mounts),))

    found = lost(exporter("mongodb_password"))
    assert found.keys() == {"mongodb_password"}
    assert "read -rs V" in str(found["mongodb_password"].hint)
    # It ran without a login, which it is given now; and the stack's own is set again by itself.
    assert lost(exporter("another")) == {}
    seen = exporter("es_exporter_password")
    assert lost_secrets(WANTED, seen, ["es_exporter_password"]) == ()

"""The files of the small stack, in the form that render writes them."""

from pathlib import Path

from tests.engine.small_stack import Json, Project


def write_stack(project: Project) -> None:
    """All files as they are at first; mounted directories stay the ones that they are."""
    for directory in (project.stack / "prometheus", project.stack / "alertmanager"):
        directory.mkdir(parents=True, exist_ok=True)
        for file in directory.iterdir():
            file.unlink()
    secrets = project.root / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "token").unlink(missing_ok=True)
    (secrets / "token").write_text("s3cret")
    (secrets / "token").chmod(0o444)
    write_prometheus(project, interval="5s")
    put(
        project.stack / "alertmanager" / "alertmanager.yml",
        "route: {receiver: none}\nreceivers: [{name: none}]\n",
    )
    project.document = compose_document(project)
    project.save()


def put(path: Path, text: str) -> None:
    """As render writes: beside, then renamed."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)


def write_prometheus(project: Project, *, interval: str, extra: str = "") -> None:
    put(
        project.stack / "prometheus" / "prometheus.yml",
        f"global: {{scrape_interval: {interval}}}\n"
        "scrape_configs:\n"
        "  - job_name: prometheus\n"
        "    static_configs: [{targets: ['localhost:9090']}]\n" + extra,
    )


def compose_document(project: Project) -> Json:
    """A compose file of the form that render writes, with every key that it may use."""
    label = {"dev.obsctl.project": project.name}
    services = {
        "redis": service(
            project,
            "redis",
            command=["redis-server", "--protected-mode", "no", "--save", "1 1"],
            volumes=[{"type": "volume", "source": "redis", "target": "/data"}],
            healthcheck=check(["CMD", "redis-cli", "ping"]),
        ),
        "setup": service(
            project,
            "redis",
            entrypoint=["/bin/sh", "-c"],
            command=["redis-cli -h redis set done yes"],
            restart="no",
            depends_on={"redis": {"condition": "service_healthy"}},
        ),
        "alertmanager": service(
            project,
            "alertmanager",
            user="65534:65534",
            command=[
                "--config.file=/etc/alertmanager/alertmanager.yml",
                "--storage.path=/alertmanager",
                "--cluster.listen-address=",
            ],
            volumes=[bind("alertmanager", "/etc/alertmanager")],
            ports=[port(9093, project.ports["alertmanager"])],
            healthcheck=check(["CMD", "curl", "-fs", "http://localhost:9093/-/ready"]),
            tmpfs=["/alertmanager:uid=65534,gid=65534"],
        ),
        "prometheus": service(
            project,
            "prometheus",
            user="65534:65534",
            command=[
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
                "--web.enable-lifecycle",
            ],
            environment={"GOGC": "75", "EMPTY": "", "DOLLAR": "a$$b"},
            volumes=[
                bind("prometheus", "/etc/prometheus"),
                {"type": "volume", "source": "prometheus", "target": "/prometheus"},
            ],
            secrets=["token"],
            ports=[port(9090, project.ports["prometheus"])],
            healthcheck=check(["CMD", "curl", "-fs", "http://localhost:9090/-/ready"]),
            tmpfs=["/tmp:size=64m,mode=1777"],  # noqa: S108 - in the container
            extra_hosts=["host.docker.internal:host-gateway"],
            ulimits={"nofile": 10000},
            depends_on={
                "setup": {"condition": "service_completed_successfully"},
                "alertmanager": {"condition": "service_started"},
            },
        ),
    }
    services["prometheus"]["labels"] |= {
        "dev.obsctl.reload": "http:9090/-/reload",
        "dev.obsctl.hot": "prometheus",
        "dev.obsctl.ready": "9090/-/ready",
    }
    services["alertmanager"]["labels"] |= {
        "dev.obsctl.reload": "http:9093/-/reload",
        "dev.obsctl.hot": "alertmanager",
        "dev.obsctl.ready": "9093/-/ready",
    }
    return {
        "name": project.name,
        "services": services,
        "networks": {"observability": {"name": f"{project.name}_observability", "labels": label}},
        "volumes": {
            key: {"name": f"{project.name}_{key}", "labels": label}
            for key in ("prometheus", "redis")
        },
        "secrets": {"token": {"file": "../secrets/token"}},
    }


def service(project: Project, image: str, **keys: object) -> Json:
    return {
        "image": project.kit.images[image],
        "restart": "unless-stopped",
        "stop_grace_period": "10s",
        "read_only": True,
        "init": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": 268435456,
        "memswap_limit": 268435456,
        "cpus": 0.5,
        "pids_limit": 256,
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "networks": ["observability"],
        "labels": {"dev.obsctl.project": project.name, "dev.obsctl.spec-hash": "first"},
        **keys,
    }


def bind(source: str, target: str) -> Json:
    options = {"create_host_path": False}
    return {
        "type": "bind",
        "source": f"./{source}",
        "target": target,
        "read_only": True,
        "bind": options,
    }


def port(target: int, published: int) -> Json:
    return {
        "target": target,
        "published": str(published),
        "host_ip": "127.0.0.1",
        "protocol": "tcp",
        "mode": "host",
    }


def check(test: list[str]) -> Json:
    return {
        "test": test,
        "interval": "1s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "20s",
    }

"""The metrics of the mongodb_exporter stand-in: real names and labels, plausible values."""

from __future__ import annotations

import time
from typing import Any

STARTED = time.time()
Sample = tuple[str, dict[str, str], float]


def labels_of(hello: dict[str, Any]) -> dict[str, str]:
    """Return the labels that every metric carries."""
    replica_set = str(hello.get("setName") or "")
    state = "1" if hello.get("isWritablePrimary", True) else "2"
    role = "shardsvr" if hello.get("msg") == "isdbgrid" else "mongod"
    return {
        "cl_role": role,
        "cl_id": "",
        "rs_nm": replica_set,
        "rs_state": state if replica_set else "0",
    }


def many(name: str, label: str, values: dict[str, float]) -> list[Sample]:
    """Return one sample per value of a label."""
    return [(name, {label: key}, value) for key, value in values.items()]


def server_status(age: float) -> list[Sample]:
    """Return the samples of serverStatus after so many seconds."""
    connections = {"current": 12, "available": 838, "active": 4, "totalCreated": 40 + age}
    operations = {"insert": age, "query": 5 * age, "update": age, "delete": 0.0,
                  "getmore": age, "command": 10 * age}  # fmt: skip
    documents = {"inserted": age, "returned": 20 * age, "updated": age, "deleted": 0.0}
    samples = many("mongodb_ss_connections", "conn_type", connections)
    samples += many("mongodb_ss_opcounters", "legacy_op_type", operations)
    samples += many("mongodb_ss_metrics_document", "doc_op_type", documents)
    samples += many("mongodb_ss_metrics_cursor_open", "csr_type", {"total": 2, "pinned": 0})
    samples += many("mongodb_ss_asserts", "assert_type", {"regular": 0, "warning": 0, "user": 1})
    queue = {"readers": 0.0, "writers": 0.0, "total": 0.0}
    samples += many("mongodb_ss_globalLock_currentQueue", "count_type", queue)
    for part, value in {"available": 128.0, "out": 0.0, "totalTickets": 128.0}.items():
        tickets = {"read": value, "write": value}
        samples += many(f"mongodb_ss_wt_concurrentTransactions_{part}", "txn_rw", tickets)
    plain = {
        "metrics_queryExecutor_scanned": 30 * age,
        "metrics_queryExecutor_scanned_Objects": 30 * age,
        "metrics_queryExecutor_scannedObjects": 30 * age,
        "metrics_cursor_timedOut": 0.0,
        "mem_resident": 160.0,
        "uptime": age + 3600,
        "network_bytesIn": 1000 * age,
        "network_bytesOut": 4000 * age,
        "wt_cache_bytes_currently_in_the_cache": 2.0e8,
        "wt_cache_tracked_dirty_bytes_in_the_cache": 1.0e6,
        "wt_cache_maximum_bytes_configured": 1.0e9,
    }
    return samples + [(f"mongodb_ss_{name}", {}, value) for name, value in plain.items()]


def latencies(age: float) -> list[Sample]:
    """Return the operation latencies, which carry no common labels."""
    kinds = {"reads": age, "writes": age, "commands": age, "transactions": 0.0}
    times = {kind: 300 * value for kind, value in kinds.items()}
    samples = many("mongodb_ss_opLatencies_ops", "op_type", kinds)
    return samples + many("mongodb_ss_opLatencies_latency", "op_type", times)


def replica_set() -> list[Sample]:
    """Return a healthy replica set of two."""
    samples: list[Sample] = [("mongodb_rs_myState", {}, 1.0)]
    for index, name in ((1, "PRIMARY"), (2, "SECONDARY")):
        member = {"member_idx": str(index - 1), "member_state": name}
        values = {"state": float(index), "health": 1.0, "optimeDate": time.time() * 1000}
        samples += [(f"mongodb_rs_members_{key}", member, value) for key, value in values.items()]
    return samples


def compatible(age: float, set_name: str) -> list[Sample]:
    """Return the names of 0.1x that `--compatible-mode` adds."""
    samples = many("mongodb_connections", "state", {"current": 12, "available": 838})
    samples += many("mongodb_op_counters_total", "type", {"insert": age, "query": 5 * age})
    if set_name:
        labels = {"name": "localhost:27017", "state": "SECONDARY", "set": set_name}
        samples.append(("mongodb_mongod_replset_member_replication_lag", labels, 0.0))
    return samples


def collect(hello: dict[str, Any] | None, collectors: set[str]) -> list[Sample]:
    """Return all samples; hello is None when the server did not answer."""
    if hello is None:
        return [("mongodb_up", {"cluster_role": ""}, 0.0)]
    common, age = labels_of(hello), time.time() - STARTED
    everything = "collect-all" in collectors
    samples: list[Sample] = []
    if everything or "diagnosticdata" in collectors:
        samples += server_status(age) + (replica_set() if common["rs_nm"] else [])
    if everything or "dbstats" in collectors:
        samples += many("mongodb_dbstats_dataSize", "database", {"admin": 4096, "app": 1 << 20})
    labelled = [(name, {**common, **labels}, value) for name, labels, value in samples]
    if everything or "diagnosticdata" in collectors:
        labelled += latencies(age)
    if "compatible-mode" in collectors:
        labelled += compatible(age, common["rs_nm"])
    return [("mongodb_up", {"cluster_role": common["cl_role"]}, 1.0), *labelled]


def exposition(samples: list[Sample]) -> str:
    """Return samples in the Prometheus text format, each name's together."""
    lines: list[str] = []
    seen = ""
    for name, labels, value in sorted(samples, key=lambda sample: sample[0]):
        if name != seen:
            lines.append(f"# TYPE {name} {'gauge' if name == 'mongodb_up' else 'untyped'}")
            seen = name
        text = ",".join(f'{key}="{escape(item)}"' for key, item in labels.items())
        lines.append(f"{name}{{{text}}} {value!r}" if text else f"{name} {value!r}")
    return "\n".join(lines) + "\n"


def escape(value: str) -> str:
    """Escape a label value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Read-only views of the Elasticsearch stand-in: root, licence, node statistics, _cat/indices."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from es_security import Principal
from standin import Request, Response

if TYPE_CHECKING:
    from es_api import Node

VERSION = "9.5.2"
HEAP_MAX = 1 << 30
STARTED = time.time()
POOL = dict.fromkeys(("threads", "queue", "active", "rejected", "largest", "completed"), 0)
BREAKER = {"limit_size": "1gb", "estimated_size_in_bytes": 0, "overhead": 1.0, "tripped": 0}


def root(node: Node) -> dict[str, Any]:
    """Return what `GET /` tells."""
    return {
        "name": node.name,
        "cluster_name": node.settings.get("cluster.name", "elasticsearch"),
        "cluster_uuid": node.store.state["cluster_uuid"],
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": "standin",
            "build_date": "2026-08-01T00:00:00.000000000Z",
            "build_snapshot": False,
            "lucene_version": "10.3.2",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }


def license_view(node: Node) -> dict[str, Any]:
    """Return the licence, which has no end."""
    issued = round(STARTED * 1000)
    return {
        "license": {
            "status": "active",
            "uid": node.store.state["cluster_uuid"],
            "type": node.settings.get("xpack.license.self_generated.type", "basic"),
            "issue_date": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(STARTED)),
            "issue_date_in_millis": issued,
            "max_nodes": 1000,
            "max_resource_units": None,
            "issued_to": node.settings.get("cluster.name", "elasticsearch"),
            "issuer": "elasticsearch",
            "start_date_in_millis": -1,
        }
    }


def nodes_stats(node: Node) -> dict[str, Any]:
    """Return the few statistics of the one node that are looked at."""
    name = node.settings.get("cluster.name", "elasticsearch")
    count = {"total": 1, "successful": 1, "failed": 0}
    entry = {
        "timestamp": round(time.time() * 1000),
        "name": node.name,
        "host": "127.0.0.1",
        "ip": "127.0.0.1:9300",
        "transport_address": "127.0.0.1:9300",
        "roles": ["data", "data_content", "data_hot", "ingest", "master"],
        "indices": indices_stats(node),
        "fs": fs_stats(node),
        "jvm": jvm_stats(),
        # It has no pools and no breakers, so that none of them has ever refused anything.
        "thread_pool": {name: dict(POOL) for name in ("get", "search", "write")},
        "breakers": {"parent": {**BREAKER, "limit_size_in_bytes": HEAP_MAX}},
        "process": {
            "open_file_descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
            "max_file_descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "cpu": {"percent": 1, "total_in_millis": round(time.process_time() * 1000)},
        },
    }
    return {"_nodes": count, "cluster_name": name, "nodes": {"standin0000000000000A": entry}}


def indices_stats(node: Node) -> dict[str, Any]:
    """Return document counts and sizes."""
    indices = node.store.indices.values()
    docs = {"count": sum(len(index.documents) for index in indices), "deleted": 0}
    size = sum(index.size() for index in indices)
    indexing = {"index_total": docs["count"], "index_time_in_millis": 0}
    return {"docs": docs, "store": {"size_in_bytes": size}, "indexing": indexing}


def fs_stats(node: Node) -> dict[str, Any]:
    """Return the real sizes of the file system that holds the data."""
    disk = os.statvfs(node.store.path.parent)
    sizes = {
        "total_in_bytes": disk.f_blocks * disk.f_frsize,
        "free_in_bytes": disk.f_bfree * disk.f_frsize,
        "available_in_bytes": disk.f_bavail * disk.f_frsize,
    }
    place = {"path": str(node.store.path.parent), "mount": "/", "type": "ext4"}
    return {"timestamp": round(time.time() * 1000), "total": sizes, "data": [{**place, **sizes}]}


def jvm_stats() -> dict[str, Any]:
    """Return a heap that is as large as this process and has a gigabyte of room."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    percent = round(100 * used / HEAP_MAX)
    heap = {"heap_used_in_bytes": used, "heap_used_percent": percent}
    limits = {"heap_committed_in_bytes": HEAP_MAX, "heap_max_in_bytes": HEAP_MAX}
    collectors = {"young": {"collection_count": 1, "collection_time_in_millis": 1}}
    return {
        "uptime_in_millis": round((time.time() - STARTED) * 1000),
        "mem": {**heap, **limits},
        "gc": {"collectors": collectors},
        "threads": {"count": 10, "peak_count": 12},
    }


def cat_indices(node: Node, who: Principal, request: Request) -> Response:
    """List indices, as JSON with `format=json`, else as lines."""
    rows = []
    for name in node.store.names(request.params.get("index", "*")):
        if not who.may_index("monitor", name):
            continue
        meta, index = node.store.state["indices"][name], node.store.indices[name]
        size = f"{index.size()}b"
        rows.append(
            {
                "health": "yellow" if meta["replicas"] else "green",
                "status": "open",
                "index": node.store.backing(name),
                "uuid": meta["uuid"],
                "pri": "1",
                "rep": str(meta["replicas"]),
                "docs.count": str(len(index.documents)),
                "docs.deleted": "0",
                "store.size": size,
                "pri.store.size": size,
                "dataset.size": size,
            }
        )
    if request.arg("format") == "json":
        return Response(200, rows)
    return Response(200, "".join(" ".join(row.values()) + "\n" for row in rows))

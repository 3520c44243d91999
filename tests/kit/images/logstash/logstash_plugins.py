"""Which plugins and options Logstash knows, as far as configurations of the kit reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logstash_config import Plugin, plugins
from logstash_tokens import ConfigurationError
from standin import words

INPUTS = words(
    "azure_event_hubs beats couchdb_changes dead_letter_queue elastic_agent elasticsearch exec file"
    " ganglia gelf generator graphite heartbeat http http_poller imap jdbc jms kafka log4j pipe"
    " pipeline rabbitmq redis s3 snmp sqs stdin syslog tcp twitter udp unix"
)
FILTERS = words(
    "aggregate anonymize cidr clone csv date de_dot dissect dns drop elastic_integration"
    " elasticsearch fingerprint geoip grok http jdbc_static jdbc_streaming json kv memcached"
    " metrics mutate prune ruby sleep split syslog_pri throttle translate truncate urldecode"
    " useragent uuid xml"
)
OUTPUTS = words(
    "cloudwatch csv elastic_app_search elasticsearch email file graphite http kafka lumberjack"
    " nagios null pipe pipeline rabbitmq redis s3 sns sqs stdout tcp udp webhdfs"
)
KNOWN = {"input": INPUTS, "filter": FILTERS, "output": OUTPUTS}
COMMON = {
    "input": "add_field codec enable_metric id tags type",
    "filter": "add_field add_tag enable_metric id periodic_flush remove_field remove_tag",
    "output": "codec enable_metric id workers",
}
SSL = (
    " ssl_enabled ssl_certificate ssl_certificate_authorities ssl_certificate_verification"
    " ssl_cipher_suites ssl_client_authentication ssl_extra_chain_certs ssl_key ssl_key_passphrase"
    " ssl_keystore_password ssl_keystore_path ssl_keystore_type ssl_supported_protocols"
    " ssl_truststore_password ssl_truststore_path ssl_truststore_type ssl_verification_mode"
)
STREAM = (
    "data_stream data_stream_auto_routing data_stream_dataset data_stream_namespace"
    " data_stream_sync_fields data_stream_type"
)
INDEXED = (
    "index document_id document_type template template_api template_name template_overwrite"
    " ilm_enabled ilm_pattern ilm_policy ilm_rollover_alias doc_as_upsert parent script script_lang"
    " script_type script_var_name scripted_upsert upsert version version_type join_field"
)
OPTIONS = {
    "tcp": "dns_reverse_lookup_enabled ecs_compatibility host mode port proxy_protocol"
    " tcp_keep_alive" + SSL,
    "udp": "buffer_size ecs_compatibility host port queue_size receive_buffer_bytes"
    " source_ip_fieldname workers",
    "beats": "add_hostname client_inactivity_timeout ecs_compatibility enrich event_loop_threads"
    " executor_threads host include_codec_tag port include_source_metadata"
    " ssl_handshake_timeout" + SSL,
    "gelf": "host port port_tcp port_udp remap strip_leading_underscore use_tcp use_udp",
    "mutate": "capitalize coerce convert copy gsub join lowercase merge rename replace split strip"
    " tag_on_failure update uppercase",
    "elasticsearch": f"{STREAM} {INDEXED} action api_key bulk_path cacert ca_trusted_fingerprint"
    " cloud_auth cloud_id compression_level custom_headers dlq_custom_codes"
    " dlq_on_failed_indexname_interpolation drop_error_types_in_dlq ecs_compatibility"
    " failure_type_logging_whitelist healthcheck_path hosts http_compression manage_template"
    " parameters password path pipeline pool_max pool_max_per_route proxy resurrect_delay"
    " retry_initial_interval retry_max_interval retry_on_conflict routing silence_errors_in_log"
    " sniffing sniffing_delay sniffing_path timeout user validate_after_inactivity" + SSL,
}


def check(sections: dict[str, list[Any]]) -> None:
    """Raise ConfigurationError for unknown plugins and options, or ones that exclude each other."""
    identifiers = set()
    for plugin in (p for entries in sections.values() for p in plugins(entries)):
        if plugin.name not in KNOWN[plugin.section]:
            raise ConfigurationError(
                f"Couldn't find any {plugin.section} plugin named '{plugin.name}'. Are you sure"
                f" this is correct? Trying to load the {plugin.name} {plugin.section} plugin"
                " resulted in this load error: no such file to load"
            )
        _check_options(plugin)
        if plugin.identifier in identifiers:
            raise ConfigurationError(
                f"Two plugins have the id '{plugin.identifier}', please fix this conflict"
            )
        identifiers.add(plugin.identifier)


def _check_options(plugin: Plugin) -> None:
    wrong = f"Something is wrong with your configuration. [{plugin.name}]"
    options = None if plugin.section == "filter" and plugin.name == "elasticsearch" else (
        OPTIONS.get(plugin.name)
    )  # fmt: skip
    if options and (plugin.section != "input" or plugin.name != "elasticsearch"):
        known = {*options.split(), *COMMON[plugin.section].split()}
        if unknown := sorted(set(plugin.options) - known):
            raise ConfigurationError(f"{wrong} Unknown setting '{unknown[0]}' for {plugin.name}")
    if plugin.section == "input" and plugin.name in {"tcp", "udp", "beats"}:
        port = plugin.options.get("port")
        if not str(port).isdigit():
            raise ConfigurationError(f"{wrong} Missing or invalid setting 'port': {port!r}")
    if plugin.section == "output" and plugin.name == "elasticsearch":
        _check_elasticsearch(plugin.options)


def _check_elasticsearch(options: dict[str, Any]) -> None:
    if bool(options.get("user")) != bool(options.get("password")):
        raise ConfigurationError("Both user and password are needed")
    _check_encryption(options)
    if str(options.get("data_stream", "auto")) != "true":
        return
    bad = [name for name in options if name in INDEXED.split()]
    if options.get("action", "create") != "create":
        bad.append("action")
    if str(options.get("manage_template", "false")) != "false":
        bad.append("manage_template")
    if bad:
        raise ConfigurationError(
            f"Invalid data stream configuration, following parameters are not supported: {bad}"
        )
    if str(options.get("ecs_compatibility", "")) == "disabled":
        raise ConfigurationError(
            "Invalid data stream configuration: `ecs_compatibility` must not be `disabled`."
        )


def _check_encryption(options: dict[str, Any]) -> None:
    files = options.get("ssl_certificate_authorities", [])
    for file in [files] if isinstance(files, str) else files:
        if not Path(file).is_file():
            raise ConfigurationError(f"File does not exist or cannot be opened {file}")
    urls = options.get("hosts", [])
    schemes = {str(url).partition("://")[0] for url in ([urls] if isinstance(urls, str) else urls)}
    if "ssl_enabled" in options:
        encrypted = str(options["ssl_enabled"]) == "true"
        if ("http" if encrypted else "https") in schemes:
            raise ConfigurationError(
                f"ssl_enabled is {str(encrypted).lower()}, but the hosts' URLs say otherwise"
            )


def is_data_stream(options: dict[str, Any]) -> bool:
    """Tell whether an elasticsearch output writes to data streams (`auto` decides by options)."""
    setting = str(options.get("data_stream", "auto"))
    if setting != "auto":
        return setting == "true"
    foreign = [name for name in options if name in INDEXED.split()]
    return not foreign and options.get("action", "create") == "create"

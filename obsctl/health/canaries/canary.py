"""All that `check --deep` sends on its way."""

from typing import Final

from obsctl.health.asking.run import Check
from obsctl.health.canaries.alert_canary import ALERT_CHECKS
from obsctl.health.canaries.error_canary import ERROR_CHECKS
from obsctl.health.canaries.log_canary import LOG_CHECKS
from obsctl.health.canaries.metric_canary import METRIC_CHECKS
from obsctl.health.canaries.sink_canary import SINK_CHECKS


def deep_checks(*, receiver_sink: bool = False) -> tuple[Check, ...]:
    """The canaries; with `receiver_sink` no receiver is told, but this machine in their place."""
    return (*_SIGNALS, *(SINK_CHECKS if receiver_sink else ALERT_CHECKS))


_SIGNALS: Final = (*LOG_CHECKS, *METRIC_CHECKS, *ERROR_CHECKS)

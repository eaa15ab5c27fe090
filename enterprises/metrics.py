"""A family of measurements as Prometheus reads it."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily

Sample = tuple[Sequence[str], float]

OF_SERVER = ("enterprise", "hostname")


def gauge(name: str, meaning: str, labels: Sequence[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    """One value for each combination of labels; whoever has none is left out, which is not the same as zero."""
    family = GaugeMetricFamily(f"licensesync_{name}", meaning, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family

"""How many people there are by where their license comes from and by its type: the parts of the total."""

from dataclasses import dataclass

from django.db.models import Count, Q

from cloud.models import Ledger
from cloud.people.filters import Deployment
from cloud.people.finding import DEPLOYMENTS


@dataclass(frozen=True, kw_only=True)
class Part:
    """The people of one deployment: those in the total, and those whose license comes with a subscription."""

    deployment: Deployment
    enterprise: int
    visual_studio: int

    @property
    def listed(self) -> int:
        """How long the list of them is."""
        return self.enterprise + self.visual_studio


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Everybody is in one of the parts; ``ambiguous`` are people across them."""

    parts: tuple[Part, ...]
    ambiguous: int


def breakdown(ledger: Ledger) -> Breakdown:
    """Count the people of an account by deployment and license type, in one query."""
    types = {"enterprise": Q(is_counted=True), "visual_studio": Q(is_counted=False)}
    counts = ledger.licenses.order_by().aggregate(
        ambiguous=Count("pk", filter=Q(is_ambiguous=True)),
        **{
            f"{deployment}:{type_}": Count("pk", filter=of_deployment & of_type)
            for deployment, of_deployment in DEPLOYMENTS.items()
            for type_, of_type in types.items()
        },
    )
    parts = (
        Part(deployment=deployment, **{type_: counts[f"{deployment}:{type_}"] for type_ in types})
        for deployment in DEPLOYMENTS
    )
    return Breakdown(parts=tuple(parts), ambiguous=counts["ambiguous"])

"""Reading metadata definitions."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.images import exceptions, states
from apps.images.models import Association, Definition, Namespace

# The kinds of resources of this cloud that have properties; others are known once a namespace names them.
RESOURCE_TYPES = ("OS::Glance::Image", "OS::Nova::Aggregate", "OS::Nova::Flavor", "OS::Nova::Server")


def visible(*, context: RequestContext) -> QuerySet[Namespace]:
    """Return the namespaces that the caller may see: public ones and its project's, all for administrators."""
    rows = Namespace.objects.all()
    if context.is_admin:
        return rows
    return rows.filter(Q(visibility=states.PUBLIC) | Q(project_id=context.project_id or "-"))


def get(*, context: RequestContext, name: str) -> Namespace:
    """Return a namespace that the caller may see. Raises NamespaceNotFound (404)."""
    namespace = visible(context=context).filter(namespace=name).first()
    if namespace is None:
        raise exceptions.NamespaceNotFound(name=name[:80])
    return namespace


def definitions(*, namespace: Namespace, kind: str) -> list[Definition]:
    """Return a namespace's definitions of a kind, oldest first."""
    return list(namespace.definitions.filter(kind=kind).order_by("created_at", "id"))


def definition(*, namespace: Namespace, kind: str, name: str) -> Definition:
    """Return one definition. Raises DefinitionNotFound (404)."""
    definition = namespace.definitions.filter(kind=kind, name=name).first()
    if definition is None:
        raise exceptions.DefinitionNotFound(kind=kind, name=name[:80], namespace=namespace.namespace)
    return definition


def associations(*, namespace: Namespace) -> list[Association]:
    """Return the resource types that a namespace is about."""
    return list(namespace.associations.order_by("created_at", "id"))


def about(rows: QuerySet[Namespace], resource_types: Sequence[str]) -> QuerySet[Namespace]:
    """Narrow namespaces to those about one of the resource types."""
    return rows.filter(id__in=Association.objects.filter(name__in=list(resource_types)).values("namespace_id"))


def resource_types() -> list[str]:
    """Return every resource type that is known. 1 query."""
    return sorted({*RESOURCE_TYPES, *Association.objects.values_list("name", flat=True).distinct()[:1000]})

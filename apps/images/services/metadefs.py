"""Writing metadata definitions. Callers have checked policy."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.images import exceptions
from apps.images.models import Association, Definition, Namespace
from apps.images.selectors import metadefs as selectors

MAX_NAMESPACES = 1000
MAX_DEFINITIONS = 1000  # of a namespace, of each kind
KINDS = {"object": "objects", "property": "properties", "tag": "tags"}


def create(
    *,
    context: RequestContext,
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
    associations: Sequence[Mapping[str, Any]],
) -> Namespace:
    """Create a namespace with its content; ``parts`` are documents by kind. All or nothing.

    Raises NamespaceExists, DefinitionExists (409), LimitExceeded (413).
    """
    if Namespace.objects.count() >= MAX_NAMESPACES:
        raise exceptions.LimitExceeded(f"There are {MAX_NAMESPACES} namespaces, and may be no more.")
    columns = {"project_id": context.project_id or "", **values}
    with transaction.atomic():
        try:
            with transaction.atomic():
                namespace = Namespace.objects.create(**columns)
        except IntegrityError:
            raise exceptions.NamespaceExists(name=values["namespace"]) from None
        for kind, documents in parts.items():
            for document in documents:
                _define(namespace, kind, document)
        for association in associations:
            _associate(namespace, association)
    return namespace


def update(*, namespace: Namespace, values: Mapping[str, Any]) -> Namespace:
    """Change a namespace's own values. Raises NamespaceExists (409)."""
    for key, value in values.items():
        setattr(namespace, key, value)
    try:
        with transaction.atomic():
            namespace.save()
    except IntegrityError:
        raise exceptions.NamespaceExists(name=values["namespace"]) from None
    return namespace


def delete(*, namespace: Namespace) -> None:
    """Delete a namespace with all that is in it. Raises ProtectedNamespace (403)."""
    if namespace.protected:
        raise exceptions.ProtectedNamespace(name=namespace.namespace)
    namespace.delete()


def define(*, namespace: Namespace, kind: str, document: Mapping[str, Any]) -> Definition:
    """Add a definition to a namespace. Raises DefinitionExists (409), LimitExceeded (413)."""
    with transaction.atomic():
        return _define(namespace, kind, document)


def _define(namespace: Namespace, kind: str, document: Mapping[str, Any]) -> Definition:
    if namespace.definitions.filter(kind=kind).count() >= MAX_DEFINITIONS:
        raise exceptions.LimitExceeded(f"A namespace has at most {MAX_DEFINITIONS} {KINDS[kind]}.")
    rest = {key: value for key, value in document.items() if key != "name"}
    try:
        with transaction.atomic():
            return Definition.objects.create(namespace=namespace, kind=kind, name=document["name"], document=rest)
    except IntegrityError:
        raise exceptions.DefinitionExists(kind=kind, name=document["name"], namespace=namespace.namespace) from None


def redefine(*, namespace: Namespace, kind: str, old: str, document: Mapping[str, Any]) -> Definition:
    """Replace a definition, perhaps under another name. Raises DefinitionNotFound (404), DefinitionExists (409)."""
    definition = selectors.definition(namespace=namespace, kind=kind, name=old)
    definition.name = document["name"]
    definition.document = {key: value for key, value in document.items() if key != "name"}
    try:
        with transaction.atomic():
            definition.save()
    except IntegrityError:
        raise exceptions.DefinitionExists(kind=kind, name=document["name"], namespace=namespace.namespace) from None
    return definition


def replace_tags(*, namespace: Namespace, tags: Sequence[str], append: bool) -> list[str]:
    """Give a namespace these tags, beside those it has or in their place. Returns the tags of the request."""
    with transaction.atomic():
        if not append:
            namespace.definitions.filter(kind="tag").delete()
        for tag in dict.fromkeys(tags):
            _define(namespace, "tag", {"name": tag})
    return list(dict.fromkeys(tags))


def undefine(*, namespace: Namespace, kind: str, old: str | None = None) -> None:
    """Remove one definition of a kind, or all of them. Raises DefinitionNotFound (404)."""
    if old is None:
        namespace.definitions.filter(kind=kind).delete()
    else:
        selectors.definition(namespace=namespace, kind=kind, name=old).delete()


def associate(*, namespace: Namespace, values: Mapping[str, Any]) -> Association:
    """Say that a namespace is about a kind of resource. Raises DefinitionExists (409)."""
    return _associate(namespace, values)


def _associate(namespace: Namespace, values: Mapping[str, Any]) -> Association:
    if namespace.associations.count() >= MAX_DEFINITIONS:
        raise exceptions.LimitExceeded(f"A namespace has at most {MAX_DEFINITIONS} resource types.")
    try:
        with transaction.atomic():
            return Association.objects.create(namespace=namespace, created_at=timezone.now(), **values)
    except IntegrityError:
        raise exceptions.DefinitionExists(
            kind="resource type", name=values["name"], namespace=namespace.namespace
        ) from None


def dissociate(*, namespace: Namespace, resource_type: str) -> None:
    """End an association. Raises DefinitionNotFound (404)."""
    if not namespace.associations.filter(name=resource_type).delete()[0]:
        raise exceptions.DefinitionNotFound(
            kind="resource type", name=resource_type[:80], namespace=namespace.namespace
        )

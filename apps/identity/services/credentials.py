"""Writing credentials. They are encrypted with other keys than tokens."""

import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import Unavailable
from apps.identity import domain_options, keys, locks
from apps.identity.exceptions import Forbidden, Invalid
from apps.identity.models import Credential, DomainOption
from apps.identity.selectors import credentials as selectors
from apps.identity.selectors import projects, users
from apps.identity.services import delegation_rules, row_writes
from apps.identity.states import new_id


def seal(blob: str) -> str:
    return keys.seal(blob.encode(), settings.CREDENTIAL_KEY_DIR)


def blob_of(credential: Credential) -> str:
    """Return a credential's blob in clear text."""
    return keys.unseal(credential.blob, settings.CREDENTIAL_KEY_DIR).decode()


def ec2_parts(credential: Credential) -> tuple[str, str]:
    """Return an EC2 credential's access key and secret."""
    document = orjson.loads(blob_of(credential))
    return str(document["access"]), str(document["secret"])


def _access_of(blob: str) -> str:
    """Return the access key in an EC2 blob. Raises Invalid."""
    try:
        document = orjson.loads(blob)
        access, secret = document["access"], document["secret"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Invalid(field="blob", reason="of type ec2 it must be JSON with access and secret") from None
    if not (isinstance(access, str) and isinstance(secret, str) and access and secret):
        raise Invalid(field="blob", reason="access and secret must be strings")
    return access


@transaction.atomic
def create(*, context: RequestContext, values: Mapping[str, Any]) -> Credential:
    """Store a credential. Raises Forbidden for delegated tokens, Duplicate (409) for an access key that is taken."""
    delegation_rules.refuse_delegated(context)
    user = users.get(values.get("user_id") or str(context.user_id))
    if context.is_delegated and user.pk != context.user_id:
        raise Forbidden("An application credential makes credentials for its own user only.")
    project_id, kind, blob = values.get("project_id"), values["type"], values["blob"]
    delegation_rules.refuse_elsewhere(context, project_id)
    delegation_rules.refuse_sign_in_everywhere(context, kind)
    delegation_rules.refuse_beyond_limit(
        owner_id=user.pk, rows=Credential.objects.filter(user_id=user.pk), noun="credential"
    )
    pk, access_hash = new_id(), None
    if kind == selectors.EC2:
        pk = access_hash = selectors.hash_of_access(_access_of(blob))
        if not project_id:
            raise Invalid(field="project_id", reason="an ec2 credential belongs to a project")
    credential = Credential(
        id=pk,
        user=user,
        project=projects.get(project_id) if project_id else None,
        type=kind,
        blob=seal(blob),
        access_hash=access_hash,
        application_credential_id=context.application_credential_id,
    )
    with row_writes.unique("credential", f"ID {pk}"):
        credential.save(force_insert=True)
    audit.record("create", "credential", pk, details={"type": kind, "user": user.pk})
    return credential


@transaction.atomic
def update(*, context: RequestContext, credential_id: str, changes: Mapping[str, Any]) -> Credential:
    """Change type and blob. Whose it is and for which project never changes (OSSA 2020-004).

    A new access key in the blob takes the old one's place; the id stays. Raises Duplicate (409) when it is taken.
    """
    delegation_rules.refuse_delegated(context)
    credential = locks.row(Credential.objects.all(), credential_id)
    if credential is None:
        return selectors.get(credential_id)
    delegation_rules.refuse_out_of_reach(context, credential)
    delegation_rules.refuse_sign_in_everywhere(context, changes.get("type", credential.type))
    for name in ("user_id", "project_id"):
        if name in changes and changes[name] != getattr(credential, name):
            raise Invalid(field=name, reason="it cannot be changed")
    if selectors.EC2 in (credential.type, changes.get("type")):
        if changes.get("type", selectors.EC2) != credential.type:
            raise Invalid(field="type", reason="it cannot become or stop being ec2")
        if "blob" in changes:
            credential.access_hash = selectors.hash_of_access(_access_of(changes["blob"]))
    credential.type = changes.get("type", credential.type)
    if "blob" in changes:
        credential.blob = seal(changes["blob"])
    with row_writes.unique("credential", "this access key"):
        credential.save()
    audit.record("update", "credential", credential.pk)
    return credential


@transaction.atomic
def delete(*, context: RequestContext, credential_id: str) -> None:
    delegation_rules.refuse_delegated(context)
    credential = selectors.get(credential_id)
    delegation_rules.refuse_out_of_reach(context, credential)
    credential.delete()
    audit.record("delete", "credential", credential_id)


def create_ec2(*, context: RequestContext, user_id: str, project_id: str) -> Credential:
    """Make an EC2 key of a user for a project. It opens what the user may do there when it is used, or nothing."""
    delegation_rules.refuse_delegated(context)
    users.get(user_id), projects.get(project_id)
    pair = {"access": new_id(), "secret": secrets.token_hex(16)}
    blob = orjson.dumps(pair).decode()
    values = {"user_id": user_id, "project_id": project_id, "type": selectors.EC2, "blob": blob}
    return create(context=context, values=values)


def rotate_keys() -> int:
    """Create a new key for stored credentials and encrypt every row with it. Returns the number of rows.

    Old keys are dropped once the rows are committed: cut short, and repeated, it loses nothing. Raises Unavailable for
    a row that the present keys do not open; then nothing changes.
    """
    directory = settings.CREDENTIAL_KEY_DIR
    with transaction.atomic():
        rows = locks.credentials()
        options = locks.domain_options([option for _, option in domain_options.SECRET])
        sealed = {str(row.pk): row.blob for row in rows}
        sealed.update({f"option {row.pk}": str(row.value) for row in options})
        opened = _opened(sealed)
        keys.rotate(directory, keep=True)
        for row in rows:
            row.blob = seal(opened[str(row.pk)])
        for option in options:
            option.value = seal(opened[f"option {option.pk}"])
        Credential.objects.bulk_update(rows, ["blob"], batch_size=500)
        DomainOption.objects.bulk_update(options, ["value"], batch_size=500)
    keys.drop_old(directory)
    return len(rows) + len(options)


def _opened(sealed: Mapping[str, str]) -> dict[str, str]:
    opened, lost = {}, []
    for name, text in sealed.items():
        try:
            opened[name] = keys.unseal(text, settings.CREDENTIAL_KEY_DIR).decode()
        except (keys.InvalidToken, ValueError):
            lost.append(name)
    if lost:
        raise Unavailable(f"{len(lost)} credentials cannot be opened, the first is {lost[0]}: no key was made.")
    return opened

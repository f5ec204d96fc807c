"""``/v3/credentials``, ``/v3/users/{id}/credentials/OS-EC2`` and ``/v3/ec2tokens``."""

from typing import Any

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import credentials as documents
from apps.identity.api.documents import tokens as token_documents
from apps.identity.api.documents.base import linked
from apps.identity.api.serializers import credentials as serializers
from apps.identity.api.views.base import IdentityView, Item, Response, target_of_user
from apps.identity.exceptions import NotFound
from apps.identity.models import Credential
from apps.identity.selectors import catalog, users
from apps.identity.selectors import credentials as selectors
from apps.identity.services import credentials, delegation_rules, ec2_tokens


def target_of_credential(credential: Credential | None) -> dict[str, Any]:
    if credential is None:
        return {}
    return {
        "target.credential.id": credential.pk,
        "target.credential.type": credential.type,
        "target.credential.user_id": credential.user_id,
        "target.credential.project_id": credential.project_id,
    }


class CredentialsView(IdentityView):
    request_serializers = {"post": serializers.CredentialSerializer}

    def get(self, request: Any) -> Response:
        params = request.query_params.dict()
        all_owners = self.allows("list_credentials:any_user")
        self.authorize("list_credentials", {"target.credential.user_id": self.caller.user_id})
        rows = selectors.listed(params, owner_id=None if all_owners else str(self.caller.user_id))
        rows = delegation_rules.within_reach(self.caller, rows)
        return Response(
            self.listed("credentials", rows, lambda row: linked(request, "credentials", documents.render(row)))
        )

    def post(self, request: Any) -> Response:
        values = self.parse(request, "credential")
        owner = values.get("user_id") or self.caller.user_id
        self.authorize("create_credential", {"target.credential.user_id": owner})
        credential = credentials.create(context=self.caller, values=values)
        return Response({"credential": linked(request, "credentials", documents.render(credential))}, status=201)


class CredentialView(Item):
    noun, plural = "credential", "credentials"
    request_serializers = {"patch": serializers.CredentialUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return target_of_credential(selectors.find(key))

    def load(self, key: str) -> Credential:
        credential = selectors.get(key)
        delegation_rules.refuse_out_of_reach(self.caller, credential)
        return credential

    def render(self, row: Credential) -> dict[str, Any]:
        return documents.render(row)

    def change(self, key: str, changes: dict[str, Any]) -> Credential:
        return credentials.update(context=self.caller, credential_id=key, changes=changes)

    def remove(self, key: str) -> None:
        credentials.delete(context=self.caller, credential_id=key)


class EC2CredentialsView(IdentityView):
    request_serializers = {"post": serializers.EC2Serializer}
    created = 201  # v2.0 answers 200

    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("ec2_list_credentials", target_of_user(users.find(user_id)))
        delegation_rules.refuse_reading_keys(self.caller)
        rows = delegation_rules.within_reach(self.caller, selectors.ec2_of(users.get(user_id).pk))
        return Response(self.listed("credentials", rows, lambda row: documents.render_ec2(request, row)))

    def post(self, request: Any, user_id: str) -> Response:
        self.authorize("ec2_create_credential", target_of_user(users.find(user_id)))
        project_id = self.parse(request)["tenant_id"]
        made = credentials.create_ec2(context=self.caller, user_id=user_id, project_id=project_id)
        return Response({"credential": documents.render_ec2(request, made)}, status=self.created)


class EC2CredentialView(IdentityView):
    def _row(self, rule: str, user_id: str, access: str) -> Credential:
        row = selectors.ec2(access)
        own = row if row is not None and row.user_id == user_id else None
        self.authorize(rule, {**target_of_credential(own), **target_of_user(users.find(user_id))})
        if own is None:
            raise NotFound(noun="credential", id=access[:64])
        return own

    def get(self, request: Any, user_id: str, access: str) -> Response:
        row = self._row("ec2_get_credential", user_id, access)
        delegation_rules.refuse_out_of_reach(self.caller, row)
        return Response({"credential": documents.render_ec2(request, row)})

    def delete(self, request: Any, user_id: str, access: str) -> Response:
        row = self._row("ec2_delete_credential", user_id, access)
        credentials.delete(context=self.caller, credential_id=row.pk)
        return Response(status=204)


class EC2TokensView(IdentityView):
    """A service hands in a request that was signed, and gets a token of who signed it."""

    request_serializers = {"post": serializers.SignedRequestSerializer}

    def post(self, request: Any) -> Response:
        self.authorize("ec2_validate_token")
        data = request.data if isinstance(request.data, dict) else {}
        key = next((name for name in ("credentials", "ec2Credentials") if name in data), None)
        if key is None:
            raise BadRequest("Invalid input: the request body must have the key 'credentials'.")
        values = self.parse(request, key)
        headers = {name.lower(): value for name, value in values.get("headers", {}).items()}
        text, token = ec2_tokens.issue(
            ec2_tokens.SignedRequest(
                access=values["access"],
                signature=values["signature"],
                verb=values.get("verb", ""),
                path=values.get("path", ""),
                params=values.get("params", {}),
                headers=headers,
                body_hash=values["body_hash"],
            )
        )
        services = catalog.catalog(user_id=token.payload.user_id, project_id=token.payload.scope_id)
        return Response(
            token_documents.render(token, services), headers={"X-Subject-Token": text, "Vary": "X-Auth-Token"}
        )

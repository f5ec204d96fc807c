"""QoS specs, and the types that they are associated with."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.volumes.api.documents import qos_specs as documents
from apps.volumes.api.listing import QOS_SPECS
from apps.volumes.api.serializers import qos_specs as serializers
from apps.volumes.api.views.base import Collection, Item, VolumeView, WholeCollection
from apps.volumes.models import QosSpec, VolumeType
from apps.volumes.selectors import qos_specs as selectors
from apps.volumes.selectors import volume_types
from apps.volumes.services import qos_specs

RULE = "volume_extension:qos_specs_manage:{}"
EXAMPLE = {"qos_specs": {"name": "slow", "consumer": "front-end", "total_iops_sec": "100"}}


class _QosView(VolumeView):
    def render(self, row: QosSpec) -> dict[str, Any]:
        return documents.render(row)

    def whole(self, row: QosSpec) -> dict[str, Any]:
        return {"qos_specs": self.render(row), "links": self.links.of("qos-specs", row.id)}


class QosSpecsView(_QosView, Collection):
    """All QoS specs."""

    plural, listing, rule = "qos_specs", QOS_SPECS, RULE.format("get_all")
    request_serializers = {"post": serializers.QosSpecCreate}
    examples = {"POST": EXAMPLE}

    def rows(self) -> QuerySet[QosSpec]:
        return selectors.everything()

    def post(self, request: Request, **ids: str) -> Response:
        self.check(RULE.format("create"))
        return Response(self.whole(qos_specs.create(**self.parse(request, "qos_specs"))))


class QosSpecView(_QosView, Item):
    """One QoS spec; PUT adds to it."""

    noun = "qos_specs"
    before_row = ("show", "update", "delete")
    rules = {name: RULE.format(verb) for name, verb in (("show", "get"), ("update", "update"), ("delete", "delete"))}
    request_serializers = {"put": serializers.QosSpecUpdate}
    examples = {"PUT": {"qos_specs": {"total_iops_sec": "200"}}}

    def load(self, qos_id: str) -> QosSpec:
        return selectors.get(qos_id=qos_id)

    def document(self, row: QosSpec) -> dict[str, Any]:
        return self.whole(row)

    def put(self, request: Request, qos_id: str) -> Response:
        row = self.permitted("update")
        qos_specs.update(qos_spec=row, **self.parse(request, "qos_specs"))
        sent: Any = request.data
        return Response({"qos_specs": sent["qos_specs"]})

    def remove(self, row: QosSpec) -> None:
        qos_specs.delete(qos_spec=row, force=self.flag("force"))


class QosSpecKeysView(_QosView):
    """Take keys out of a QoS spec."""

    request_serializers = {"put": serializers.QosSpecKeys}
    examples = {"PUT": {"keys": ["total_iops_sec"]}}

    def put(self, request: Request, qos_id: str) -> Response:
        self.check(RULE.format("delete"))
        qos_specs.delete_keys(qos_spec=selectors.get(qos_id=qos_id), keys=self.parse(request)["keys"])
        return Response(status=202)


class QosAssociationsView(_QosView, WholeCollection):
    """The types that a QoS spec is associated with."""

    plural, rule = "qos_associations", RULE.format("get")

    def rows(self) -> list[VolumeType]:
        return selectors.types_of(qos_spec=selectors.get(qos_id=self.kwargs["qos_id"]))

    def render(self, row: Any) -> dict[str, Any]:
        return {"association_type": "volume_type", "name": row.name, "id": str(row.id)}


class QosAssociateView(_QosView):
    """Associate a QoS spec with a type, or end that: calls that change something, by GET, as in Cinder."""

    verb = "associate"

    def get(self, request: Request, qos_id: str) -> Response:
        self.check(RULE.format("update"))
        row = selectors.get(qos_id=qos_id)
        if self.verb == "disassociate_all":
            qos_specs.disassociate(qos_spec=row)
            return Response(status=202)
        key = request.query_params.get("vol_type_id")
        if not key:
            raise BadRequest("Volume Type id must not be None.")
        change = qos_specs.associate if self.verb == "associate" else qos_specs.disassociate
        change(qos_spec=row, volume_type=volume_types.by_id(context=self.caller, key=key))
        return Response(status=202)

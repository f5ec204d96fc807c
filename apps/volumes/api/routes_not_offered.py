"""Routes of Cinder that are not offered here, each with the feature's name; README lists the same features."""

from django.urls import URLPattern, path

from apps.volumes.api.views.not_offered import NotOfferedView

GROUPS = "consistency groups of volumes"
CLUSTERS = "clusters of volume services"

# place below the version -> feature
NOT_OFFERED: dict[str, str] = {
    "cgsnapshots": GROUPS,
    "clusters": CLUSTERS,
    "consistencygroups": GROUPS,
    "workers": CLUSTERS,
}
NOT_OFFERED_ROUTES: list[URLPattern] = [
    path(f"{place}{rest}", NotOfferedView.as_view(what=what))
    for place, what in NOT_OFFERED.items()
    for rest in ("", "/<path:rest>")
]

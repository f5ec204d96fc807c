"""The subjects of pipelines. Apps read them in the catalogue (apps/workflow/catalogue.py)."""

from apps.compute.selectors import server_counts, servers
from apps.compute.states import SUBJECT
from apps.workflow.catalogue import Subject

SERVER = Subject(
    name=SUBJECT,
    model="compute.Server",
    existing=lambda ids: servers.existing(server_ids=list(ids)),
    names=lambda ids: server_counts.names(server_ids=ids),
    like=lambda text: server_counts.ids_like(text=text),
)

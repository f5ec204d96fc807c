"""``/v3/projects`` and their tags."""

from typing import Any

from django.db.models import QuerySet

from apps.common.exceptions import BadRequest
from apps.identity.api.documents import projects as documents
from apps.identity.api.documents.base import link, linked
from apps.identity.api.serializers import projects as serializers
from apps.identity.api.serializers.base import TagField
from apps.identity.api.views.base import CollectionOfDomain, IdentityView, ReadOnlyItem, Response, target_of_project
from apps.identity.exceptions import NotFound
from apps.identity.models import Project
from apps.identity.selectors import projects as selectors
from apps.identity.services import domains, projects


def _answer(request: Any, project: Project, status: int = 200) -> Response:
    return Response(_enveloped(request, project), status=status)


class ProjectsView(CollectionOfDomain):
    noun, plural = "project", "projects"
    request_serializers = {"post": serializers.ProjectSerializer}
    examples = {"POST": {"project": {"name": "", "domain_id": "default", "description": ""}}}

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def rows(self) -> QuerySet[Project]:
        return self.within_own_domain(selectors.listed(self.request.query_params.dict()))

    def post(self, request: Any) -> Response:
        values = self.parse(request, "project")
        if values.get("is_domain"):
            self.authorize("create_domain")
            if values.get("domain_id") or values.get("parent_id"):
                raise BadRequest("Invalid input for field/attribute is_domain: a domain has no parent and no domain.")
            return _answer(request, domains.create(values=values), 201)
        parent = selectors.find(values.get("parent_id") or values.get("domain_id") or self.own_domain_id)
        domain_id = None if parent is None else (parent.pk if parent.is_domain else parent.domain_id)
        self.authorize("create_project", {"target.project.domain_id": domain_id})
        return _answer(request, projects.create(values=values, default_domain_id=self.own_domain_id), 201)


def _nested(parent_id: str | None, rows: list[Project]) -> dict[str, Any] | None:
    """Return the ids under ``parent_id`` as Keystone nests them, with null at the ends."""
    return {row.pk: _nested(row.pk, rows) for row in rows if row.parent_id == parent_id} or None


def _family(request: Any, project: Project) -> dict[str, Any]:
    """Return the values of ``parents_as_list``, ``parents_as_ids`` and their counterparts for the subtree.

    The lists hold whole documents: no domain's, and ordinary callers see there only projects on which they have a role.
    """
    query, family = request.query_params, {}
    mine = None if request.auth.is_admin else {row.pk for row in selectors.of_user(user_id=request.auth.user_id)}
    if "parents_as_list" in query or "parents_as_ids" in query:
        above = selectors.ancestors(project)
        ids: dict[str, Any] | None = None
        for parent in reversed(above):
            ids = {parent.pk: ids}
        family["parents"] = ids if "parents_as_ids" in query else _visible(request, above, mine)
    if "subtree_as_list" in query or "subtree_as_ids" in query:
        low = selectors.below(project)
        as_ids = "subtree_as_ids" in query
        family["subtree"] = _nested(project.pk, low) if as_ids else _visible(request, low, mine)
    return family


def _visible(request: Any, rows: list[Project], mine: set[str] | None) -> list[dict[str, Any]]:
    return [_enveloped(request, row) for row in rows if not row.is_domain and (mine is None or row.pk in mine)]


def _enveloped(request: Any, project: Project) -> dict[str, Any]:
    return {"project": linked(request, "projects", documents.render(project))}


class ProjectView(ReadOnlyItem):
    noun, plural = "project", "projects"
    request_serializers = {"patch": serializers.ProjectUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return target_of_project(selectors.find(key))

    def load(self, key: str) -> Project:
        return selectors.get(key)

    def render(self, row: Project) -> dict[str, Any]:
        return documents.render(row)

    def document(self, row: Project) -> dict[str, Any]:
        return {"project": {**self.linked(row), **_family(self.request, row)}}

    def patch(self, request: Any, project_id: str) -> Response:
        project = selectors.find(project_id)
        changes = self.parse(request, "project")
        if project is not None and project.is_domain:
            self.authorize("update_domain", {"target.domain.id": project_id})
            return _answer(request, domains.update(domain_id=project_id, changes=changes))
        self.authorize("update_project", target_of_project(project))
        return _answer(request, projects.update(project_id=project_id, changes=changes))

    def delete(self, request: Any, project_id: str) -> Response:
        project = selectors.find(project_id)
        if project is not None and project.is_domain:
            self.authorize("delete_domain", {"target.domain.id": project_id})
            domains.delete(domain_id=project_id)
        else:
            self.authorize("delete_project", target_of_project(project))
            projects.delete(project_id=project_id)
        return Response(status=204)


class ProjectTagsView(IdentityView):
    request_serializers = {"put": serializers.TagsSerializer}

    def _answer(self, request: Any, project: Project) -> Response:
        return Response({"tags": project.tags, "links": {"self": link(request, "projects", project.pk, "tags")}})

    def get(self, request: Any, project_id: str) -> Response:
        self.authorize("list_project_tags", target_of_project(selectors.find(project_id)))
        return self._answer(request, selectors.get(project_id))

    def put(self, request: Any, project_id: str) -> Response:
        self.authorize("update_project_tags", target_of_project(selectors.find(project_id)))
        tags = self.parse(request)["tags"]
        return self._answer(request, projects.set_tags(project_id=project_id, tags=tags))

    def delete(self, request: Any, project_id: str) -> Response:
        self.authorize("delete_project_tags", target_of_project(selectors.find(project_id)))
        projects.set_tags(project_id=project_id, tags=[])
        return Response(status=204)


class ProjectTagView(IdentityView):
    def get(self, request: Any, project_id: str, tag: str) -> Response:
        self.authorize("get_project_tag", target_of_project(selectors.find(project_id)))
        if tag not in selectors.get(project_id).tags:
            raise NotFound(noun="project tag", id=tag[:64])
        return Response(status=204)

    def put(self, request: Any, project_id: str, tag: str) -> Response:
        self.authorize("create_project_tag", target_of_project(selectors.find(project_id)))
        projects.add_tag(project_id=project_id, tag=TagField().run_validation(tag))
        return Response(status=201, headers={"Location": link(request, "projects", project_id, "tags", tag)})

    def delete(self, request: Any, project_id: str, tag: str) -> Response:
        self.authorize("delete_project_tag", target_of_project(selectors.find(project_id)))
        projects.remove_tag(project_id=project_id, tag=tag)
        return Response(status=204)

"""The one statement that reads everything a token's validity depends on, for each scope and kind of delegation."""

from functools import lru_cache

from apps.common.sql.planned import Statement
from apps.identity.sql.delegations import MICROSECONDS, PARTS
from apps.identity.states import Scope

_DIRECT = {
    Scope.PROJECT: """
        (NOT ra.inherited AND ra.project_id = $2)
        OR (ra.inherited AND (ra.project_id IN (SELECT id FROM above) OR ra.domain_id IN (SELECT id FROM above)))""",
    Scope.DOMAIN: "NOT ra.inherited AND ra.domain_id = $2",
    Scope.SYSTEM: "ra.system",
}

_ABOVE = """
    above(id, parent_id) AS (
        SELECT up.id, up.parent_id FROM identity_project low JOIN identity_project up ON up.id = low.parent_id
        WHERE low.id = $2
      UNION
        SELECT up.id, up.parent_id FROM above JOIN identity_project up ON up.id = above.parent_id
    ),"""

_HELD = """
WITH RECURSIVE {above}
    held(role_id) AS (
        SELECT ra.role_id FROM identity_roleassignment ra
        WHERE (ra.user_id = {holder}
               OR ra.group_id IN (SELECT group_id FROM identity_groupmembership WHERE user_id = {holder}))
          AND ({direct})
      UNION
        SELECT i.implied_id FROM held JOIN identity_impliedrole i ON i.prior_id = held.role_id
    ){given}"""

_ROLES = """ARRAY(
        SELECT ARRAY[r.id, r.name] FROM identity_role r
        WHERE r.id IN (SELECT role_id FROM {source}) AND r.domain_id IS NULL ORDER BY r.name)"""

_STATEMENT = """
{held}
SELECT u.name, u.enabled, u.password_expires_at, u.default_project_id, {epoch} AS epoch,
       ud.id, ud.name, ud.enabled, {domain_after},
       p.id, p.name, p.enabled, {project_after}, p.is_domain,
       pd.id, pd.name, pd.enabled, {project_domain_after},
       {roles},
       EXISTS (SELECT 1 FROM identity_revocation WHERE audit_id = ANY($3)),
       {now}{delegated}
FROM identity_user u
JOIN identity_project ud ON ud.id = u.domain_id
LEFT JOIN identity_project p ON p.id = $2
LEFT JOIN identity_project pd ON pd.id = p.domain_id{joins}
WHERE u.id = $1"""


@lru_cache
def _statement(scope: Scope, kind: str) -> str:
    """Return the SQL for a scope and a kind of delegation, with the needed parts only."""
    held, roles, parts = "", "ARRAY[]::text[]", PARTS[kind]
    if scope is not Scope.UNSCOPED:
        above = _ABOVE if scope is Scope.PROJECT else ""
        held = _HELD.format(above=above, direct=_DIRECT[scope], holder=parts.holder, given=parts.given)
        roles = _ROLES.format(source="given" if kind else "held")
    return _STATEMENT.format(
        held=held,
        roles=roles,
        epoch=MICROSECONDS.format("u.tokens_valid_after"),
        domain_after=MICROSECONDS.format("ud.tokens_valid_after"),
        project_after=MICROSECONDS.format("p.tokens_valid_after"),
        project_domain_after=MICROSECONDS.format("pd.tokens_valid_after"),
        now=MICROSECONDS.format("statement_timestamp()"),
        delegated=parts.columns,
        joins=parts.joins,
    )


@lru_cache
def of_scope(scope: Scope, kind: str) -> Statement:
    """Return the statement, planned once per session: planning it costs three times its run."""
    types = {"user": "text", "scope": "text", "audit_ids": "text[]", **({"by": "text"} if kind else {})}
    return Statement(f"identity_scoped_user_{scope.value}{kind and '_'}{kind}", _statement(scope, kind), types)

"""The part of a token's one statement that asks for an application credential or a trust ($4)."""

from dataclasses import dataclass

MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"

# The roles that were given, and what they imply. All must still be held by who gives them, or nothing is left.
_GIVEN = """,
    given(role_id) AS (
        SELECT role_id FROM {table} WHERE {column} = $4
      UNION
        SELECT i.implied_id FROM given JOIN identity_impliedrole i ON i.prior_id = given.role_id
    )"""
_COMPLETE = "NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = $4 AND role_id NOT IN (SELECT role_id FROM held))"
_UNEXPIRED = "(d.expires_at IS NULL OR d.expires_at > statement_timestamp())"

_CREDENTIAL = {"table": "identity_applicationcredential_roles", "column": "applicationcredential_id"}
_CREDENTIAL_COLUMNS = """,
       d.id IS NOT NULL AND {unexpired} AND {complete},
       d.name, d.unrestricted,
       ARRAY(SELECT ARRAY[ar.service, ar.method, ar.path, ar.id] FROM identity_accessrule ar
             JOIN identity_applicationcredential_access_rules l ON l.accessrule_id = ar.id
             WHERE l.applicationcredential_id = $4 ORDER BY ar.id),
       NULL::text, NULL::text, 0::bigint, 0::bigint, false, ''"""
_CREDENTIAL_JOINS = """
LEFT JOIN identity_applicationcredential d ON d.id = $4 AND d.user_id = $1 AND d.project_id = $2"""

_TRUST = {"table": "identity_trust_roles", "column": "trust_id"}
_TRUST_COLUMNS = """,
       d.id IS NOT NULL AND {unexpired} AND o.enabled AND od.enabled AND {complete},
       '', false, ARRAY[]::text[],
       d.trustor_id, d.trustee_id, coalesce({epoch}, 0), coalesce({domain_after}, 0), d.impersonation, o.name"""
# Whom a token is of follows from the trust alone: the trustor where it impersonates, else the trustee.
_TRUST_JOINS = """
LEFT JOIN identity_trust d ON d.id = $4 AND d.project_id = $2
     AND $1 = CASE WHEN d.impersonation THEN d.trustor_id ELSE d.trustee_id END
LEFT JOIN identity_user o ON o.id = CASE WHEN d.impersonation THEN d.trustee_id ELSE d.trustor_id END
LEFT JOIN identity_project od ON od.id = o.domain_id"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Pieces of SQL: the holder of the roles, the delegated roles, more columns and more joins."""

    holder: str = "$1"
    given: str = ""
    columns: str = ""
    joins: str = ""


PARTS = {
    "": Parts(),
    "application_credential": Parts(
        given=_GIVEN.format(**_CREDENTIAL),
        columns=_CREDENTIAL_COLUMNS.format(unexpired=_UNEXPIRED, complete=_COMPLETE.format(**_CREDENTIAL)),
        joins=_CREDENTIAL_JOINS,
    ),
    "trust": Parts(
        holder="(SELECT trustor_id FROM identity_trust WHERE id = $4)",
        given=_GIVEN.format(**_TRUST),
        columns=_TRUST_COLUMNS.format(
            unexpired=_UNEXPIRED,
            complete=_COMPLETE.format(**_TRUST),
            epoch=MICROSECONDS.format("o.tokens_valid_after"),
            domain_after=MICROSECONDS.format("od.tokens_valid_after"),
        ),
        joins=_TRUST_JOINS,
    ),
}

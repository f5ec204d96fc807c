"""The projects on which a user has a role, with those below them."""

# Projects of a user: assigned directly, through a group, or inherited from a parent.
OF_USER = """
WITH RECURSIVE mine AS (
    SELECT project_id, domain_id, inherited FROM identity_roleassignment
    WHERE NOT system AND (user_id = %s
       OR group_id IN (SELECT group_id FROM identity_groupmembership WHERE user_id = %s))
), below(id) AS (
    SELECT p.id FROM identity_project p
    WHERE p.parent_id IN (SELECT coalesce(project_id, domain_id) FROM mine WHERE inherited)
  UNION
    SELECT p.id FROM below JOIN identity_project p ON p.parent_id = below.id
)
SELECT id FROM below UNION SELECT project_id FROM mine WHERE NOT inherited AND project_id IS NOT NULL"""

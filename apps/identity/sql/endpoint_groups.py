"""Which endpoints a project's catalog has."""

# Both ways of being given endpoints in one statement: an id, or a group's filters.
GIVEN = """
SELECT endpoint_id, NULL FROM identity_projectendpoint WHERE project_id = %s
UNION ALL
SELECT NULL, g.filters::text FROM identity_endpointgroup g
JOIN identity_endpointgroup_projects p ON p.endpointgroup_id = g.id WHERE p.project_id = %s"""

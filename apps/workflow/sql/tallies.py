"""Adding to a tally."""

ADD = """
INSERT INTO workflow_tally (name, label, value)
SELECT %s, label, value FROM unnest(%s::text[], %s::bigint[]) AS t(label, value) ORDER BY label
    ON CONFLICT (name, label) DO UPDATE SET value = workflow_tally.value + excluded.value
"""

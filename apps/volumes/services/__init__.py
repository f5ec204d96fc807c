"""Writing volumes, snapshots, types and attachments.

Front ends check the policy before they call a service; services trust their callers.
"""

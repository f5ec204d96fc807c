"""Reconcilers of the database and the image store: tasks, allocations, quotas, ports, images.

Every module opens with its rules as sets. The first read is one statement without locks. Each difference is read again
under the writers' locks, so that nothing in flight is repaired.
"""

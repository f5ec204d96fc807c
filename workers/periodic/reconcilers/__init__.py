"""What is compared within the database and the image store: tasks, allocations, quotas, ports, images.

Every module opens with its rules as sets. A first look is one statement without locks; each difference is looked at
again under the locks of who writes it, so that nothing in flight is repaired.
"""

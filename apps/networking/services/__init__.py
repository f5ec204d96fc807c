"""Writers of networks, subnets, ports and security groups.

They trust their callers: every front end checks policy before it calls.
"""

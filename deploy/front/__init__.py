"""The front: this cloud's own nginx, between clients and the API's threads (docs/decisions/front.md)."""

"""The front: an nginx of this cloud's own, between clients and the API's threads (docs/decisions/front.md)."""

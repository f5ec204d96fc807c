"""The network worker: the one role that writes the description from which every host programs its networks."""

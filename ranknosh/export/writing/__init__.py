"""A network as the source of a stand-alone module."""

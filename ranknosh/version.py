"""The version, once, for the package, its reports and its exports."""

__version__ = "0.2.0.dev0"

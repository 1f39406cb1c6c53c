"""The version, kept in a module that imports nothing: pyproject.toml and every layer read it."""

__version__ = "0.1.0"

"""A package, because some wheel in .venv installs a top-level `tests` that would hide this one."""

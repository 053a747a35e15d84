"""One module a version; its name is the revision."""

"""MEANING: ODK XPath, read into a typed tree, evaluated at one node or over whole columns."""

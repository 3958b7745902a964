"""Reasons and hints that entries of several chapters share."""

from __future__ import annotations

__all__ = ["ANNOTATION", "MAKES", "MATCHES", "PAYS", "PURE", "REDUCE", "REFLECT", "SILENT"]

PURE = "pure function of its arguments"
PAYS = "pays for each item it goes through"
MAKES = "makes a value whose size is checked first"
REFLECT = "name what is read; a program has no way to look into its surroundings"
REDUCE = "goes once through its argument"
ANNOTATION = "for annotations, which are not evaluated"
SILENT = "does nothing: a program has no output"
MATCHES = "pays for the most it could take; the pattern is read first, and texts are capped"

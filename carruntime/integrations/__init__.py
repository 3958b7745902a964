"""Bridges to libraries for training; each is an extra, and none is loaded before it is used."""

__all__: list[str] = []

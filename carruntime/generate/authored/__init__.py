"""Answers written for carruntime by its authors, in the style in which models answer.

They stand in for a model in the demonstration and in tests. `carruntime.generate.authored.record`
runs them through the whole way once and keeps the exchanges as the shipped recordings:
``python -m carruntime.generate.authored.record``.
"""

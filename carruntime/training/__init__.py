"""Training runs on rewards of programs, judged by the environment's own reward.

Needs the extra ``train``; nothing of it is loaded before a run starts.
"""

__all__: list[str] = []

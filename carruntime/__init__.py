"""Rewards from programs that models write, inside a training loop.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carruntime.batch import RewardBatch as RewardBatch
    from carruntime.batch import RewardFailure as RewardFailure
    from carruntime.collection import collect as collect
    from carruntime.errors import CarruntimeError as CarruntimeError
    from carruntime.errors import IsolationRefusedError as IsolationRefusedError
    from carruntime.errors import LoadError as LoadError
    from carruntime.errors import OptionError as OptionError
    from carruntime.errors import ReproductionError as ReproductionError
    from carruntime.errors import ResetNeededError as ResetNeededError
    from carruntime.errors import RewardError as RewardError
    from carruntime.errors import SessionClosedError as SessionClosedError
    from carruntime.errors import ShapeError as ShapeError
    from carruntime.errors import SpaceError as SpaceError
    from carruntime.experts import MixturePolicy as MixturePolicy
    from carruntime.experts import RandomPolicy as RandomPolicy
    from carruntime.experts import expert_for as expert_for
    from carruntime.limits import Limits as Limits
    from carruntime.loading import check as check
    from carruntime.loading import load as load
    from carruntime.program_set import ProgramSet as ProgramSet
    from carruntime.relabelling import Relabelled as Relabelled
    from carruntime.relabelling import relabel as relabel
    from carruntime.reproduction import load_repro as load_repro
    from carruntime.reward import RewardProgram as RewardProgram
    from carruntime.session import RewardSession as RewardSession
    from carruntime.trajectory import Trajectory as Trajectory
    from carruntime.trajectory import TrajectorySet as TrajectorySet
    from carruntime.verdict import Decision as Decision
    from carruntime.verdict import Verdict as Verdict
    from carruntime.verification import verify as verify
    from carruntime.wrappers import CodeRewardVectorWrapper as CodeRewardVectorWrapper
    from carruntime.wrappers import CodeRewardWrapper as CodeRewardWrapper
    from sandbox.outcome import Outcome as Outcome

_HOMES = {
    "CarruntimeError": "carruntime.errors",
    "CodeRewardVectorWrapper": "carruntime.wrappers",
    "CodeRewardWrapper": "carruntime.wrappers",
    "Decision": "carruntime.verdict",
    "IsolationRefusedError": "carruntime.errors",
    "Limits": "carruntime.limits",
    "LoadError": "carruntime.errors",
    "MixturePolicy": "carruntime.experts",
    "OptionError": "carruntime.errors",
    "Outcome": "sandbox.outcome",
    "ProgramSet": "carruntime.program_set",
    "RandomPolicy": "carruntime.experts",
    "Relabelled": "carruntime.relabelling",
    "ReproductionError": "carruntime.errors",
    "ResetNeededError": "carruntime.errors",
    "RewardBatch": "carruntime.batch",
    "RewardError": "carruntime.errors",
    "RewardFailure": "carruntime.batch",
    "RewardProgram": "carruntime.reward",
    "RewardSession": "carruntime.session",
    "SessionClosedError": "carruntime.errors",
    "ShapeError": "carruntime.errors",
    "SpaceError": "carruntime.errors",
    "Trajectory": "carruntime.trajectory",
    "TrajectorySet": "carruntime.trajectory",
    "Verdict": "carruntime.verdict",
    "check": "carruntime.loading",
    "collect": "carruntime.collection",
    "expert_for": "carruntime.experts",
    "load": "carruntime.loading",
    "load_repro": "carruntime.reproduction",
    "relabel": "carruntime.relabelling",
    "verify": "carruntime.verification",
}

__all__ = [
    "CarruntimeError",
    "CodeRewardVectorWrapper",
    "CodeRewardWrapper",
    "Decision",
    "IsolationRefusedError",
    "Limits",
    "LoadError",
    "MixturePolicy",
    "OptionError",
    "Outcome",
    "ProgramSet",
    "RandomPolicy",
    "Relabelled",
    "ReproductionError",
    "ResetNeededError",
    "RewardBatch",
    "RewardError",
    "RewardFailure",
    "RewardProgram",
    "RewardSession",
    "SessionClosedError",
    "ShapeError",
    "SpaceError",
    "Trajectory",
    "TrajectorySet",
    "Verdict",
    "check",
    "collect",
    "expert_for",
    "load",
    "load_repro",
    "relabel",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carruntime' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

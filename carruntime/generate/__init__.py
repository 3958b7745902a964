"""Programs from models: from two pictures to a verified bundle.

`Workshop` holds environment, pictures and trajectories; a `Model` answers (`Endpoint`, `Exchange`,
`Replay`); `generate` goes from questions to a `Bundle`. What a model says is data all the way.
"""

from carruntime.generate.bundle import Bundle, read_bundle
from carruntime.generate.endpoint import Endpoint, Patience
from carruntime.generate.errors import (
    BundleError,
    ExchangeError,
    GenerateError,
    ModelError,
    NotRecordedError,
    PictureError,
    WaitingForAnswersError,
)
from carruntime.generate.exchange import Exchange
from carruntime.generate.loop import Settings
from carruntime.generate.messages import Answer, Model, Request
from carruntime.generate.pictures import Picture
from carruntime.generate.recordings import Recordings, Replay, shipped
from carruntime.generate.runner import Episodes, Workshop, generate

__all__ = [
    "Answer",
    "Bundle",
    "BundleError",
    "Endpoint",
    "Episodes",
    "Exchange",
    "ExchangeError",
    "GenerateError",
    "Model",
    "ModelError",
    "NotRecordedError",
    "Patience",
    "Picture",
    "PictureError",
    "Recordings",
    "Replay",
    "Request",
    "Settings",
    "WaitingForAnswersError",
    "Workshop",
    "generate",
    "read_bundle",
    "shipped",
]

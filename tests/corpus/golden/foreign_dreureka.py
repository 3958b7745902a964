# against: box
import torch
import numpy as np
from isaacgym.torch_utils import *

class EurekaReward():
    def __init__(self, env):
        self.env = env

    def load_env(self, env):
        self.env = env

    def compute_reward(self):
        env = self.env
        lin_vel = env.root_states[:, 7]
        forward = torch.clamp(lin_vel, max=2.0)
        torque = torch.sum(torch.square(env.torques), dim=1)
        return forward - 0.0001 * torque, {"forward": forward, "torque": torque}

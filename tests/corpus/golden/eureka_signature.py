# against: box
import torch
from torch import Tensor
from typing import Dict, Tuple


@torch.jit.script
def compute_reward(
    object_pos: Tensor, goal_pos: torch.Tensor, dof_vel: torch.Tensor
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    distance_temp: float = 0.2
    goal_dist = torch.norm(object_pos - goal_pos, p=2, dim=-1)
    distance_reward = torch.exp(-goal_dist / distance_temp)
    success = torch.where(goal_dist < 0.05, torch.ones_like(goal_dist), torch.zeros_like(goal_dist))
    velocity_penalty = -0.01 * torch.sum(dof_vel ** 2, dim=-1).clamp(max=10.0)
    total_reward = distance_reward + 2.0 * success + velocity_penalty.unsqueeze(-1).squeeze(-1)
    reward_dict = {
        "distance_reward": distance_reward,
        "success": success,
        "velocity_penalty": velocity_penalty,
    }
    return total_reward, reward_dict

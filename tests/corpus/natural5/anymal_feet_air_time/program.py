import numpy as np


class LeggedReward:
    """legged_gym style reward for an ANYmal-like quadruped following velocity commands."""

    def __init__(self):
        self.dt = 0.02
        self.tracking_sigma = 0.25
        self.base_height_target = 0.5
        self.default_joint_pos = np.array([0.0, 0.4, -0.8] * 2 + [0.0, -0.4, 0.8] * 2)
        self.scales = {
            "tracking_lin_vel": 1.0,
            "tracking_ang_vel": 0.5,
            "lin_vel_z": -2.0,
            "ang_vel_xy": -0.05,
            "orientation": -0.2,
            "base_height": -1.0,
            "torques": -1e-5,
            "dof_acc": -2.5e-7,
            "action_rate": -0.01,
            "feet_air_time": 1.0,
            "stand_still": -0.1,
            "collision": -1.0,
        }
        self.feet_air_time = np.zeros(4)
        self.last_contacts = np.zeros(4, dtype=bool)
        self.last_actions = np.zeros(12)

    def reset(self, obs):
        self.feet_air_time = np.zeros(4)
        self.last_contacts = np.zeros(4, dtype=bool)
        self.last_actions = np.zeros(12)

    # ------------------------------------------------------------- reward terms
    def _reward_tracking_lin_vel(self, o, a, n):
        err = np.sum(np.square(n["commands"][:2] - n["base_lin_vel"][:2]))
        return np.exp(-err / self.tracking_sigma)

    def _reward_tracking_ang_vel(self, o, a, n):
        err = np.square(n["commands"][2] - n["base_ang_vel"][2])
        return np.exp(-err / self.tracking_sigma)

    def _reward_lin_vel_z(self, o, a, n):
        return np.square(n["base_lin_vel"][2])

    def _reward_ang_vel_xy(self, o, a, n):
        return np.sum(np.square(n["base_ang_vel"][:2]))

    def _reward_orientation(self, o, a, n):
        return np.sum(np.square(n["projected_gravity"][:2]))

    def _reward_base_height(self, o, a, n):
        return np.square(n["base_height"][0] - self.base_height_target)

    def _reward_torques(self, o, a, n):
        return np.sum(np.square(n["torques"]))

    def _reward_dof_acc(self, o, a, n):
        return np.sum(np.square((n["joint_vel"] - o["joint_vel"]) / self.dt))

    def _reward_action_rate(self, o, a, n):
        return np.sum(np.square(self.last_actions - a))

    def _reward_feet_air_time(self, o, a, n):
        # reward long steps; filter contacts, they are unreliable for one frame
        contact = n["foot_forces"] > 1.0
        contact_filt = np.logical_or(contact, self.last_contacts)
        self.last_contacts = contact
        first_contact = (self.feet_air_time > 0.0) * contact_filt
        self.feet_air_time += self.dt
        rew = np.sum((self.feet_air_time - 0.5) * first_contact)
        rew *= np.linalg.norm(n["commands"][:2]) > 0.1
        self.feet_air_time *= ~contact_filt
        return rew

    def _reward_stand_still(self, o, a, n):
        moving = np.linalg.norm(n["commands"][:2]) >= 0.1
        return 0.0 if moving else np.sum(np.abs(n["joint_pos"] - self.default_joint_pos))

    def _reward_collision(self, o, a, n):
        return n["base_contact"]

    def step(self, obs, action, next_obs):
        terms = {
            "tracking_lin_vel": self._reward_tracking_lin_vel,
            "tracking_ang_vel": self._reward_tracking_ang_vel,
            "lin_vel_z": self._reward_lin_vel_z,
            "ang_vel_xy": self._reward_ang_vel_xy,
            "orientation": self._reward_orientation,
            "base_height": self._reward_base_height,
            "torques": self._reward_torques,
            "dof_acc": self._reward_dof_acc,
            "action_rate": self._reward_action_rate,
            "feet_air_time": self._reward_feet_air_time,
            "stand_still": self._reward_stand_still,
            "collision": self._reward_collision,
        }
        episode = {}
        total = 0.0
        for name, fn in terms.items():
            value = float(fn(obs, action, next_obs)) * self.scales[name] * self.dt
            episode[name] = value
            total += value
        self.last_actions = action.copy()
        # only positive total rewards, as in legged_gym
        return max(total, 0.0), episode

# against: box
def _compute_reward(self):
    eef_pos = get_eef_pos(self)[0]
    handle_pos = get_link_state(self, "oven", "link_0")
    joint = get_joint_state(self, "oven", "joint_0")
    low, high = get_joint_limit(self, "oven", "joint_0")
    diff = np.abs(joint - high)
    reward = -np.linalg.norm(eef_pos - handle_pos) - diff
    success = diff < 0.35 * (high - low)
    return reward, success

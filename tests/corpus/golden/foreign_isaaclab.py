# against: box
def _get_rewards_eureka(self):
    pole_angle = self.joint_pos[:, self._pole_dof_idx[0]]
    upright = torch.exp(-torch.abs(pole_angle) / 0.1)
    cart = self.joint_pos[:, self._cart_dof_idx[0]]
    total = upright - 0.01 * torch.square(cart)
    return total, {"upright": upright, "cart": cart}

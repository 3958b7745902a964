# against: box
import numpy as np
from scipy.spatial.distance import cdist


def compute_dense_reward(self, action) -> float:
    reward = 0.0
    ee_pose = self.robot.ee_pose
    tcp_to_obj = np.linalg.norm(ee_pose.p - self.cubeA.pose.p)
    reward += 1 - np.tanh(5 * tcp_to_obj)
    grasped = self.robot.check_grasp(self.cubeA, max_angle=30)
    if grasped:
        reward += 1.0
        goal = self.goal_position - self.cubeA.pose.p
        reward += 1 - np.tanh(5 * np.linalg.norm(goal))
    pcd = self.cubeA.get_world_pcd()
    reward -= cdist(pcd, [ee_pose.p]).min()
    reward -= 0.01 * np.linalg.norm(self.robot.qvel)
    return reward

# a tuple that holds the one before twice, and so on
def reward(action):
    p0 = (action, 1)
    p1 = (p0, p0)
    p2 = (p1, p1)
    p3 = (p2, p2)
    p4 = (p3, p3)
    p5 = (p4, p4)
    p6 = (p5, p5)
    p7 = (p6, p6)
    p8 = (p7, p7)
    p9 = (p8, p8)
    p10 = (p9, p9)
    p11 = (p10, p10)
    p12 = (p11, p11)
    p13 = (p12, p12)
    p14 = (p13, p13)
    p15 = (p14, p14)
    p16 = (p15, p15)  # E: SBX118 "more than 65,536 values long"
    return float(p16[0] is p16[1])
# ---
# by attributes, dicts and lists
class Reward:
    def step(self, action):
        self.a = [action, 1]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = {"x": self.a, "y": self.a}
        self.a = [self.a, self.a]
        self.a = self.a + self.a + self.a  # E: SBX118
        return float(len(self.a))
# ---
# by a function of the program
def pair(x):
    return (x, x)
def reward(action):
    p = pair((action, 1))
    p = pair(pair(p))
    p = pair(pair(p))
    p = pair(pair(p))
    p = pair(pair(p))
    p = pair(pair(p))
    p = pair(pair(p))
    p = pair(pair(p))
    q = (p, p)  # E: SBX118
    return float(q[0] is p)
# ---
# in the arms of a branch
def reward(action):
    if action > 1:
        p = (1, 2)
    else:
        p = (1, 2, 3, 4)
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = p, p
    p = [p] + [p, p, p]  # E: SBX118
    return float(len(p))
# ---
# numbers double without an end; so do names that stand for something else after a line
def reward(action):
    x = action
    y = 0
    p = (1, 2)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    x = x + x
    y, z = x, x
    p = (p, p)
    p = len(p)
    return float(x + y + z + p)

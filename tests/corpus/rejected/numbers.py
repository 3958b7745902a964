A = 9 ** 9 ** 9  # E: SBX503 "an integer of too many digits"
B = 1 << 10000  # E: SBX503 "an integer"
C = "a" * 100000000  # E: SBX503 "100000000 elements"
D = [0] * 10 ** 9  # E: SBX503 "elements"
E = 1e999  # W: SBX502 ""
F = 2 ** 64 + 10 ** 12
def reward(obs):
    return A + B + len(C) + len(D) + E + F
# ---
x = [0] * 10 ** 12  # E: SBX503 "makes 1000000000000 elements"
y = "ab" * 9 ** 9999  # E: SBX503 "elements" # E: SBX503 "an integer of too many digits"

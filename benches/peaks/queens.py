"""An SMT solver at work: ninety queens as bit vectors (needs the package z3-solver)."""

import z3

z3.set_param("smt.random_seed", 1)
solver = z3.Solver()
queens = [z3.BitVec(f"q{i}", 16) for i in range(90)]
for i, queen in enumerate(queens):
    solver.add(z3.ULT(queen, 90))
    for j, other in enumerate(queens[:i]):
        solver.add(queen != other, queen - other != i - j, other - queen != i - j)
# So much work, on any machine.
solver.set("rlimit", 6_000_000)
print(solver.check())

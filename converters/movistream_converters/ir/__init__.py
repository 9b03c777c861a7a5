"""Networks as data, and what follows from them: shapes, states, weights, passes, cost."""

"""The compiler: from a network to the operators of one step."""

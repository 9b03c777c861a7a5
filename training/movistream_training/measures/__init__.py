"""How right scores and events are, by protocols that others use too."""

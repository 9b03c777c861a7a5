"""Instructions that an ARM core executes per frame, counted in an emulator."""

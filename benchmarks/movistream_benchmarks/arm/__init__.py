"""Instructions that an ARM core executes per frame, or for a video, counted in an emulator."""

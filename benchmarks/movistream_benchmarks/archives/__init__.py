"""What archives of many videos cost, by whoever carries them."""

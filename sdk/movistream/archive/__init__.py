"""Archives: many videos into one table, in a folder of shards that nothing interrupts for good."""

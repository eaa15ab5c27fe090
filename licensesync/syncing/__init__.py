"""What a sync does, from the frozen list to the cloud's receipt, and when the next one is due."""

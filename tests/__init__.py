"""The suite, in folders named after the apps."""

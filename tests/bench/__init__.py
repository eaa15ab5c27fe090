"""How long a sync takes, stage by stage, beside a floor measured in the same run: ``make bench``."""

"""The worklist *Probably the same person*: what people see of it and decide, and the savings that it proved."""

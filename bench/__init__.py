"""`make bench`: how fast this is, each figure beside what the machine, Postgres and FastAPI give at the same moment."""

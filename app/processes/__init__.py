"""The processes of one installation: Postgres, the API, the worker, and who starts and stops them."""

"""SQL that a migration installs besides tables. A change is a new module beside the old one, never an edit."""

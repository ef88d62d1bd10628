"""Why support may give something away, and how much: the catalogue of reasons, and the budgets of keys."""

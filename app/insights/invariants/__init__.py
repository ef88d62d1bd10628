"""Whether everything that is stored adds up, asked over HTTP."""

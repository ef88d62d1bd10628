"""How the redeemables of a request get along in a project: what the management surface shows and changes."""

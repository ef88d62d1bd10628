"""What followers of events have failed on for good: to be seen, and to be tried again once the reason is mended."""

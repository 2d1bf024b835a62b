"""``payamak queue``: sends that outlive the process, from the command line."""

"""After a send: what became of each message, asked for once or followed until it is final."""

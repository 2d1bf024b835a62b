"""What the sandbox remembers: accounts, messages, exchanges, and a store for them."""

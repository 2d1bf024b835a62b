"""The migrations of the app: the tables are made by the queue's own SQL, and Django is told of them."""

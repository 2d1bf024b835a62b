"""What the queue keeps, in plain SQL: functions of a transaction, one a question. Nothing here waits or sends."""

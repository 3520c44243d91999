"""What a check may say: a claim that holds or not, its cause, and the report of all."""

"""What is sent through the stack to see it arrive, and found again and taken back."""

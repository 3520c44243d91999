"""What would make an apply fail, found before anything is changed."""

"""What answers mean: expressions with and without series, panels, scrape errors, sizes."""

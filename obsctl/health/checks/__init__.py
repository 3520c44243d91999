"""One module per component: each check takes the Context and yields Findings."""

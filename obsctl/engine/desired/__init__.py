"""What the rendered compose file asks for, in the Engine API's terms."""

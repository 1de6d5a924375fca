"""The targets, a file for each that is measured in a way of its own."""

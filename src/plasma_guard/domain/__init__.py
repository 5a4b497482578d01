"""The vocabulary: values and errors that every other layer speaks in; standard library only."""

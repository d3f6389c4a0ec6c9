"""Imports: files into a journal of this process, and from there into the store like everything else.

So a row is stored once whoever interrupts, the books hold it under its source, forgotten users stay
forgotten, and the command does not end before the rows are in the store.
"""

"""Which answers are judged by what, and how many of them."""

"""`tachograph demo`: the whole stack on real traffic, with an accident and a drop in quality."""

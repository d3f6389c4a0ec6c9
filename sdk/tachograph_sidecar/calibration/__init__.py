"""`tachograph calibrate`: what a model's work costs on this device, measured through planned loads."""

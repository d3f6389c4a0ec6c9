"""Recording of engines that run in this process or speak a protocol of their own."""

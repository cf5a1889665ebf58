"""A bank: random architectures of a space, all trained to the end, some of them with several seeds."""

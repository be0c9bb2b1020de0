//! Empty: the manifest names the allocators whose sources `scripts/peers` compiles.

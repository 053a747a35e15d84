"""The platform Summit as a real HTTP server, for the demonstration and the tests."""
